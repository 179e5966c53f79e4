#include "fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace systolith::test {
namespace {

harness::AxiCheckerOptions checker_options() {
  harness::AxiCheckerOptions options;
  options.bus_bytes = kBusBytes;
  options.maximum_beats = 256;
  for (unsigned id = 0; id < harness::kIds; ++id) {
    options.maximum_reads[id] = 256;
    options.maximum_writes[id] = 256;
  }
  return options;
}

}  // namespace

const sdram::SdramTiming& timing() { return ANY_PART ? sdram::kAnyPart : sdram::kIs42s16160g7; }

unsigned cycles(const sdram::SdramTime& time) {
  const uint64_t whole = (time.ps * kMegahertz + 999'999) / 1'000'000;
  return std::max<unsigned>(static_cast<unsigned>(whole), time.clocks);
}

SdramBench::SdramBench(const sdram::SdramFaults& faults, uint64_t seed)
    : top_(std::make_unique<Vsdram_bench>()),
      chip_(std::make_unique<sdram::SdramModel>(timing(), faults)),
      checker_(checker_options()),
      random_(seed),
      image_(static_cast<uint8_t*>(std::calloc(kBytes, 1)), std::free) {
  for (int i = 0; i < 4; ++i) step(true);
}

SdramBench::~SdramBench() { top_->final(); }

void SdramBench::power_up() {
  for (int i = 0; i < 100'000 && !top_->ready_o; ++i) step();
  ASSERT_TRUE(top_->ready_o);
}

bool SdramBench::drain(uint64_t limit) {
  for (uint64_t i = 0; i < limit; ++i) {
    if (reads_owed_.empty() && writes_owed_.empty() && w_queue_.empty()) return true;
    step();
  }
  return false;
}

void SdramBench::forget() {
  ar_queue_.clear();
  aw_queue_.clear();
  w_queue_.clear();
  reads_owed_.clear();
  writes_owed_.clear();
  w_last_cycles_.clear();
  pages_.clear();
  aw_bursts_ = w_bursts_ = 0;
}

void SdramBench::write(uint64_t address, const std::vector<uint8_t>& data, uint64_t strobe,
                       unsigned id) {
  Owed burst{};
  burst.id = id;
  burst.address = address;
  burst.beats = static_cast<unsigned>(data.size() / kBusBytes);
  burst.in_range = address < kBytes;
  for (unsigned beat = 0; beat < burst.beats; ++beat) {
    Beat w;
    w.data.assign(data.begin() + beat * kBusBytes, data.begin() + (beat + 1) * kBusBytes);
    w.strobe = strobe;
    w.last = beat + 1 == burst.beats;
    if (burst.in_range) {
      pages_.insert(address >> 12);
      for (unsigned i = 0; i < kBusBytes; ++i) {
        if (strobe >> i & 1)
          image_[address / kBusBytes * kBusBytes + beat * kBusBytes + i] = w.data[i];
      }
    }
    w_queue_.push_back(std::move(w));
  }
  writes_owed_.push_back(burst);
  aw_queue_.push_back(std::move(burst));
}

void SdramBench::write(uint64_t address, unsigned beats, unsigned id, bool all_strobes) {
  // Beat by beat, as each has strobes of its own.
  Owed burst{};
  burst.id = id;
  burst.address = address;
  burst.beats = beats;
  burst.in_range = address < kBytes;
  for (unsigned beat = 0; beat < beats; ++beat) {
    Beat w;
    w.data.resize(kBusBytes);
    for (uint8_t& byte : w.data) byte = static_cast<uint8_t>(random_());
    w.strobe = all_strobes ? ~uint64_t{0} : random_();
    if (kBusBytes < 64) w.strobe &= (uint64_t{1} << kBusBytes) - 1;
    w.last = beat + 1 == beats;
    if (burst.in_range) {
      pages_.insert(address >> 12);
      for (unsigned i = 0; i < kBusBytes; ++i) {
        if (w.strobe >> i & 1) image_[address + beat * kBusBytes + i] = w.data[i];
      }
    }
    w_queue_.push_back(std::move(w));
  }
  writes_owed_.push_back(burst);
  aw_queue_.push_back(std::move(burst));
}

void SdramBench::read(uint64_t address, unsigned beats, unsigned id) {
  Owed burst{};
  burst.id = id;
  burst.address = address;
  burst.beats = beats;
  burst.in_range = address < kBytes;
  burst.expected.resize(size_t{beats} * kBusBytes);
  if (burst.in_range)
    std::memcpy(burst.expected.data(), image(address / kBusBytes * kBusBytes),
                burst.expected.size());
  reads_owed_.push_back(burst);
  ar_queue_.push_back(std::move(burst));
}

bool SdramBench::quiet(uint64_t address, uint64_t bytes, bool or_read) const {
  const auto apart = [&](const Owed& owed) {
    return address + bytes <= owed.address ||
           owed.address + uint64_t{owed.beats} * kBusBytes <= address;
  };
  return std::all_of(writes_owed_.begin(), writes_owed_.end(), apart) &&
         (!or_read || std::all_of(reads_owed_.begin(), reads_owed_.end(), apart));
}

void SdramBench::drive() {
  ar_offered_ = !ar_queue_.empty() && (ar_offered_ || percent(temper.ar));
  if (!aw_offered_ && !aw_queue_.empty() && !hold_aw && percent(temper.aw)) {
    aw_offered_ = true;
    ++aw_bursts_;
  }
  const bool w_may = early_w || w_bursts_ < aw_bursts_;
  w_offered_ = !w_queue_.empty() && (w_offered_ || (w_may && !hold_w && percent(temper.w)));
  const auto address = [](harness::AxiAddress& channel, const Owed* burst) {
    channel = {};
    channel.size = 31 - static_cast<uint8_t>(__builtin_clz(kBusBytes));
    channel.burst = 1;
    channel.cache = 3;
    channel.valid = burst != nullptr;
    if (burst == nullptr) return;
    channel.id = static_cast<uint8_t>(burst->id);
    channel.address = burst->address;
    channel.length = static_cast<uint8_t>(burst->beats - 1);
  };
  address(manager_.ar, ar_offered_ ? &ar_queue_.front() : nullptr);
  address(manager_.aw, aw_offered_ ? &aw_queue_.front() : nullptr);
  manager_.w_valid = w_offered_;
  // Noise where nothing is offered.
  for (unsigned i = 0; i < kBusBytes; i += 8) {
    const uint64_t noise = random_();
    std::memcpy(manager_.w_data.data() + i, &noise, 8);
  }
  manager_.w_strobe = kBusBytes < 64 ? random_() & ((uint64_t{1} << kBusBytes) - 1) : random_();
  manager_.w_last = false;
  if (w_offered_) {
    std::memcpy(manager_.w_data.data(), w_queue_.front().data.data(), kBusBytes);
    manager_.w_strobe = w_queue_.front().strobe;
    manager_.w_last = w_queue_.front().last;
  }
  manager_.r_ready = !hold_r && percent(temper.r);
  manager_.b_ready = !hold_b && percent(temper.b);

  top_->s_axi_arvalid = manager_.ar.valid;
  top_->s_axi_arid = manager_.ar.id;
  top_->s_axi_araddr = manager_.ar.address;
  top_->s_axi_arlen = manager_.ar.length;
  top_->s_axi_awvalid = manager_.aw.valid;
  top_->s_axi_awid = manager_.aw.id;
  top_->s_axi_awaddr = manager_.aw.address;
  top_->s_axi_awlen = manager_.aw.length;
  top_->s_axi_wvalid = manager_.w_valid;
  std::memcpy(&top_->s_axi_wdata, manager_.w_data.data(), kBusBytes);
  top_->s_axi_wstrb =
      static_cast<std::remove_reference_t<decltype(top_->s_axi_wstrb)>>(manager_.w_strobe);
  top_->s_axi_wlast = manager_.w_last;
  top_->s_axi_rready = manager_.r_ready;
  top_->s_axi_bready = manager_.b_ready;
}

void SdramBench::take_read() {
  ASSERT_FALSE(reads_owed_.empty()) << "R that nothing asked for";
  Owed& burst = reads_owed_.front();
  ASSERT_TRUE(burst.address_taken);
  EXPECT_EQ(top_->s_axi_rid, burst.id) << fmt::format("read of {:#x}", burst.address);
  if (burst.beats_done == 0) burst.first = cycle;
  const size_t at = burst.data.size();
  burst.data.resize(at + kBusBytes);
  std::memcpy(burst.data.data() + at, &top_->s_axi_rdata, kBusBytes);
  EXPECT_EQ(top_->s_axi_rresp, burst.in_range ? kOkay : kDecodeError)
      << fmt::format("read of {:#x}", burst.address);
  burst.responses |= top_->s_axi_rresp;
  const bool last = ++burst.beats_done == burst.beats;
  EXPECT_EQ(top_->s_axi_rlast, last);
  if (!last) return;
  reads.push_back({burst.id, burst.address, std::move(burst.data), std::move(burst.expected),
                   burst.responses, burst.asked, burst.first, cycle});
  reads_owed_.pop_front();
}

// Handshakes of this cycle.
void SdramBench::take() {
  harness::AxiSubordinateSignals memory;
  memory.ar_ready = top_->s_axi_arready;
  memory.aw_ready = top_->s_axi_awready;
  memory.w_ready = top_->s_axi_wready;
  memory.b_valid = top_->s_axi_bvalid;
  memory.b_id = top_->s_axi_bid;
  memory.b_response = top_->s_axi_bresp;
  memory.r_valid = top_->s_axi_rvalid;
  memory.r_id = top_->s_axi_rid;
  memory.r_last = top_->s_axi_rlast;
  memory.r_response = top_->s_axi_rresp;
  std::memcpy(memory.r_data.data(), &top_->s_axi_rdata, kBusBytes);
  checker_.clock(manager_, memory, !top_->rst_ni);

  if (manager_.ar.valid && memory.ar_ready) {
    auto burst = std::find_if(reads_owed_.begin(), reads_owed_.end(),
                              [](const Owed& o) { return !o.address_taken; });
    burst->address_taken = true;
    burst->asked = cycle;
    ar_queue_.pop_front();
    ar_offered_ = false;
  }
  if (manager_.aw.valid && memory.aw_ready) {
    aw_queue_.pop_front();
    aw_offered_ = false;
  }
  if (manager_.w_valid && memory.w_ready) {
    if (manager_.w_last) {
      w_last_cycles_.push_back(cycle);
      ++w_bursts_;
    }
    w_queue_.pop_front();
    w_offered_ = false;
  }
  if (memory.r_valid && manager_.r_ready) take_read();
  if (memory.b_valid && manager_.b_ready) {
    ASSERT_FALSE(writes_owed_.empty() || w_last_cycles_.empty()) << "B that nothing asked for";
    const Owed& burst = writes_owed_.front();
    EXPECT_EQ(memory.b_id, burst.id);
    EXPECT_EQ(memory.b_response, burst.in_range ? kOkay : kDecodeError)
        << fmt::format("write of {:#x}", burst.address);
    writes.push_back({burst.id, burst.address, memory.b_response, w_last_cycles_.front(), cycle});
    w_last_cycles_.pop_front();
    writes_owed_.pop_front();
  }
}

void SdramBench::step(bool in_reset) {
  const uint64_t rise = (cycle + 1) * kPeriod;
  top_->clk_i = 0;
  top_->rst_ni = !in_reset;
  if (in_reset || fresh_) {
    ar_offered_ = aw_offered_ = w_offered_ = false;
    manager_ = {};
    top_->s_axi_arvalid = top_->s_axi_awvalid = top_->s_axi_wvalid = 0;
    top_->s_axi_rready = top_->s_axi_bready = 0;
  } else {
    drive();
  }
  fresh_ = in_reset;
  const sdram::SdramBus bus = chip_->bus(rise);
  top_->dq_i = bus.valid ? bus.value : static_cast<uint16_t>(random_());
  top_->eval();
  take();
  top_->clk_i = 1;
  top_->eval();

  sdram::SdramPins pins;
  pins.cke = top_->cke_o;
  pins.cs_n = top_->cs_no;
  pins.ras_n = top_->ras_no;
  pins.cas_n = top_->cas_no;
  pins.we_n = top_->we_no;
  pins.bank = top_->bank_o;
  pins.address = top_->address_o;
  pins.dqm = top_->dqm_o;
  pins.dq_enable = top_->dq_enable_o;
  pins.dq = top_->dq_o;
  const sdram::SdramModel::Counts before = chip_->counts();
  chip_->edge(rise + kPhase, pins);
  words_read += chip_->counts().reads - before.reads;
  words_written += chip_->counts().writes - before.writes;
  if (chip_->counts().refreshes != before.refreshes) refreshes.push_back(cycle);
  ++cycle;
}

void SdramBench::expect_right() {
  for (const ReadDone& read : reads) {
    if (read.data != read.expected) {
      const auto wrong = std::mismatch(read.data.begin(), read.data.end(), read.expected.begin());
      ADD_FAILURE() << fmt::format("read of {:#x}, {} bytes: byte {} is {:#x}, not {:#x}",
                                   read.address, read.data.size(), wrong.first - read.data.begin(),
                                   *wrong.first, *wrong.second);
      break;
    }
  }
  if (writes_owed_.empty()) {
    for (const uint64_t page : pages_) {
      bool same = true;
      for (uint64_t a = page << 12; same && a < (page + 1) << 12; a += 2) {
        uint16_t word = 0;
        std::memcpy(&word, image(a), 2);
        same = chip_->word(a) == word;
        if (!same)
          ADD_FAILURE() << fmt::format("chip holds {:#06x} at {:#x}, not {:#06x}", chip_->word(a),
                                       a, word);
      }
    }
  }
  EXPECT_EQ(chip_->violation_count(), 0u) << chip_->summary();
  for (const harness::Violation& v : checker_.log().violations()) {
    const bool applies =
        !early_w || v.rule.starts_with("r_") || v.rule == "b_valid" || v.rule == "b_stable";
    if (applies) ADD_FAILURE() << fmt::format("cycle {}: {}: {}", v.cycle, v.rule, v.text);
  }
}

}  // namespace systolith::test
