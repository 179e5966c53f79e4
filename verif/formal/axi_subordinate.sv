// Rules of AXI4 for a subordinate, from the specification: R and B stay until they are taken; R has as many beats for each
// accepted address of an ID as it asks for, LAST with the last; B comes once for each burst, after its address was
// accepted and its last W beat taken. Beats of different IDs may alternate. All else is free: any delay, any response.
//
// Assume 1: the rules are taken for granted, 0: asserted. `Bursts`: read bursts of one ID under way at most. Data are not
// looked at: they may even change while they wait, which takes less for granted than the specification gives.
`include "formal.svh"
`default_nettype none

module axi_subordinate #(
  parameter bit Assume = 1'b1,
  parameter int unsigned IdWidth = 1,
  parameter int unsigned Bursts = 4
) (
  input logic               clk_i,
  input logic               rst_ni,

  input logic               ar_valid_i,
  input logic               ar_ready_i,
  input logic [IdWidth-1:0] ar_id_i,
  input logic [8:0]         ar_beats_i,
  input logic               r_valid_i,
  input logic               r_ready_i,
  input logic [IdWidth-1:0] r_id_i,
  input logic               r_error_i,
  input logic               r_last_i,

  input logic               aw_valid_i,
  input logic               aw_ready_i,
  input logic [IdWidth-1:0] aw_id_i,
  input logic               write_done_i,   // of axi_manager
  input logic [IdWidth-1:0] write_id_i,
  input logic               b_valid_i,
  input logic               b_ready_i,
  input logic [IdWidth-1:0] b_id_i,
  input logic               b_error_i
);

  localparam int unsigned Ids = 1 << IdWidth;

  // ---- handshakes ----
  logic r_waits_q, b_waits_q;
  logic [IdWidth+1:0] r_payload, r_payload_q;
  logic [IdWidth:0] b_payload, b_payload_q;

  assign r_payload = {r_id_i, r_error_i, r_last_i};
  assign b_payload = {b_id_i, b_error_i};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      r_waits_q <= 1'b0;
      b_waits_q <= 1'b0;
    end else begin
      r_waits_q <= r_valid_i && !r_ready_i;
      b_waits_q <= b_valid_i && !b_ready_i;
    end
  end

  always_ff @(posedge clk_i) begin
    r_payload_q <= r_payload;
    b_payload_q <= b_payload;
  end

  `RULE(RStays, !r_waits_q || (r_valid_i && r_payload == r_payload_q))
  `RULE(BStays, !b_waits_q || (b_valid_i && b_payload == b_payload_q))

  // ---- what each ID is owed ----
  logic [Ids-1:0] r_permitted, r_last, b_permitted;

  for (genvar id = 0; id < Ids; id++) begin : gen_id
    logic accept, beat, ends;
    logic [Bursts-1:0][8:0] beats_q, beats_d;   // of its bursts, oldest in place 0
    logic [8:0] beat_q;
    logic [7:0] bursts_q;
    logic [7:0] accepted_q, complete_q;         // writes without response

    assign accept = ar_valid_i && ar_ready_i && ar_id_i == IdWidth'(id);
    assign beat = r_valid_i && r_ready_i && r_id_i == IdWidth'(id);
    assign ends = beat && r_last_i;

    assign r_permitted[id] = bursts_q != '0;
    assign r_last[id] = beat_q + 1'b1 == beats_q[0];
    assign b_permitted[id] = accepted_q != '0 && complete_q != '0;

    always_comb begin
      beats_d = ends ? beats_q >> 9 : beats_q;
      for (int unsigned i = 0; i < Bursts; i++) begin
        if (accept && bursts_q - 8'(ends) == 8'(i)) beats_d[i] = ar_beats_i;
      end
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        bursts_q <= '0;
        beat_q <= '0;
        accepted_q <= '0;
        complete_q <= '0;
      end else begin
        bursts_q <= bursts_q + 8'(accept) - 8'(ends);
        if (beat) beat_q <= r_last_i ? '0 : beat_q + 1'b1;
        accepted_q <= accepted_q + 8'(aw_valid_i && aw_ready_i && aw_id_i == IdWidth'(id)) -
                      8'(b_valid_i && b_ready_i && b_id_i == IdWidth'(id));
        complete_q <= complete_q + 8'(write_done_i && write_id_i == IdWidth'(id)) -
                      8'(b_valid_i && b_ready_i && b_id_i == IdWidth'(id));
      end
    end

    always_ff @(posedge clk_i) beats_q <= beats_d;
  end

  `RULE(ROwed, !r_valid_i || r_permitted[r_id_i])
  `RULE(RLast, !r_valid_i || r_last_i == r_last[r_id_i])
  `RULE(BOwed, !b_valid_i || b_permitted[b_id_i])

endmodule

`default_nettype wire
