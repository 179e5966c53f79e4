// Rules of AXI4 for a manager, from the specification: a channel's VALID and payload stay until READY; bursts are of 1 to
// MaxBurstBeats beats and within 4 KiB; the W beats are those of the write addresses, in their order, LAST with the last
// of each. And what Systolith promises beyond: addresses aligned to the bus, W no earlier than its address is offered,
// bursts that are owed a response at most Reads and Writes (counted from the offer).
//
// Assume 1: the rules are taken for granted, 0: asserted. Unused channels are tied to 0. `write_done_o`, `write_id_o`:
// the last beat of a burst of that ID is taken now.
`include "formal.svh"
`default_nettype none

module axi_manager #(
  parameter bit Assume = 1'b0,
  parameter int unsigned BusBytes = 16,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned IdWidth = 1,
  parameter int unsigned MaxBurstBeats = 16,
  parameter int unsigned Reads = 4,
  parameter int unsigned Writes = 4
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  logic                    ar_valid_i,
  input  logic                    ar_ready_i,
  input  logic [IdWidth-1:0]      ar_id_i,
  input  logic [AddressWidth-1:0] ar_address_i,
  input  logic [8:0]              ar_beats_i,
  input  logic                    r_valid_i,
  input  logic                    r_ready_i,
  input  logic                    r_last_i,

  input  logic                    aw_valid_i,
  input  logic                    aw_ready_i,
  input  logic [IdWidth-1:0]      aw_id_i,
  input  logic [AddressWidth-1:0] aw_address_i,
  input  logic [8:0]              aw_beats_i,
  input  logic                    w_valid_i,
  input  logic                    w_ready_i,
  input  logic [8*BusBytes-1:0]   w_data_i,
  input  logic [BusBytes-1:0]     w_strobe_i,
  input  logic                    w_last_i,
  input  logic                    b_valid_i,
  input  logic                    b_ready_i,

  output logic                    write_done_o,
  output logic [IdWidth-1:0]      write_id_o
);

  // ---- handshakes ----
  typedef logic [IdWidth+AddressWidth+8:0] address_payload_t;
  typedef logic [9*BusBytes:0] data_payload_t;

  address_payload_t ar_payload, ar_payload_q, aw_payload, aw_payload_q;
  data_payload_t w_payload, w_payload_q;
  logic ar_waits_q, aw_waits_q, w_waits_q;

  assign ar_payload = {ar_id_i, ar_address_i, ar_beats_i};
  assign aw_payload = {aw_id_i, aw_address_i, aw_beats_i};
  assign w_payload = {w_last_i, w_strobe_i, w_data_i};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_waits_q <= 1'b0;
      aw_waits_q <= 1'b0;
      w_waits_q <= 1'b0;
    end else begin
      ar_waits_q <= ar_valid_i && !ar_ready_i;
      aw_waits_q <= aw_valid_i && !aw_ready_i;
      w_waits_q <= w_valid_i && !w_ready_i;
    end
  end

  always_ff @(posedge clk_i) begin
    ar_payload_q <= ar_payload;
    aw_payload_q <= aw_payload;
    w_payload_q <= w_payload;
  end

  `RULE(ArValidStays, !ar_waits_q || ar_valid_i)
  `RULE(AwValidStays, !aw_waits_q || aw_valid_i)
  `RULE(WValidStays, !w_waits_q || w_valid_i)
  `RULE(ArPayloadStays, !ar_waits_q || ar_payload == ar_payload_q)
  `RULE(AwPayloadStays, !aw_waits_q || aw_payload == aw_payload_q)
  `RULE(WPayloadStays, !w_waits_q || w_payload == w_payload_q)

  // ---- bursts ----
  localparam int unsigned OffsetWidth = $clog2(BusBytes);

  `RULE(ArLength, !ar_valid_i || (ar_beats_i != '0 && ar_beats_i <= 9'(MaxBurstBeats)))
  `RULE(AwLength, !aw_valid_i || (aw_beats_i != '0 && aw_beats_i <= 9'(MaxBurstBeats)))
  `RULE(ArWithinPage,
        !ar_valid_i || 17'(ar_address_i[11:0]) + (17'(ar_beats_i) << OffsetWidth) <= 17'd4096)
  `RULE(AwWithinPage,
        !aw_valid_i || 17'(aw_address_i[11:0]) + (17'(aw_beats_i) << OffsetWidth) <= 17'd4096)
  `RULE(ArAligned, !ar_valid_i || ar_address_i[OffsetWidth-1:0] == '0)
  `RULE(AwAligned, !aw_valid_i || aw_address_i[OffsetWidth-1:0] == '0)

  // ---- bursts owed ----
  logic ar_offer, aw_offer;
  logic [7:0] reads_q, reads, writes_q, writes;

  assign ar_offer = ar_valid_i && !ar_waits_q;
  assign aw_offer = aw_valid_i && !aw_waits_q;
  assign reads = reads_q + 8'(ar_offer);
  assign writes = writes_q + 8'(aw_offer);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reads_q <= '0;
      writes_q <= '0;
    end else begin
      reads_q <= reads - 8'(r_valid_i && r_ready_i && r_last_i);
      writes_q <= writes - 8'(b_valid_i && b_ready_i);
    end
  end

  `RULE(ReadsOwed, reads <= 8'(Reads))
  `RULE(WritesOwed, writes <= 8'(Writes))

  // ---- W follows the addresses: bursts whose data are not complete, oldest in place 0 ----
  typedef struct packed {
    logic [IdWidth-1:0] id;
    logic [8:0]         beats;
  } burst_t;

  burst_t [Writes:0] burst_q, burst;
  logic [7:0] bursts_q, bursts;
  logic [8:0] beat_q;
  logic last;

  always_comb begin
    burst = burst_q;
    for (int unsigned i = 0; i <= Writes; i++) begin
      if (aw_offer && bursts_q == 8'(i)) burst[i] = '{id: aw_id_i, beats: aw_beats_i};
    end
  end

  assign bursts = bursts_q + 8'(aw_offer);
  assign last = beat_q + 1'b1 == burst[0].beats;
  assign write_done_o = w_valid_i && w_ready_i && w_last_i;
  assign write_id_o = burst[0].id;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bursts_q <= '0;
      beat_q <= '0;
    end else begin
      bursts_q <= bursts - 8'(write_done_o);
      if (w_valid_i && w_ready_i) beat_q <= w_last_i ? '0 : beat_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) burst_q <= write_done_o ? burst >> $bits(burst_t) : burst;

  `RULE(WHasAddress, !w_valid_i || bursts != '0)
  `RULE(WLast, !w_valid_i || bursts == '0 || w_last_i == last)

endmodule

`default_nettype wire
