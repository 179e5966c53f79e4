// The source stage of a store: reads local rows, converts DrainLanes columns a cycle and delivers
// their bytes in bus words.
//
//   source_reader -> group of columns (or word of a line), ReLU -> multiply, BF16 -> round, pack
//                 \-> scales of the columns                                             -> pieces
//
// A piece is 1 .. BusBytes bytes of a run of the memory side, from byte 0 on; `last` ends the run.
// Rows of a merged run follow each other without an end. Pieces are not aligned to memory, the
// packer does that.
//
// Checks, in the order of the rows: that what was read is right, a row's tag against the
// conversion, and scales of columns. A fault is a pulse; from the faulty row on the pieces are
// `void`: they have their length, but their bytes are not to be written. `scales_checked_o` is high
// once the started command's scales, if it has any, are good: nothing may be written before.
//
// Latency: MemoryLatency + 3 cycles from the first read to its piece. A group, or a bus word of a
// scratchpad line, a cycle.
// ReLU stands in front of all conversions: a scale is positive and the rounding monotonic, so
// max(x, 0) before INT8 gives the same bits as after the clamp.
//
// Parameters: DrainLanes 1 .. Cols; Cols is a power of two, or a line holds the scales of all
// columns.
`include "systolith_assert.svh"
`default_nettype none

module drain
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import store_pkg::*;
(
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,           // forget everything

  // Command.
  input  logic               start_i,
  input  store_command_t     command_i,         // stable from start_i until done_o
  input  slot_t              slot_i,
  input  logic [RowsWidth:0] allowed_i,         // rows that may be read
  output logic               done_o,            // all reads are issued after this cycle
  output logic               scales_checked_o,

  // Faults.
  output logic               fault_valid_o,
  output slot_t              fault_slot_o,
  output logic [7:0]         fault_cause_o,
  output logic [31:0]        fault_address_o,

  // Accumulators.
  output logic               drain_read_valid_o,
  output accumulator_index_t drain_read_row_o,
  input  word_t              drain_read_data_i [Cols],
  input  logic [1:0]         drain_read_tag_i,
  input  logic               drain_read_error_i,

  // Scratchpad.
  output logic               scratchpad_read_valid_o,
  output line_index_t        scratchpad_read_line_o,
  input  logic               scratchpad_read_grant_i,
  input  line_t              scratchpad_read_data_i,
  input  logic               scratchpad_read_error_i,

  // Pieces.
  output logic               piece_valid_o,
  output bus_data_t          piece_data_o,
  output word_bytes_t        piece_bytes_o,     // 1 .. BusBytes
  output logic               piece_last_o,
  output logic               piece_void_o,
  input  logic               piece_ready_i
);

  if (DrainLanes < 1 || DrainLanes > Cols) begin : gen_bad_lanes
    $error("drain: DrainLanes must be 1 to Cols");
  end
  if (ScaleLines > 2 || (ScaleLines == 2 && LineBytes % 4 != 0)) begin : gen_bad_line
    $error("drain: the scales of all columns must fit two lines");
  end

  localparam int unsigned PaddedCols = GroupsPerRow * DrainLanes;
  localparam int unsigned StageWords = StageBytes / 4;
  localparam int unsigned Parts = max2(GroupsPerRow, WordsPerLine);  // of an entry
  localparam int unsigned PartWidth = index_width(Parts);
  localparam int unsigned GroupIndexWidth = index_width(GroupsPerRow);
  localparam int unsigned WordsOfLineScales = LineBytes / 4;

  // ---- entries ----
  logic entry_valid, entry_ready;
  source_entry_t entry;
  entry_data_t entry_data;
  logic [1:0] entry_tag;
  logic entry_error;

  source_reader u_reader (
    .clk_i, .rst_ni, .clear_i,
    .start_i, .command_i, .slot_i, .allowed_i, .done_o,
    .drain_read_valid_o, .drain_read_row_o, .drain_read_data_i, .drain_read_tag_i,
    .drain_read_error_i,
    .scratchpad_read_valid_o, .scratchpad_read_line_o, .scratchpad_read_grant_i,
    .scratchpad_read_data_i, .scratchpad_read_error_i,
    .entry_valid_o(entry_valid), .entry_o(entry), .entry_data_o(entry_data),
    .entry_tag_o(entry_tag), .entry_error_o(entry_error), .entry_ready_i(entry_ready)
  );

  // ---- parts of the entry ----
  logic [PartWidth-1:0] part_q, part_d;
  entry_bytes_t left_q, left_d, left;    // bytes of the entry from this part on
  stage_bytes_t part_bytes;
  logic first_part, last_part, take_part;
  logic stage1_ready;

  assign first_part = part_q == '0;
  assign left       = first_part ? entry.bytes : left_q;

  always_comb begin
    part_bytes = StageBytesWidth'(GroupBytes);
    if (!entry.accumulators) begin
      part_bytes = StageBytesWidth'(BusBytes);
    end else if (entry.conversion == command_pkg::ConversionBf16) begin
      part_bytes = StageBytesWidth'(GroupBytes / 2);
    end else if (entry.conversion == command_pkg::ConversionInt8) begin
      part_bytes = StageBytesWidth'(GroupBytes / 4);
    end
  end

  assign last_part   = 32'(left) <= 32'(part_bytes);
  assign take_part   = entry_valid && !entry.scales && stage1_ready;
  assign entry_ready = entry.scales || (stage1_ready && last_part);

  always_comb begin
    part_d = part_q;
    left_d = left_q;
    if (take_part) begin
      part_d = last_part ? '0 : part_q + 1'b1;
      left_d = left - EntryBytesWidth'(part_bytes);
    end
    if (clear_i) part_d = '0;
  end

  // ---- faults ----
  logic load_scales;
  logic wrong_tag, bad_scale;
  logic [31:0] bad_column;
  logic void_q, void_d, void_part;
  logic checked_q, checked_d;

  assign load_scales = entry_valid && entry.scales;
  assign wrong_tag = entry.accumulators && (
      (entry.conversion == command_pkg::ConversionBf16 && entry_tag == command_pkg::TagInt32) ||
      (entry.conversion == command_pkg::ConversionInt8 && entry_tag == command_pkg::TagFp32));
  assign void_part = void_q || wrong_tag || entry_error;

  assign fault_valid_o   = !clear_i && !void_q &&
                           ((take_part && (wrong_tag || entry_error)) ||
                            (load_scales && (bad_scale || entry_error)));
  assign fault_slot_o    = entry.slot;
  assign fault_cause_o   = entry_error ? command_pkg::CauseMemory :
                           entry.scales ? command_pkg::CauseScale : command_pkg::CauseTypeTag;
  assign fault_address_o = (entry.scales && !entry_error) ? bad_column : 32'(entry.row);

  always_comb begin
    void_d = void_q || fault_valid_o;
    if (clear_i) void_d = 1'b0;
    checked_d = checked_q;
    if (load_scales && !bad_scale && !entry_error && !void_q &&
        (entry.second || ScaleLines == 1)) begin
      checked_d = 1'b1;
    end
    if (start_i) checked_d = !command_i.scale_per_column;
    if (clear_i) checked_d = 1'b0;
  end

  assign scales_checked_o = checked_q;

  // ---- stage 1: the values of a group and their scales ----
  logic valid1_q, valid1_d;
  word_t value1_q [StageWords];
  word_t scale1 [DrainLanes];
  stage_bytes_t bytes1_q;
  logic last1_q, void1_q;
  logic [1:0] conversion1_q;
  logic raw1_q;

  word_t value1_d [StageWords];

  logic [GroupIndexWidth-1:0] group;
  assign group = GroupIndexWidth'(part_q);

  // Rows without a tag read as zeros. Lines of the scratchpad pass as they are.
  always_comb begin : choose
    word_t column [PaddedCols];
    word_t value, rectified;
    logic keep, nan;
    for (int unsigned c = 0; c < PaddedCols; c++) column[c] = '0;
    value = '0;
    rectified = '0;
    keep = 1'b0;
    nan = 1'b0;
    value1_d = value1_q;
    if (take_part && entry.accumulators) begin
      for (int unsigned c = 0; c < Cols; c++) column[c] = entry_data[32*c+:32];
      keep = !entry.relu && entry_tag != command_pkg::TagNone;
      for (int unsigned l = 0; l < DrainLanes; l++) begin
        for (int unsigned g = 0; g < GroupsPerRow; g++) begin
          if (32'(group) == g) value = column[g*DrainLanes+l];
        end
        nan = entry_tag == command_pkg::TagFp32 && value[30:23] == '1 && value[22:0] != '0;
        rectified = (entry_tag == command_pkg::TagNone) ? '0 : nan ? 32'h7FC0_0000 :
                    value[31] ? '0 : value;
        value1_d[l] = keep ? value : rectified;
      end
    end else if (take_part) begin
      for (int unsigned w = 0; w < WordsPerLine; w++) begin
        if (32'(part_q) == w) begin
          for (int unsigned i = 0; i < BusBytes / 4; i++) begin
            value1_d[i] = entry_data[8*BusBytes*w+32*i+:32];
          end
        end
      end
    end
  end

  // ---- stages 2 and 3: convert, pack ----
  logic valid2_q, valid2_d, valid3_q, valid3_d;
  word_t value2_q [StageWords], value2_d [StageWords];
  stage_bytes_t bytes2_q;
  logic last2_q, void2_q;
  logic [1:0] conversion2_q;
  logic raw2_q;
  logic [8*StageBytes-1:0] data3_q, data3_d, packed3;
  stage_bytes_t bytes3_q, bytes3_d;
  logic last3_q, void3_q;
  logic stage2_ready, stage3_ready;
  logic load1, load2, load3;
  logic piece_ends;            // of the group

  assign stage3_ready = !valid3_q || (piece_ready_i && piece_ends);
  assign stage2_ready = !valid2_q || stage3_ready;
  assign stage1_ready = !valid1_q || stage2_ready;
  assign load1 = take_part;
  assign load2 = valid1_q && stage2_ready;
  assign load3 = valid2_q && stage3_ready;

  always_comb begin
    valid1_d = load1 || (valid1_q && !stage2_ready);
    valid2_d = load2 || (valid2_q && !stage3_ready);
    valid3_d = load3 || (valid3_q && !stage3_ready);
    if (clear_i) begin
      valid1_d = 1'b0;
      valid2_d = 1'b0;
      valid3_d = 1'b0;
    end
  end

  logic [15:0] bf16 [DrainLanes];
  logic [7:0] int8 [DrainLanes];
  word_t value1_lanes [DrainLanes];

  always_comb begin
    for (int unsigned l = 0; l < DrainLanes; l++) value1_lanes[l] = value1_q[l];
  end

  if (FormatBf16) begin : gen_bf16
    convert_bf16 #(.Lanes(DrainLanes)) u_bf16 (.value_i(value1_lanes), .bf16_o(bf16));
  end else begin : gen_no_bf16
    always_comb begin
      for (int unsigned l = 0; l < DrainLanes; l++) bf16[l] = '0;
    end
  end

  if (FormatInt8) begin : gen_int8
    word_t column_scale_q [PaddedCols], column_scale_d [PaddedCols];
    word_t scale1_q [DrainLanes], scale1_d [DrainLanes];

    always_comb begin
      column_scale_d = column_scale_q;
      if (load_scales) begin
        for (int unsigned c = 0; c < Cols; c++) begin
          if ((c >= WordsOfLineScales) == entry.second) begin
            column_scale_d[c] = entry_data[32*(c%WordsOfLineScales)+:32];
          end
        end
      end
      for (int unsigned l = 0; l < DrainLanes; l++) scale1_d[l] = entry.scale;
      if (entry.scale_per_column) begin
        for (int unsigned g = 0; g < GroupsPerRow; g++) begin
          if (32'(group) == g) begin
            for (int unsigned l = 0; l < DrainLanes; l++) begin
              scale1_d[l] = column_scale_q[g*DrainLanes+l];
            end
          end
        end
      end
    end

    always_ff @(posedge clk_i) begin
      column_scale_q <= column_scale_d;
      if (load1) scale1_q <= scale1_d;
    end

    always_comb begin : check
      word_t scale;
      scale = '0;
      bad_scale = 1'b0;
      bad_column = '0;
      if (load_scales) begin
        for (int unsigned i = 0; i < Cols; i++) begin
          scale = entry_data[32*((Cols-1-i)%WordsOfLineScales)+:32];
          if ((Cols - 1 - i >= WordsOfLineScales) == entry.second &&
              (scale[31] || scale[30:23] == '1 || scale[30:0] == '0)) begin
            bad_scale = 1'b1;
            bad_column = Cols - 1 - i;
          end
        end
      end
    end

    assign scale1 = scale1_q;

    convert_int8 #(.Lanes(DrainLanes)) u_int8 (
      .clk_i, .enable_i(load2 && conversion1_q == command_pkg::ConversionInt8),
      .value_i(value1_lanes), .scale_i(scale1),
      .round_i(load3 && conversion2_q == command_pkg::ConversionInt8), .int8_o(int8)
    );
  end else begin : gen_no_int8
    always_comb begin
      bad_scale = 1'b0;
      bad_column = '0;
      for (int unsigned l = 0; l < DrainLanes; l++) int8[l] = '0;
      for (int unsigned l = 0; l < DrainLanes; l++) scale1[l] = '0;
    end
  end

  always_comb begin
    value2_d = value2_q;
    if (load2) begin
      value2_d = value1_q;
      if (!raw1_q && conversion1_q == command_pkg::ConversionBf16) begin
        for (int unsigned l = 0; l < DrainLanes; l++) value2_d[l] = {16'b0, bf16[l]};
      end
    end
  end

  always_comb begin
    packed3 = '0;
    for (int unsigned i = 0; i < StageWords; i++) packed3[32*i+:32] = value2_q[i];
    if (!raw2_q && conversion2_q == command_pkg::ConversionBf16) begin
      for (int unsigned l = 0; l < DrainLanes; l++) packed3[16*l+:16] = value2_q[l][15:0];
    end else if (!raw2_q && conversion2_q == command_pkg::ConversionInt8) begin
      for (int unsigned l = 0; l < DrainLanes; l++) packed3[8*l+:8] = int8[l];
    end
  end

  // The group leaves in bus words.
  if (StageBytes > BusBytes) begin : gen_several_words
    assign piece_ends    = bytes3_q <= StageBytesWidth'(BusBytes);
    assign piece_bytes_o = piece_ends ? word_bytes_t'(bytes3_q) : word_bytes_t'(BusBytes);
    always_comb begin
      data3_d  = data3_q;
      bytes3_d = bytes3_q;
      if (load3) begin
        data3_d  = packed3;
        bytes3_d = bytes2_q;
      end else if (piece_ready_i) begin
        data3_d  = data3_q >> (8 * BusBytes);
        bytes3_d = bytes3_q - StageBytesWidth'(BusBytes);
      end
    end
  end else begin : gen_one_word
    assign piece_ends    = 1'b1;
    assign piece_bytes_o = bytes3_q;
    always_comb begin
      data3_d  = load3 ? packed3 : data3_q;
      bytes3_d = load3 ? bytes2_q : bytes3_q;
    end
  end

  assign piece_valid_o = valid3_q;
  assign piece_data_o  = data3_q[8*BusBytes-1:0];
  assign piece_last_o  = last3_q && piece_ends;
  assign piece_void_o  = void3_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      part_q    <= '0;
      void_q    <= 1'b0;
      checked_q <= 1'b0;
      valid1_q  <= 1'b0;
      valid2_q  <= 1'b0;
      valid3_q  <= 1'b0;
    end else begin
      part_q    <= part_d;
      void_q    <= void_d;
      checked_q <= checked_d;
      valid1_q  <= valid1_d;
      valid2_q  <= valid2_d;
      valid3_q  <= valid3_d;
    end
  end

  always_ff @(posedge clk_i) begin
    left_q   <= left_d;
    if (load1) begin
      value1_q      <= value1_d;
      bytes1_q      <= last_part ? StageBytesWidth'(left) : part_bytes;
      last1_q       <= entry.last && last_part;
      void1_q       <= void_part;
      conversion1_q <= entry.conversion;
      raw1_q        <= !entry.accumulators;
    end
    if (load2) begin
      value2_q      <= value2_d;
      bytes2_q      <= bytes1_q;
      last2_q       <= last1_q;
      void2_q       <= void1_q;
      conversion2_q <= conversion1_q;
      raw2_q        <= raw1_q;
    end
    data3_q  <= data3_d;
    bytes3_q <= bytes3_d;
    if (load3) begin
      last3_q <= last2_q;
      void3_q <= void2_q;
    end
  end

  `ASSERT(PieceNotEmpty, !piece_valid_o || (piece_bytes_o != '0 && 32'(piece_bytes_o) <= BusBytes))
  `ASSERT_NEXT(PieceHolds, piece_valid_o && !piece_ready_i && !clear_i, piece_valid_o)

endmodule

`default_nettype wire
