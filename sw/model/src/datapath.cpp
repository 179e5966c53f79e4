#include "datapath.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "raw_chain.h"
#include "systolith/model/formats.h"

namespace systolith::model {

static_assert(std::endian::native == std::endian::little,
              "device memories are taken as arrays of host words");

Datapath::Datapath(const Configuration& configuration, Bus& bus)
    : configuration_(configuration),
      line_bytes_(configuration.line_bytes()),
      bus_(bus),
      scratchpad_(configuration.scratchpad_bytes()),
      accumulators_(std::size_t{configuration.accumulator_rows} * configuration.cols),
      tags_(configuration.accumulator_rows) {}

void Datapath::clear() {
  std::fill(scratchpad_.begin(), scratchpad_.end(), std::byte{0});
  std::fill(accumulators_.begin(), accumulators_.end(), 0);
  std::fill(tags_.begin(), tags_.end(), SYSTOLITH_TAG_NONE);
}

// ---- transfers ----

std::uint64_t Datapath::beat_bytes(std::uint64_t address, std::uint64_t bytes) const {
  const std::uint64_t bus = configuration_.bus_bytes;
  return (address % bus + bytes + bus - 1) / bus * bus;
}

// Calls burst(address, bytes, row, offset in the row) for each burst, in bus order, until it
// returns false. A row that goes on where the one before ended is one run with it, unless a wait
// goes row by row; a run is cut before 4 KiB boundaries and after the greatest burst.
template <typename Burst>
void Datapath::walk(const Command& command, Burst burst) const {
  const Transfer& t = command.transfer;
  const std::uint64_t merged = std::uint64_t{t.run} * t.count[0];
  const bool merge = t.stride[0] == t.run && t.count[0] > 1 && merged <= 0xFFFFFFFFu &&
                     !command.waits[0].by_rows && !command.waits[1].by_rows;
  const std::uint64_t run = merge ? merged : t.run;
  const std::uint64_t rows_of_run = merge ? t.count[0] : 1;
  const std::uint64_t longest =
      std::uint64_t{configuration_.max_burst_beats} * configuration_.bus_bytes;

  std::array<std::uint32_t, 4> index{};
  for (std::uint64_t row = 0; row < t.rows; row += rows_of_run) {
    std::uint64_t start = t.address;
    for (unsigned d = 0; d < 4; ++d) start += index[d] * t.stride[d];
    for (std::uint64_t done = 0; done < run;) {
      const std::uint64_t address = start + done;
      const std::uint64_t end_of_burst = address - address % configuration_.bus_bytes + longest;
      const std::uint64_t end_of_page = (address | 0xFFF) + 1;
      const std::uint64_t bytes =
          std::min({run - done, end_of_burst - address, end_of_page - address});
      if (!burst(address, bytes, row + done / t.run, done % t.run)) return;
      done += bytes;
    }
    for (unsigned d = merge ? 1 : 0; d < 4; ++d) {
      if (++index[d] < t.count[d]) break;
      index[d] = 0;
    }
  }
}

// Calls piece(row, offset, bytes) for the part of `data` that belongs to each row, until it returns
// false.
template <typename Piece>
void Datapath::split(const Transfer& transfer, std::uint64_t row, std::uint64_t offset,
                     std::span<std::byte> data, Piece piece) const {
  while (!data.empty()) {
    const std::size_t bytes = std::min<std::size_t>(transfer.run - offset, data.size());
    if (!piece(row, offset, data.first(bytes))) return;
    data = data.subspan(bytes);
    offset = 0;
    ++row;
  }
}

std::byte* Datapath::local(const Command& command, std::uint64_t row) {
  const std::size_t index = command.transfer.local_base + row * command.transfer.local_pitch;
  if (command.accumulators)
    return reinterpret_cast<std::byte*>(accumulators_.data() + index * configuration_.cols);
  return scratchpad_.data() + index * line_bytes_;
}

std::optional<Fault> Datapath::load(const Command& command) {
  std::optional<Fault> fault;
  std::array<std::byte, 4096> buffer;
  walk(command, [&](std::uint64_t address, std::uint64_t bytes, std::uint64_t row,
                    std::uint64_t offset) {
    const std::span<std::byte> data(buffer.data(), bytes);
    counts_.bytes_read += beat_bytes(address, bytes);
    if (!bus_.read(address, data)) {
      fault = Fault{SYSTOLITH_CAUSE_BUS_READ, address - address % configuration_.bus_bytes};
      return false;
    }
    split(command.transfer, row, offset, data,
          [&](std::uint64_t r, std::uint64_t at, std::span<std::byte> piece) {
            std::memcpy(local(command, r) + at, piece.data(), piece.size());
            if (command.accumulators) {
              tags_[command.transfer.local_base + r * command.transfer.local_pitch] = command.tag;
            }
            return true;
          });
    return true;
  });
  return fault;
}

std::optional<Fault> Datapath::check_scales(const Command& command) const {
  const std::byte* scales = scratchpad_.data() + command.scale_line * line_bytes_;
  for (unsigned c = 0; c < configuration_.cols; ++c) {
    std::uint32_t scale;
    std::memcpy(&scale, scales + 4 * c, 4);
    if (!is_scale(scale)) return Fault{SYSTOLITH_CAUSE_SCALE, c};
  }
  return {};
}

// A row of the accumulators as it goes to memory.
std::optional<Fault> Datapath::convert(const Command& command, std::uint64_t row,
                                       std::span<std::byte> bytes) {
  const std::size_t index = command.transfer.local_base + row * command.transfer.local_pitch;
  const std::uint8_t tag = tags_[index];
  const std::uint32_t* words = accumulators_.data() + index * configuration_.cols;
  const std::size_t columns = bytes.size() / command.stored_bytes();
  const std::byte* scales = scratchpad_.data() + command.scale_line * line_bytes_;
  if (tag == SYSTOLITH_TAG_NONE) {
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    return {};
  }
  if ((command.conversion == SYSTOLITH_CONVERSION_BF16 && tag != SYSTOLITH_TAG_FP32) ||
      (command.conversion == SYSTOLITH_CONVERSION_INT8 && tag != SYSTOLITH_TAG_INT32)) {
    return Fault{SYSTOLITH_CAUSE_TYPE_TAG, index};
  }
  for (std::size_t c = 0; c < columns; ++c) {
    std::uint32_t word = words[c];
    if (command.relu) {
      word = tag == SYSTOLITH_TAG_FP32
                 ? relu_fp32(word)
                 : static_cast<std::uint32_t>(relu_int32(static_cast<std::int32_t>(word)));
    }
    if (command.conversion == SYSTOLITH_CONVERSION_RAW) {
      std::memcpy(&bytes[4 * c], &word, 4);
    } else if (command.conversion == SYSTOLITH_CONVERSION_BF16) {
      const std::uint16_t half = fp32_to_bf16(word);
      std::memcpy(&bytes[2 * c], &half, 2);
    } else {
      std::uint32_t scale = command.scale;
      if (command.scale_per_column) std::memcpy(&scale, scales + 4 * c, 4);
      bytes[c] = static_cast<std::byte>(int32_to_int8(static_cast<std::int32_t>(word), scale));
    }
  }
  return {};
}

std::optional<Fault> Datapath::store(const Command& command) {
  if (command.scale_per_column) {
    if (const auto fault = check_scales(command)) return fault;
  }
  std::optional<Fault> fault;
  std::array<std::byte, 4096> buffer;
  std::vector<std::byte> converted(command.accumulators ? command.transfer.run : 0);
  std::uint64_t converted_row = ~std::uint64_t{0};
  walk(command,
       [&](std::uint64_t address, std::uint64_t bytes, std::uint64_t row, std::uint64_t offset) {
         const std::span<std::byte> data(buffer.data(), bytes);
         split(command.transfer, row, offset, data,
               [&](std::uint64_t r, std::uint64_t at, std::span<std::byte> piece) {
                 if (!command.accumulators) {
                   std::memcpy(piece.data(), local(command, r) + at, piece.size());
                   return true;
                 }
                 if (r != converted_row) {
                   fault = convert(command, r, converted);
                   converted_row = r;
                 }
                 std::memcpy(piece.data(), converted.data() + at, piece.size());
                 return !fault;
               });
         if (fault) return false;
         counts_.bytes_written += beat_bytes(address, bytes);
         if (!bus_.write(address, data)) {
           fault = Fault{SYSTOLITH_CAUSE_BUS_WRITE, address - address % configuration_.bus_bytes};
         }
         return !fault;
       });
  return fault;
}

// ---- products ----

template <typename T, typename Sum>
void Datapath::multiply(const Command& c) {
  const std::size_t line = line_bytes_ / sizeof(T);
  const T* operands = reinterpret_cast<const T*>(scratchpad_.data());
  const std::size_t cols = configuration_.cols;
  std::vector<Sum> sums(std::size_t{c.m} * c.n);
  const auto each_row_of_strip = [&](auto copy) {
    for (std::size_t s = 0; s < c.strips; ++s) {
      const std::size_t width = std::min<std::size_t>(cols, c.n - s * cols);
      for (std::size_t m = 0; m < c.m; ++m) {
        const std::size_t row = c.c_base + s * c.c_pitch + m;
        copy(row, accumulators_.data() + row * cols, sums.data() + m * c.n + s * cols, width * 4);
      }
    }
  };
  if (c.accumulate) {
    each_row_of_strip([](std::size_t, const std::uint32_t* accumulator, Sum* sum,
                         std::size_t bytes) { std::memcpy(sum, accumulator, bytes); });
  }
  raw_accumulate(Matrix<const T>{operands + c.a_base * line, c.m, c.k, c.a_pitch * line},
                 Matrix<const T>{operands + c.b_base * line, c.k, c.n, c.b_pitch * line},
                 Matrix<Sum>{sums.data(), c.m, c.n, c.n}, instructions_);
  each_row_of_strip(
      [&](std::size_t row, std::uint32_t* accumulator, const Sum* sum, std::size_t bytes) {
        std::memcpy(accumulator, sum, bytes);
        tags_[row] = c.int8 ? SYSTOLITH_TAG_INT32 : SYSTOLITH_TAG_FP32;
      });
}

std::optional<Fault> Datapath::matrix(const Command& c) {
  const std::uint8_t other = c.int8 ? SYSTOLITH_TAG_FP32 : SYSTOLITH_TAG_INT32;
  for (std::size_t s = 0; c.accumulate && s < c.strips; ++s) {
    for (std::size_t m = 0; m < c.m; ++m) {
      const std::size_t row = c.c_base + s * c.c_pitch + m;
      if (tags_[row] == other) return Fault{SYSTOLITH_CAUSE_TYPE_TAG, row};
    }
  }
  if (c.int8) {
    multiply<std::int8_t, std::int32_t>(c);
  } else {
    multiply<Bf16, float>(c);
  }
  counts_.macs += std::uint64_t{c.m} * c.n * c.k;
  counts_.issued_rows += c.rows();
  return {};
}

}  // namespace systolith::model
