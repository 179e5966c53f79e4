// Rules of AXI4-Lite for a subordinate, from the specification: R and B and what they carry stay until they are taken; a
// B comes once for each write, after its address and its data were taken; an R comes once for each address read, after it
// was taken. None is missing: an access that was taken is answered in time. Responses are OKAY, SLVERR or DECERR, as there
// is no exclusive access. And for the manager: VALID and payload of AW, W and AR stay until READY.
//
// Assume 1: the subordinate's rules are taken for granted and the manager's asserted, 0: the other way round.
// `Accesses`: reads and writes, each, that may wait for a response at most; one more is a broken rule of the subordinate.
// `Silence`: cycles without a response, at most, while an access that was taken is owed one.
`include "formal.svh"
`default_nettype none

module axi_lite_subordinate #(
  parameter bit Assume = 1'b0,
  parameter int unsigned AddressWidth = 13,
  parameter int unsigned DataWidth = 32,
  parameter int unsigned Accesses = 4,
  parameter int unsigned Silence = 1
) (
  input logic                    clk_i,
  input logic                    rst_ni,

  input logic                    aw_valid_i,
  input logic                    aw_ready_i,
  input logic [AddressWidth-1:0] aw_address_i,
  input logic [2:0]              aw_prot_i,
  input logic                    w_valid_i,
  input logic                    w_ready_i,
  input logic [DataWidth-1:0]    w_data_i,
  input logic [DataWidth/8-1:0]  w_strobe_i,
  input logic                    b_valid_i,
  input logic                    b_ready_i,
  input logic [1:0]              b_response_i,
  input logic                    ar_valid_i,
  input logic                    ar_ready_i,
  input logic [AddressWidth-1:0] ar_address_i,
  input logic [2:0]              ar_prot_i,
  input logic                    r_valid_i,
  input logic                    r_ready_i,
  input logic [DataWidth-1:0]    r_data_i,
  input logic [1:0]              r_response_i
);

  // ---- handshakes ----
  logic aw_waits_q, w_waits_q, b_waits_q, ar_waits_q, r_waits_q;
  logic [AddressWidth+2:0] aw_payload_q, ar_payload_q;
  logic [DataWidth+DataWidth/8-1:0] w_payload_q;
  logic [DataWidth+1:0] r_payload_q;
  logic [1:0] b_payload_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {aw_waits_q, w_waits_q, b_waits_q, ar_waits_q, r_waits_q} <= '0;
    end else begin
      aw_waits_q <= aw_valid_i && !aw_ready_i;
      w_waits_q <= w_valid_i && !w_ready_i;
      b_waits_q <= b_valid_i && !b_ready_i;
      ar_waits_q <= ar_valid_i && !ar_ready_i;
      r_waits_q <= r_valid_i && !r_ready_i;
    end
  end

  always_ff @(posedge clk_i) begin
    aw_payload_q <= {aw_address_i, aw_prot_i};
    w_payload_q <= {w_data_i, w_strobe_i};
    b_payload_q <= b_response_i;
    ar_payload_q <= {ar_address_i, ar_prot_i};
    r_payload_q <= {r_data_i, r_response_i};
  end

  if (Assume) begin : gen_manager_asserted
    `ASSERT(AwStays, !aw_waits_q || (aw_valid_i && {aw_address_i, aw_prot_i} == aw_payload_q))
    `ASSERT(WStays, !w_waits_q || (w_valid_i && {w_data_i, w_strobe_i} == w_payload_q))
    `ASSERT(ArStays, !ar_waits_q || (ar_valid_i && {ar_address_i, ar_prot_i} == ar_payload_q))
  end else begin : gen_manager_assumed
    `ASSUME(AwStays, !aw_waits_q || (aw_valid_i && {aw_address_i, aw_prot_i} == aw_payload_q))
    `ASSUME(WStays, !w_waits_q || (w_valid_i && {w_data_i, w_strobe_i} == w_payload_q))
    `ASSUME(ArStays, !ar_waits_q || (ar_valid_i && {ar_address_i, ar_prot_i} == ar_payload_q))
  end
  `RULE(BStays, !b_waits_q || b_valid_i)
  `RULE(BPayloadStays, !b_waits_q || b_response_i == b_payload_q)
  `RULE(RStays, !r_waits_q || r_valid_i)
  `RULE(RPayloadStays, !r_waits_q || {r_data_i, r_response_i} == r_payload_q)
  `RULE(BResponse, !b_valid_i || b_response_i != 2'b01)
  `RULE(RResponse, !r_valid_i || r_response_i != 2'b01)

  // ---- what is owed ----
  logic [7:0] addresses_q, data_q, reads_q;   // taken, without a response

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      addresses_q <= '0;
      data_q <= '0;
      reads_q <= '0;
    end else begin
      addresses_q <= addresses_q + 8'(aw_valid_i && aw_ready_i) - 8'(b_valid_i && b_ready_i);
      data_q <= data_q + 8'(w_valid_i && w_ready_i) - 8'(b_valid_i && b_ready_i);
      reads_q <= reads_q + 8'(ar_valid_i && ar_ready_i) - 8'(r_valid_i && r_ready_i);
    end
  end

  `RULE(BOwed, !b_valid_i || (addresses_q != '0 && data_q != '0))
  `RULE(ROwed, !r_valid_i || reads_q != '0)
  `RULE(AccessesOwed, addresses_q <= 8'(Accesses) && data_q <= 8'(Accesses) && reads_q <= 8'(Accesses))

  logic silent;
  logic [7:0] silent_q;   // cycles
  assign silent = !b_valid_i && !r_valid_i && (reads_q != '0 || (addresses_q != '0 && data_q != '0));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) silent_q <= '0;
    else silent_q <= silent ? silent_q + 8'(silent_q != '1) : '0;
  end

  `RULE(AnswersInTime, !silent || silent_q < 8'(Silence))

endmodule

`default_nettype wire
