// Walks the rows of passes and gives each its addresses and the row in flight that it depends on.
//
// `pass_valid_i` offers a pass (taken with `pass_ready_o`, no bubble between passes); its rows come
// out on `row_o` in order, one a cycle, from the cycle after next: one register for the row walked,
// one for the row ready to issue. `stall_table_o`: no row goes on as the table of passes in flight
// is full.
`include "systolith_assert.svh"
`default_nettype none

module row_walker
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import matrix_pkg::*;
(
  input  logic      clk_i,
  input  logic      rst_ni,
  input  logic      clear_i,
  // passes
  input  logic      pass_valid_i,
  input  pass_t     pass_i,
  output logic      pass_ready_o,
  // rows
  output logic      row_valid_o,
  output row_t      row_o,
  input  logic      row_ready_i,
  // interlock
  input  sequence_t written_i,       // rows numbered below this one may be read
  output logic      stall_table_o,
  output logic      busy_o
);

  // ---- the pass walked ----
  logic valid_q, valid_d, swap_q, swap_d;
  pass_t pass_q;
  rows_t left_q, left_d;             // rows after this one
  line_index_t line_q, line_d;
  accumulator_index_t c_row_q, c_row_d;
  logic [31:0] number_q, number_d;
  sequence_t sequence_q, sequence_d; // of this row
  sequence_t first_q, first_d;       // of the pass's first row

  logic take, step, last_row, table_full, hit;
  sequence_t hit_sequence;

  // ---- the row ready to issue ----
  logic row_valid_q, row_valid_d;
  row_t row_q, row_d;

  assign last_row = (left_q == '0);
  assign stall_table_o = valid_q && last_row && table_full;
  assign step = valid_q && !stall_table_o && (!row_valid_q || row_ready_i);
  assign pass_ready_o = !valid_q || (step && last_row);
  assign take = pass_valid_i && pass_ready_o;

  always_comb begin
    valid_d = valid_q;
    swap_d = swap_q;
    left_d = left_q;
    line_d = line_q;
    c_row_d = c_row_q;
    number_d = number_q;
    sequence_d = sequence_q;
    first_d = first_q;
    if (step) begin
      valid_d = !last_row;
      swap_d = 1'b0;
      left_d = left_q - 1'b1;
      line_d = line_q + pass_q.a_pitch;
      c_row_d = c_row_q + 1'b1;
      number_d = number_q + 32'd1;
      sequence_d = sequence_q + 1'b1;
    end
    if (take) begin
      valid_d = 1'b1;
      swap_d = 1'b1;
      left_d = pass_i.m - 1'b1;
      line_d = pass_i.a_line;
      c_row_d = pass_i.c_row;
      number_d = pass_i.first_row;
      first_d = sequence_d;
    end
    if (clear_i) begin
      valid_d = 1'b0;
      sequence_d = '0;
    end
  end

  always_comb begin
    row_valid_d = step || (row_valid_q && !row_ready_i);
    if (clear_i) row_valid_d = 1'b0;
    row_d.slot = pass_q.slot;
    row_d.int8 = pass_q.int8;
    row_d.seed_zero = pass_q.seed_zero;
    row_d.swap = swap_q;
    row_d.number = number_q;
    row_d.k_valid = pass_q.k_valid;
    row_d.columns = pass_q.columns;
    row_d.a_line = line_q;
    row_d.a_slot = pass_q.a_slot;
    row_d.c_row = c_row_q;
    row_d.depends = hit && !pass_q.seed_zero;
    row_d.needs = hit_sequence;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      swap_q <= 1'b0;
      left_q <= '0;
      line_q <= '0;
      c_row_q <= '0;
      number_q <= '0;
      sequence_q <= '0;
      first_q <= '0;
      row_valid_q <= 1'b0;
    end else begin
      valid_q <= valid_d;
      swap_q <= swap_d;
      left_q <= left_d;
      line_q <= line_d;
      c_row_q <= c_row_d;
      number_q <= number_d;
      sequence_q <= sequence_d;
      first_q <= first_d;
      row_valid_q <= row_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) pass_q <= pass_i;
    if (step) row_q <= row_d;
  end

  reentry_table u_table (
    .clk_i, .rst_ni, .clear_i,
    .push_i(step && last_row), .push_row_i(pass_q.c_row), .push_rows_i(pass_q.m),
    .push_sequence_i(first_q), .full_o(table_full),
    .written_i, .row_i(c_row_q), .hit_o(hit), .sequence_o(hit_sequence)
  );

  logic unused;   // of the pass, what the stationary operand needs
  assign unused = ^pass_q;

  assign row_valid_o = row_valid_q;
  assign row_o = row_q;
  assign busy_o = valid_q || row_valid_q;

endmodule

`default_nettype wire
