// Accumulators with their sizes on ports.
`default_nettype none

module accumulators_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  output logic [31:0] rows_o,
  output logic [31:0] cols_o,
  output logic [31:0] columns_per_word_o,
  output logic [31:0] latency_o,
  output logic        secded_o,
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
  input  logic                            load_valid_i,
  output logic                            load_ready_o,
  input  accumulator_index_t              load_row_i,
  input  logic [AccumulatorWordWidth-1:0] load_word_i,
  input  bus_data_t                       load_data_i,
  input  logic [ColumnsPerWord-1:0]       load_strobe_i,
  input  logic [1:0]                      load_tag_i,
  input  logic               drain_valid_i,
  input  accumulator_index_t drain_row_i,
  output word_t              drain_data_o [Cols],
  output logic [1:0]         drain_tag_o,
  output logic               drain_error_o,
  input  logic clear_i,
  output logic clear_busy_o,
  output logic corrected_o
);

  assign rows_o = AccumulatorRows;
  assign cols_o = Cols;
  assign columns_per_word_o = ColumnsPerWord;
  assign latency_o = MemoryLatency;
  assign secded_o = MemorySecded;

  accumulators u_accumulators (
    .clk_i, .rst_ni,
    .read_valid_i, .read_row_i, .read_data_o, .read_tag_o,
    .read_tag_error_o, .read_error_o, .read_error_row_o,
    .write_valid_i, .write_row_i, .write_tag_i, .write_data_i, .hole_o,
    .accumulator_write_valid_i(load_valid_i), .accumulator_write_ready_o(load_ready_o),
    .accumulator_write_row_i(load_row_i), .accumulator_write_word_i(load_word_i),
    .accumulator_write_data_i(load_data_i), .accumulator_write_strobe_i(load_strobe_i),
    .accumulator_write_tag_i(load_tag_i),
    .drain_read_valid_i(drain_valid_i), .drain_read_row_i(drain_row_i),
    .drain_read_data_o(drain_data_o), .drain_read_tag_o(drain_tag_o),
    .drain_read_error_o(drain_error_o),
    .clear_i, .clear_busy_o, .corrected_o
  );

endmodule

`default_nettype wire
