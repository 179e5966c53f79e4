// Timing of the systolic array, for whoever feeds it, and the operand forms inside it.
//
// A row of A is offered in cycle t (`operand_valid_i`). Column c of that row, in cycles:
//
//   t                                operand_i, int8_i, k_valid_i, swap_i (not skewed, all columns alike)
//   t + SumOffset + c                sum_i[c] is taken
//   t + ResultOffset + c             result_o[c] is there, for this one cycle
//
//   Example, RowLatency 2, two rows, two columns: SumOffset 2, ResultOffset 7
//   cycle        t     t+1   t+2   t+3   t+4   t+5   t+6   t+7   t+8
//   operand_i    A
//   sum_i[0]                 c0
//   sum_i[1]                       c1
//   result_o[0]                                            z0
//   result_o[1]                                                  z1
//
// Inside, lane (r, c) holds the row's operand in cycle t + 2 + r x RowLatency + c, its product one cycle later, and gives
// its sum to the lane below RowLatency cycles after that.
//
// Stationary operands: row r's shadow registers are read, column by column, in cycles t + 1 + r x RowLatency + (0 .. Cols - 1)
// of a swapping row. A row offered in cycle s on `stationary_i` is in the shadow registers from cycle s + 3. So with swaps
// in cycles t (the last) and u (the next), stationary row r of the pass that begins at u is offered in a cycle s with
//
//   t + StationaryDelay + r x RowLatency  <=  s  <=  u + r x RowLatency - StationaryLead
//
// and the window of row r is empty unless u - t >= StationaryDelay + StationaryLead (Cols, or 2 for a single column).
// Before the first swap there is no earliest cycle. Rows may come in any order and a row may be written again: the last counts.
package array_pkg;

  import systolith_config_pkg::*;
  import systolith_pkg::*;

  parameter int unsigned SumOffset = 2;
  parameter int unsigned ResultOffset = SumOffset + 1 + Rows * RowLatency;
  parameter int unsigned StationaryDelay = (Cols > 2) ? Cols - 2 : 0;
  parameter int unsigned StationaryLead = 2;

  parameter int unsigned RowIndexWidth = index_width(Rows);

endpackage
