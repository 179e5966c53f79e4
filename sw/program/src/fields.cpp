#include "fields.h"

#include <algorithm>
#include <array>

namespace systolith::program {
namespace {

constexpr NamedValue kSpaces[] = {{"scratchpad", SYSTOLITH_SPACE_SCRATCHPAD},
                                  {"accumulators", SYSTOLITH_SPACE_ACCUMULATORS}};
constexpr NamedValue kTags[] = {
    {"none", SYSTOLITH_TAG_NONE}, {"fp32", SYSTOLITH_TAG_FP32}, {"int32", SYSTOLITH_TAG_INT32}};
constexpr NamedValue kFormats[] = {{"int8", SYSTOLITH_FORMAT_INT8},
                                   {"bf16", SYSTOLITH_FORMAT_BF16}};
constexpr NamedValue kConversions[] = {{"raw", SYSTOLITH_CONVERSION_RAW},
                                       {"bf16", SYSTOLITH_CONVERSION_BF16},
                                       {"int8", SYSTOLITH_CONVERSION_INT8}};

#define FIELD(layout_field) \
  SYSTOLITH_##layout_field##_WORD, SYSTOLITH_##layout_field##_LSB, SYSTOLITH_##layout_field##_WIDTH

#define SYNC_FIELDS                                                   \
  Field{"wait_0", Kind::kSync, FIELD(HEADER_WAIT_0)},                 \
      Field{"wait_1", Kind::kSync, FIELD(HEADER_WAIT_1)},             \
      Field{"signal_0", Kind::kSync, FIELD(HEADER_SIGNAL_0)}, Field { \
    "signal_1", Kind::kSync, FIELD(HEADER_SIGNAL_1)                   \
  }

#define FLAG_FIELDS                                           \
  Field{"record", Kind::kFlag, FIELD(HEADER_RECORD)}, Field { \
    "interrupt", Kind::kFlag, FIELD(HEADER_INTERRUPT)         \
  }

#define TRANSFER_FIELDS                                                           \
  Field{"address", Kind::kNumber, FIELD(TRANSFER_ADDRESS), true},                 \
      Field{"run", Kind::kNumber, FIELD(TRANSFER_RUN), true},                     \
      Field{"local_base", Kind::kNumber, FIELD(TRANSFER_LOCAL_BASE), true},       \
      Field{"local_pitch", Kind::kNumber, FIELD(TRANSFER_LOCAL_PITCH)},           \
      Field{"count_0", Kind::kNumber, FIELD(TRANSFER_COUNT_0), false, 1},         \
      Field{"stride_0", Kind::kSigned, FIELD(TRANSFER_STRIDE_0)},                 \
      Field{"count_1", Kind::kNumber, FIELD(TRANSFER_COUNT_1), false, 1},         \
      Field{"stride_1", Kind::kSigned, FIELD(TRANSFER_STRIDE_1)},                 \
      Field{"count_2", Kind::kNumber, FIELD(TRANSFER_COUNT_2), false, 1},         \
      Field{"stride_2", Kind::kSigned, FIELD(TRANSFER_STRIDE_2)},                 \
      Field{"count_3", Kind::kNumber, FIELD(TRANSFER_COUNT_3), false, 1}, Field { \
    "stride_3", Kind::kSigned, FIELD(TRANSFER_STRIDE_3)                           \
  }

constexpr Field kNop[] = {FLAG_FIELDS};

constexpr Field kLoad[] = {
    Field{"space", Kind::kName, FIELD(LOAD_SPACE), true, 0, kSpaces},
    Field{"tag", Kind::kName, FIELD(LOAD_TAG), false, 0, kTags},
    TRANSFER_FIELDS,
    SYNC_FIELDS,
    FLAG_FIELDS,
};

constexpr Field kMatrix[] = {
    Field{"format", Kind::kName, FIELD(MATRIX_FORMAT), true, 0, kFormats},
    Field{"m", Kind::kNumber, FIELD(MATRIX_M), true},
    Field{"n", Kind::kNumber, FIELD(MATRIX_N), true},
    Field{"k", Kind::kNumber, FIELD(MATRIX_K), true},
    Field{"a_base", Kind::kNumber, FIELD(MATRIX_A_BASE), true},
    Field{"a_pitch", Kind::kNumber, FIELD(MATRIX_A_PITCH)},
    Field{"b_base", Kind::kNumber, FIELD(MATRIX_B_BASE), true},
    Field{"b_pitch", Kind::kNumber, FIELD(MATRIX_B_PITCH)},
    Field{"c_base", Kind::kNumber, FIELD(MATRIX_C_BASE), true},
    Field{"c_pitch", Kind::kNumber, FIELD(MATRIX_C_PITCH)},
    Field{"accumulate", Kind::kFlag, FIELD(MATRIX_ACCUMULATE)},
    Field{"strip_outer", Kind::kFlag, FIELD(MATRIX_STRIP_OUTER)},
    SYNC_FIELDS,
    FLAG_FIELDS,
};

constexpr Field kStore[] = {
    Field{"space", Kind::kName, FIELD(STORE_SPACE), true, 0, kSpaces},
    Field{"conversion", Kind::kName, FIELD(STORE_CONVERSION), false, 0, kConversions},
    Field{"relu", Kind::kFlag, FIELD(STORE_RELU)},
    Field{"scale", Kind::kFloat, FIELD(STORE_SCALE)},
    Field{"scale_per_column", Kind::kFlag, FIELD(STORE_SCALE_PER_COLUMN)},
    Field{"scale_line", Kind::kNumber, FIELD(STORE_SCALE_LINE)},
    TRANSFER_FIELDS,
    SYNC_FIELDS,
    FLAG_FIELDS,
};

constexpr std::array kLayouts = {
    Layout{"nop", SYSTOLITH_OPCODE_NOP, SYSTOLITH_UNIT_COMMAND_PROCESSOR, kNop},
    Layout{"load", SYSTOLITH_OPCODE_LOAD, SYSTOLITH_UNIT_LOAD, kLoad},
    Layout{"matrix", SYSTOLITH_OPCODE_MATRIX, SYSTOLITH_UNIT_MATRIX, kMatrix},
    Layout{"store", SYSTOLITH_OPCODE_STORE, SYSTOLITH_UNIT_STORE, kStore},
};

}  // namespace

const Field* Layout::find(std::string_view field) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field; });
  return found == fields.end() ? nullptr : &*found;
}

std::span<const Layout> layouts() { return kLayouts; }

const Layout* find_layout(std::string_view name) {
  const auto found = std::find_if(kLayouts.begin(), kLayouts.end(),
                                  [&](const Layout& l) { return l.name == name; });
  return found == kLayouts.end() ? nullptr : &*found;
}

const Layout* find_layout(std::uint8_t opcode, std::uint8_t unit) {
  const auto found = std::find_if(kLayouts.begin(), kLayouts.end(), [&](const Layout& l) {
    return l.opcode == opcode && l.unit == unit;
  });
  return found == kLayouts.end() ? nullptr : &*found;
}

systolith_command_t blank(const Layout& layout) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, layout.opcode);
  SYSTOLITH_SET(command.words, HEADER_UNIT, layout.unit);
  for (const Field& field : layout.fields) {
    systolith_field_set(command.words, field.word, field.lsb, field.width, field.fallback);
  }
  return command;
}

}  // namespace systolith::program
