// A table of two passes, so that it is often full.
`default_nettype none

module reentry_table_bench
  import systolith_pkg::*;
  import matrix_pkg::*;
(
  input  logic               clk_i,
  input  logic               rst_ni,
  output logic [31:0]        accumulator_rows_o,
  output logic [31:0]        sequence_width_o,
  input  logic               clear_i,
  input  logic               push_i,
  input  accumulator_index_t push_row_i,
  input  rows_t              push_rows_i,
  input  sequence_t          push_sequence_i,
  output logic               full_o,
  input  sequence_t          written_i,
  input  accumulator_index_t row_i,
  output logic               hit_o,
  output sequence_t          sequence_o
);

  assign accumulator_rows_o = systolith_config_pkg::AccumulatorRows;
  assign sequence_width_o = SequenceWidth;

  reentry_table #(.Depth(2)) u_table (.*);

endmodule

`default_nettype wire
