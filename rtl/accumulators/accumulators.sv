// Accumulator rows of Cols words with a type tag: one bank a column, in two copies so that the
// array and the drain each have a read port.
//
// Array ports are skewed like the array itself: `read_row_i` and `write_row_i` are column 0's,
// column c follows c cycles later with its own registered copy of the row, so no deskew registers
// are needed. Both ports take a row a cycle, always.
//   read:  column c at `read_data_o[c]` MemoryLatency + c cycles after `read_valid_i`, the tag
//     MemoryLatency cycles after
//   write: column c's value is taken c cycles after `write_valid_i`, a read presented in the cycle
//     after sees it
// Drain port: all columns of a row MemoryLatency cycles after `drain_read_valid_i`, always granted.
//
// Load port: a bus word of one row; accepted in a cycle in which the array writes none of its
// columns. Word 0 of a row carries the tag (every run begins there). After WaitLimit cycles
// `hole_o` asks, HoleWidth cycles of every HolePeriod, to leave issue slots free; a hole travels
// along the columns, so that the words of a row follow it.
//
// `clear_i` (pulse) writes zero and tag none to every row along the write pipe; `clear_busy_o`
// until the last column is done. The array must not write and nothing is loaded meanwhile.
//
// `read_tag_error_o`: with the tag, it is wrong. `read_error_o`: in the row that the array read
// Cols - 1 + MemoryLatency cycles ago, `read_error_row_o`, a column or the tag is wrong.
// `drain_read_error_o`: the same, with the drain's data. `corrected_o`: pulses, a word that is read
// was corrected. All stay low until a clear since `rst_ni` has made every word one of the code.
`include "systolith_assert.svh"
`default_nettype none

module accumulators
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  // array
  input  logic               read_valid_i,
  input  accumulator_index_t read_row_i,
  output word_t              read_data_o [Cols],
  output logic [1:0]         read_tag_o,
  output logic               read_tag_error_o,
  output logic               read_error_o,
  output accumulator_index_t read_error_row_o,
  input  logic               write_valid_i,
  input  accumulator_index_t write_row_i,
  input  logic [1:0]         write_tag_i,
  input  word_t              write_data_i [Cols],
  output logic               hole_o,
  // load unit
  input  logic                           accumulator_write_valid_i,
  output logic                           accumulator_write_ready_o,
  input  accumulator_index_t             accumulator_write_row_i,
  input  logic [AccumulatorWordWidth-1:0] accumulator_write_word_i,
  input  bus_data_t                      accumulator_write_data_i,
  input  logic [ColumnsPerWord-1:0]      accumulator_write_strobe_i,
  input  logic [1:0]                     accumulator_write_tag_i,
  // drain
  input  logic               drain_read_valid_i,
  input  accumulator_index_t drain_read_row_i,
  output word_t              drain_read_data_o [Cols],
  output logic [1:0]         drain_read_tag_o,
  output logic               drain_read_error_o,
  // clear
  input  logic clear_i,
  output logic clear_busy_o,
  // errors
  output logic corrected_o
);

  localparam int unsigned WaitLimit = 8;
  localparam int unsigned HoleWidth = (ColumnsPerWord < Cols) ? ColumnsPerWord : Cols;
  localparam int unsigned HolePeriod = 1 << $clog2((HoleWidth > 4) ? 4 * HoleWidth : 16);
  localparam int unsigned PressureWidth = $clog2(WaitLimit + 1);
  localparam int unsigned HoleCountWidth = $clog2(HolePeriod);

  if (AccumulatorRows < 2 || (AccumulatorRows & (AccumulatorRows - 1)) != 0) begin : gen_bad_rows
    $error("accumulators: AccumulatorRows must be a power of two, at least 2");
  end

  // ---- clear: a row a cycle enters the write pipe ----
  logic clearing_q, clearing_d;
  accumulator_index_t clear_row_q, clear_row_d;

  always_comb begin
    clearing_d = clearing_q;
    clear_row_d = clear_row_q;
    if (clear_i) begin
      clearing_d = 1'b1;
      clear_row_d = '0;
    end else if (clearing_q) begin
      clear_row_d = clear_row_q + 1'b1;
      clearing_d = (clear_row_q != '1);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clearing_q <= 1'b0;
      clear_row_q <= '0;
    end else begin
      clearing_q <= clearing_d;
      clear_row_q <= clear_row_d;
    end
  end

  // ---- skew: element c is column c's ----
  logic [Cols-1:0] read_valid, write_valid, write_zero;
  logic [Cols-1:0] read_valid_q, write_valid_q, write_zero_q;
  accumulator_index_t read_row [Cols];
  accumulator_index_t write_row [Cols];
  accumulator_index_t read_row_q [Cols];
  accumulator_index_t write_row_q [Cols];

  always_comb begin
    read_valid = Cols'({read_valid_q, read_valid_i});
    write_valid = Cols'({write_valid_q, write_valid_i || clearing_q});
    write_zero = Cols'({write_zero_q, clearing_q});
    read_row[0] = read_row_i;
    write_row[0] = clearing_q ? clear_row_q : write_row_i;
    for (int unsigned c = 1; c < Cols; c++) begin
      read_row[c] = read_row_q[c-1];
      write_row[c] = write_row_q[c-1];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_valid_q <= '0;
      write_valid_q <= '0;
      write_zero_q <= '0;
    end else begin
      read_valid_q <= read_valid;
      write_valid_q <= write_valid;
      write_zero_q <= write_zero;
    end
  end

  always_ff @(posedge clk_i) begin
    read_row_q <= read_row;
    write_row_q <= write_row;
  end

  assign clear_busy_o = clearing_q || (write_zero_q != '0);

  logic cleared_q;   // since rst_ni
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cleared_q <= 1'b0;
    else cleared_q <= cleared_q || (write_zero_q != '0 && !clearing_q);
  end

  // ---- load: a word's columns in the gaps of the array's writes ----
  logic [Cols-1:0] load_columns, load_claim, load_write;
  word_t load_data [Cols];
  logic load_first, load_fire;

  assign load_first = (accumulator_write_word_i == '0);

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      load_columns[c] = accumulator_write_strobe_i[c%ColumnsPerWord] &&
          (accumulator_write_word_i == AccumulatorWordWidth'(c / ColumnsPerWord));
      load_data[c] = accumulator_write_data_i[(c%ColumnsPerWord)*32 +: 32];
    end
    load_claim = load_columns;
    load_claim[0] = load_columns[0] || load_first;   // the tag goes with column 0
  end

  assign accumulator_write_ready_o = ((write_valid & load_claim) == '0) && !clear_busy_o;
  assign load_fire = accumulator_write_valid_i && accumulator_write_ready_o;
  assign load_write = load_fire ? load_columns : '0;

  // ---- banks ----
  logic [Cols-1:0] bank_write;
  accumulator_index_t bank_row [Cols];
  word_t bank_data [Cols];

  assign bank_write = write_valid | load_write;
  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      bank_row[c] = write_valid[c] ? write_row[c] : accumulator_write_row_i;
      bank_data[c] = write_zero[c] ? '0 : write_valid[c] ? write_data_i[c] : load_data[c];
    end
  end

  logic [Cols-1:0] array_corrected, array_error, drain_corrected, drain_error;
  logic [1:0] tag_corrected, tag_error;   // array, drain

  for (genvar c = 0; c < Cols; c++) begin : gen_column
    memory #(
      .Width(32), .Depth(AccumulatorRows), .Granule(32), .Latency(MemoryLatency),
      .Secded(MemorySecded)
    ) u_array (
      .clk_i, .rst_ni,
      .write_valid_i(bank_write[c]), .write_index_i(bank_row[c]),
      .write_strobe_i(1'b1), .write_data_i(bank_data[c]),
      .read_valid_i(read_valid[c]), .read_index_i(read_row[c]), .read_data_o(read_data_o[c]),
      .corrected_o(array_corrected[c]), .uncorrected_o(array_error[c])
    );
    memory #(
      .Width(32), .Depth(AccumulatorRows), .Granule(32), .Latency(MemoryLatency),
      .Secded(MemorySecded)
    ) u_drain (
      .clk_i, .rst_ni,
      .write_valid_i(bank_write[c]), .write_index_i(bank_row[c]),
      .write_strobe_i(1'b1), .write_data_i(bank_data[c]),
      .read_valid_i(drain_read_valid_i), .read_index_i(drain_read_row_i),
      .read_data_o(drain_read_data_o[c]),
      .corrected_o(drain_corrected[c]), .uncorrected_o(drain_error[c])
    );
  end

  logic tag_write;
  logic [1:0] tag_data;
  assign tag_write = write_valid[0] || (load_fire && load_first);
  assign tag_data = write_zero[0] ? command_pkg::TagNone :
      write_valid[0] ? write_tag_i : accumulator_write_tag_i;

  memory #(
    .Width(2), .Depth(AccumulatorRows), .Granule(2), .Latency(MemoryLatency),
    .Secded(MemorySecded)
  ) u_array_tag (
    .clk_i, .rst_ni,
    .write_valid_i(tag_write), .write_index_i(bank_row[0]),
    .write_strobe_i(1'b1), .write_data_i(tag_data),
    .read_valid_i(read_valid[0]), .read_index_i(read_row[0]), .read_data_o(read_tag_o),
    .corrected_o(tag_corrected[0]), .uncorrected_o(tag_error[0])
  );
  memory #(
    .Width(2), .Depth(AccumulatorRows), .Granule(2), .Latency(MemoryLatency),
    .Secded(MemorySecded)
  ) u_drain_tag (
    .clk_i, .rst_ni,
    .write_valid_i(tag_write), .write_index_i(bank_row[0]),
    .write_strobe_i(1'b1), .write_data_i(tag_data),
    .read_valid_i(drain_read_valid_i), .read_index_i(drain_read_row_i),
    .read_data_o(drain_read_tag_o),
    .corrected_o(tag_corrected[1]), .uncorrected_o(tag_error[1])
  );

  // ---- errors ----
  // An error of the array's row moves along the columns with it.
  logic [Cols-1:0] row_error, row_error_q;
  accumulator_index_t error_row_q [MemoryLatency];   // element i: column Cols - 1 read i + 1 ago
  assign row_error = Cols'({row_error_q, tag_error[0]}) | array_error;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) row_error_q <= '0;
    else row_error_q <= row_error;
  end
  always_ff @(posedge clk_i) begin
    error_row_q[0] <= read_row[Cols-1];
    for (int unsigned i = 1; i < MemoryLatency; i++) error_row_q[i] <= error_row_q[i-1];
  end

  assign read_error_o = row_error[Cols-1] && cleared_q;
  assign read_tag_error_o = tag_error[0] && cleared_q;
  assign read_error_row_o = error_row_q[MemoryLatency-1];
  assign drain_read_error_o = ({drain_error, tag_error[1]} != '0) && cleared_q;
  assign corrected_o = ({array_corrected, drain_corrected, tag_corrected} != '0) && cleared_q;

  // ---- hole ----
  // Cycles waited, kept from word to word of a stream.
  logic [PressureWidth-1:0] pressure_q, pressure_d;
  logic [HoleCountWidth-1:0] hole_count_q, hole_count_d;
  logic pressing;
  assign pressing = (pressure_q == PressureWidth'(WaitLimit));

  always_comb begin
    pressure_d = pressure_q;
    hole_count_d = pressing ? hole_count_q + 1'b1 : '0;
    if (!accumulator_write_valid_i) begin
      pressure_d = '0;
    end else if (!accumulator_write_ready_o && !pressing) begin
      pressure_d = pressure_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pressure_q <= '0;
      hole_count_q <= '0;
    end else begin
      pressure_q <= pressure_d;
      hole_count_q <= hole_count_d;
    end
  end

  assign hole_o = pressing && (hole_count_q < HoleCountWidth'(HoleWidth));

  // The interlock of the matrix unit keeps a partial sum's read away from its write.
  `ASSERT(NoReadOfRowBeingWritten, !(read_valid_i && write_valid_i && read_row_i == write_row_i))
  `ASSERT(NoWriteDuringClear, !(clearing_q && write_valid_i))
  `ASSERT(TagWithLoad,
          !accumulator_write_valid_i || accumulator_write_tag_i != command_pkg::TagNone)

endmodule

`default_nettype wire
