// Matrix products on a Systolith device: how a product is cut into commands.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace systolith::library {

/// Operand format of a product; the values are the device's format codes.
enum class Format : std::uint8_t { int8 = 1, bf16 = 2 };

/// Element format of a product's result.
enum class OutFormat : std::uint8_t { fp32, bf16, int32, int8 };

/// Where a product's chain starts: at +0 (0), at a row shared by all rows of D, or at a matrix.
enum class Seed : std::uint8_t { none, row, matrix };

/// How INT8 results are scaled.
enum class Scale : std::uint8_t { none, tensor, column };

/// Bytes of an operand (2 or 1), and of a result (4, 2 or 1).
unsigned bytes_of(Format format);
unsigned bytes_of(OutFormat format);

/// What the planner must know of a device, from its capability registers.
struct DeviceShape {
  unsigned rows = 16;                 ///< array rows (k lanes)
  unsigned cols = 16;                 ///< array columns
  unsigned row_latency = 2;           ///< cycles from row to row of the array
  unsigned line_bytes = 32;           ///< bytes of a scratchpad line
  unsigned lines = 4096;              ///< scratchpad lines
  unsigned banks = 4;                 ///< scratchpad banks
  unsigned accumulator_rows = 1024;   ///< accumulator rows
  unsigned bus_bytes = 16;            ///< bytes of a bus beat
  unsigned drain_lanes = 16;          ///< columns drained a cycle
  unsigned reads_outstanding = 128;   ///< read bursts in flight
  unsigned writes_outstanding = 128;  ///< write bursts in flight
};

/// One product D[m x n] = seed + A[m x k] x B[k x n], row-major, and where it lies in device
/// memory. Leading dimensions are in bytes. `c` is a row of n or a matrix of 32-bit values;
/// `scales` points to n binary32 values padded with any finite positive value to a multiple of the
/// device's columns.
struct GemmProblem {
  std::uint64_t m = 0, n = 0, k = 0;
  Format format = Format::bf16;
  OutFormat out = OutFormat::fp32;
  bool relu = false;
  Seed seed = Seed::none;
  Scale scaling = Scale::none;
  float scale = 1.0F;
  std::uint64_t a = 0, lda = 0;
  std::uint64_t b = 0, ldb = 0;
  std::uint64_t c = 0, ldc = 0;
  std::uint64_t d = 0, ldd = 0;
  std::uint64_t scales = 0;
};

/// A wait or a signal; count 0 means unused.
struct Sync {
  std::uint16_t count = 0;
  std::uint8_t semaphore = 0;
  bool by_rows = false;
  std::uint8_t rows_log2 = 0;
};

/// Rows in memory and where they lie on chip (docs/interfaces, 4.3).
struct Transfer {
  std::uint64_t address = 0;
  std::uint32_t run = 0;
  std::uint32_t local_base = 0;
  std::uint32_t local_pitch = 0;
  std::uint32_t count[4] = {1, 1, 1, 1};
  std::int64_t stride[4] = {0, 0, 0, 0};
};

struct LoadStep {
  Sync wait[2], signal[2];
  Transfer transfer;
  bool accumulators = false;
  std::uint8_t tag = 0;
};

struct MatrixStep {
  Sync wait[2], signal[2];
  Format format = Format::bf16;
  bool accumulate = false;
  bool strip_outer = false;
  std::uint32_t m = 0, n = 0, k = 0;
  std::uint32_t a_base = 0, a_pitch = 0;
  std::uint32_t b_base = 0, b_pitch = 0;
  std::uint32_t c_base = 0, c_pitch = 0;
};

struct StoreStep {
  Sync wait[2], signal[2];
  Transfer transfer;
  bool accumulators = true;
  std::uint8_t conversion = 0;
  bool relu = false;
  bool scale_per_column = false;
  float scale = 0.0F;
  std::uint32_t scale_line = 0;
};

using Step = std::variant<LoadStep, MatrixStep, StoreStep>;

/// How a product is cut: tiles of D, slices of K, and what is kept on chip.
struct GemmTiling {
  std::uint32_t tile_m = 0, tile_n = 0;  ///< rows and columns of a tile of D
  std::uint32_t slice_k = 0;             ///< k steps of a slice of A and B
  std::uint32_t slots = 0;               ///< slices on chip at a time, of an operand not kept
  std::uint32_t accumulator_tiles = 0;   ///< tiles on chip at a time
  bool keep_a = false;                   ///< A stays on chip whole, where one tile has all rows
  bool keep_b = false;                   ///< B stays on chip whole, where one tile has all columns
  std::uint32_t stream_strips = 0;       ///< the first tile starts by so many strips of B, in every
                                         ///< slice; 0: in the first one only, by growing groups
  bool stream_rows = false;  ///< there A streams row by row behind the first strips of B
  bool taper_k = false;      ///< the last slices shrink
  bool taper_tiles = false;  ///< the last tiles shrink, where an operand is kept
  double cost = 0.0;         ///< cycles that are expected
};

/// Steps of a product in ring order, and the tiling that was chosen.
struct GemmPlan {
  GemmTiling tiling;
  std::vector<Step> steps;
};

/// Chooses the tiling by a cost formula. Throws std::invalid_argument when the device is too small
/// for any.
GemmTiling choose_tiling(const GemmProblem& problem, const DeviceShape& device);

/// Cuts the product into steps with a given tiling (tests try several); m, n, k >= 1.
/// Throws std::invalid_argument when the tiling does not fit the device, or when a byte of D is
/// one of A, B, C or the scales: those are still read while D is written. C may lie in D's very
/// place (same address and leading dimension, 32-bit results, Seed::matrix): D = D + A x B.
GemmPlan plan_gemm(const GemmProblem& problem, const DeviceShape& device, const GemmTiling& tiling);
inline GemmPlan plan_gemm(const GemmProblem& problem, const DeviceShape& device) {
  return plan_gemm(problem, device, choose_tiling(problem, device));
}

/// The bounds of a product on a device: useful multiply-accumulates, beats, chain (cycles each),
/// see docs/benchmarks.
struct GemmBound {
  double compute = 0, read = 0, write = 0, chain = 0, start = 0;
  double plain() const;  ///< the largest of compute, read and write
  double whole() const;  ///< the largest of all four, plus start
  const char* limit() const;
};
GemmBound bound_of(const GemmProblem& problem, const DeviceShape& device, unsigned memory_latency);

}  // namespace systolith::library
