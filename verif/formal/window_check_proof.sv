// window_check: an extent is found good exactly when one window with the permission holds its first and its last byte;
// the answer comes once, within a cycle for every window.
//
// Windows and extent are free, and stay while a search is under way: the registers are locked then, the asker waits.
`include "systolith_assert.svh"
`default_nettype none

module window_check_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic                     clk_i,
  input logic [Windows-1:0][63:0] base_i,
  input logic [Windows-1:0][63:0] last_i,
  input logic [Windows-1:0][1:0]  permit_i,
  input logic                     start_i,
  input logic                     write_i,
  input logic [63:0]              first_byte_i,
  input logic [63:0]              last_byte_i
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  // ---- a search: from the cycle after its start to its answer ----
  logic done, found, searching_q, write;
  logic [3:0] cycles_q;
  logic [Windows-1:0][63:0] base, base_q, last, last_q;
  logic [Windows-1:0][1:0] permit, permit_q;
  logic [63:0] first_byte, first_byte_q, last_byte, last_byte_q;
  logic write_q;

  assign {base, last, permit} = searching_q ? {base_q, last_q, permit_q} : {base_i, last_i, permit_i};
  assign {write, first_byte, last_byte} = searching_q ? {write_q, first_byte_q, last_byte_q}
                                                      : {write_i, first_byte_i, last_byte_i};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      searching_q <= 1'b0;
      cycles_q <= '0;
    end else begin
      searching_q <= start_i || (searching_q && !done);
      cycles_q <= (start_i || done) ? '0 : cycles_q + 4'(searching_q);
    end
  end

  always_ff @(posedge clk_i) begin
    {base_q, last_q, permit_q} <= {base, last, permit};
    {write_q, first_byte_q, last_byte_q} <= {write, first_byte, last_byte};
  end

  window_check u_check (
    .clk_i, .rst_ni,
    .window_base_i(base), .window_last_i(last), .window_permit_i(permit),
    .start_i, .write_i(write), .first_i(first_byte), .last_i(last_byte), .done_o(done), .found_o(found)
  );
  `ASSUME(OneSearchAtATime, !start_i || !searching_q)

  logic [Windows-1:0] holds;
  for (genvar w = 0; w < Windows; w++) begin : gen_window
    assign holds[w] = permit[w][write] && first_byte >= base[w] && last_byte <= last[w];
  end

  `ASSERT(GoodIsInAWindow, !(done && found) || holds != '0)
  `ASSERT(InAWindowIsGood, !done || found || holds == '0)
  `ASSERT(AnswersOnce, !done || searching_q)
  `ASSERT(AnswersInTime, !searching_q || done || 32'(cycles_q) + 1 < Windows)

  // ---- how the search stands, which makes the above hold from any state to the next ----
  `ASSERT(SearchStands, u_check.active_q == searching_q && 32'(u_check.window_q) == 32'(cycles_q) &&
      (searching_q || cycles_q == '0))
  for (genvar w = 0; w < Windows; w++) begin : gen_seen
    `ASSERT(SeenDoesNotHold, 32'(u_check.window_q) <= w || !holds[w])
  end

endmodule

`default_nettype wire
