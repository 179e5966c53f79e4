// Timing of the systolic array, for whoever feeds it, and the forms that numbers take inside it.
//
// A row of A is offered in cycle t (`operand_valid_i`). Column c of that row, in cycles:
//
//   t                                operand_i, int8_i, k_valid_i, swap_i (not skewed, columns alike)
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
// Inside, lane (r, c) holds the row's operand in cycle t + 2 + r x RowLatency + c, its product one
// cycle later, and gives its sum to the lane below RowLatency cycles after that.
//
// Stationary operands: row r's shadow registers are read, column by column, in cycles t + 1 + r x
// RowLatency + (0 .. Cols - 1) of a swapping row. A row offered in cycle s on `stationary_i` is in
// the shadow registers from cycle s + 3. So with swaps in cycles t (the last) and u (the next),
// stationary row r of the pass that begins at u is offered in a cycle s with
//
//   t + StationaryDelay + r x RowLatency  <=  s  <=  u + r x RowLatency - StationaryLead
//
// and the window of row r is empty unless u - t >= StationaryDelay + StationaryLead (Cols, or 2 for
// a single column). With one write a cycle the rows of neighbouring passes compete; all fit at any
// constant spacing from max(Rows, Cols + RowLatency) on. Before the first swap there is no earliest
// cycle. Rows may come in any order and a row may be written again: the last counts.
package array_pkg;

  import systolith_config_pkg::*;
  import systolith_pkg::*;

  parameter int unsigned SumOffset = 2;
  parameter int unsigned ResultOffset = SumOffset + 1 + Rows * RowLatency;
  parameter int unsigned StationaryDelay = (Cols > 2) ? Cols - 2 : 0;
  parameter int unsigned StationaryLead = 2;

  parameter int unsigned RowIndexWidth = index_width(Rows);

  // An operand as the lanes take it. Float: an E8M10 value whose subnormals have been normalised,
  // so that a lane never sees an unnormalised product. INT8: two bytes in bits 15:0, the rest zero;
  // with MultiplierBlocks byte 1, sign extended, in place of the significand and byte 0 in place of
  // the exponent, so that the multipliers' inputs need no multiplexers.
  typedef struct packed {
    logic       negative;
    logic       special;    // infinite, or NaN if also nonzero
    logic       nonzero;    // of a finite value: the leading one of the significand
    logic [8:0] exponent;   // that of the value + 384; 0 for a zero, 1 for a skipped one
    logic [9:0] fraction;
  } lane_operand_t;

  // A moving operand with what travels along.
  typedef struct packed {
    logic          swap;    // the stationary operand changes with this row
    logic          int8;
    lane_operand_t value;
  } moving_t;

  // An operand on its way to the lanes. A skipped one adds -0, whatever the stationary operand:
  // every sum stays as it is.
  typedef struct packed {
    logic     swap;
    logic     int8;
    logic     skip;
    operand_t value;
  } edge_operand_t;

  // What stands beside products and sums is 32 bits wide, `zero` above what it has: lanes are then
  // simulated in vectors of one element width. Synthesis drops the zeros.

  // What a step holds in between, of whatever width, the upper bits zero.
  typedef logic [31:0] lane_t;

  // Exact product, or the sum of two INT8 products in `magnitude`, signed.
  typedef struct packed {
    logic [9:0]  exponent;   // exponent of bit 20 + 768
    logic [21:0] magnitude;
  } product_t;

  typedef struct packed {
    logic [27:0] zero;
    logic int8;
    logic negative;
    logic invalid;   // NaN
    logic special;   // infinite or NaN
  } product_flags_t;

  // Beside a partial sum; the sum is a binary32 word. If a flag is set only the word's sign counts.
  // An int32 sum i travels as {i[31:23], i[21:0], i[22]}: so the float adder takes it without a
  // multiplexer.
  typedef struct packed {
    logic [28:0] zero;
    logic int8;
    logic invalid;
    logic infinite;
  } sum_flags_t;

  parameter word_t CanonicalNan = 32'h7fc00000;

  // What a sum still needs before it is rounded. `exponent` is that of bit 26 of the sum, in
  // binary32's bias; with INT8 its low byte is bits 31:24 of the int32 sum.
  typedef struct packed {
    logic [15:0] zero;
    logic       int8;
    logic       subtract;
    logic       negate;     // the sum came out negative: its ones' complement is meant
    logic       sticky;     // something was lost below bit 0
    logic       negative;
    logic       invalid;
    logic       infinite;
    logic [8:0] exponent;
  } sum_state_t;

endpackage
