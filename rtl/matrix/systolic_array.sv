// Rows x Cols multiply-accumulate lanes: operands move right one column a cycle, partial sums move down one row each
// RowLatency cycles, the stationary operand stays. Timing: see `array_pkg`.
//
// A row offered each cycle is taken each cycle; there is no stall. The format, the swap of the stationary operand and
// the valid lanes travel with the row.
`default_nettype none
module systolic_array
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // moving operand
  input  logic                     operand_valid_i,
  input  operand_t                 operand_i [Rows],
  input  logic                     int8_i,
  input  logic [15:0]              k_valid_i,
  input  logic                     swap_i,
  // partial sums
  input  word_t                    sum_i [Cols],
  output word_t                    result_o [Cols],
  // shadow of the stationary operand
  input  logic                     stationary_valid_i,
  input  logic [RowIndexWidth-1:0] stationary_row_i,
  input  operand_t                 stationary_i [Cols],
  input  logic                     stationary_int8_i,
  // no row in the array and no stationary row on its way: the answer to what was offered before this cycle
  output logic                     idle_o
);

endmodule
`default_nettype wire
