// Says which requesters the bus keeps waiting, for the bus time-out: seen at the manager port, that
// shows what the memory has taken.
//
// The bus owes a requester from the cycle in which it took a burst's address until the burst's last
// response. An address that is offered and not taken is owed only while the bus owes nobody
// anything: a memory that takes no more because it does not answer is late with what it has taken.
//
// Handshake: none, it watches. `r_end_i` and `b_end_i` are the last beat of a read burst and a
// response, taken; IDs that own no such bursts change nothing. Latency: a handshake shows in the
// next cycle, an offered address at once. At most 255 bursts a requester.
`include "systolith_assert.svh"
`default_nettype none

module bus_debts
  import systolith_pkg::*;
(
  input  logic               clk_i,
  input  logic               rst_ni,

  // Read channels.
  input  logic               ar_valid_i,
  input  logic               ar_ready_i,
  input  logic [IdWidth-1:0] ar_id_i,
  input  logic               r_end_i,
  input  logic [IdWidth-1:0] r_id_i,

  // Write channels.
  input  logic               aw_valid_i,
  input  logic               aw_ready_i,
  input  logic [IdWidth-1:0] aw_id_i,
  input  logic               b_end_i,
  input  logic [IdWidth-1:0] b_id_i,

  output logic [3:0]         owed_o          // a bit an ID
);

  localparam int unsigned CountWidth = 8;

  logic [3:0] offered, taken, ended, pending;
  logic [3:0][CountWidth-1:0] count_q, count_d;   // bursts taken and not answered whole

  always_comb begin
    offered = '0;
    ended = '0;
    offered[IdFetch] = ar_valid_i && ar_id_i == IdFetch;
    offered[IdLoad] = ar_valid_i && ar_id_i == IdLoad;
    offered[IdStore] = aw_valid_i && aw_id_i == IdStore;
    offered[IdRecord] = aw_valid_i && aw_id_i == IdRecord;
    ended[IdFetch] = r_end_i && r_id_i == IdFetch;
    ended[IdLoad] = r_end_i && r_id_i == IdLoad;
    ended[IdStore] = b_end_i && b_id_i == IdStore;
    ended[IdRecord] = b_end_i && b_id_i == IdRecord;
    taken[IdFetch] = offered[IdFetch] && ar_ready_i;
    taken[IdLoad] = offered[IdLoad] && ar_ready_i;
    taken[IdStore] = offered[IdStore] && aw_ready_i;
    taken[IdRecord] = offered[IdRecord] && aw_ready_i;
  end

  always_comb begin
    for (int unsigned id = 0; id < 4; id++) begin
      pending[id] = count_q[id] != '0;
      count_d[id] = count_q[id] + CountWidth'(taken[id]) - CountWidth'(ended[id] && pending[id]);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_q <= '0;
    else count_q <= count_d;
  end

  assign owed_o = (pending != '0) ? pending : offered;

  `ASSERT(AllAreCounted, !(taken[IdFetch] && count_q[IdFetch] == '1) &&
      !(taken[IdLoad] && count_q[IdLoad] == '1) && !(taken[IdStore] && count_q[IdStore] == '1) &&
      !(taken[IdRecord] && count_q[IdRecord] == '1))

endmodule

`default_nettype wire
