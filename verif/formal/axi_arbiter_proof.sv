// axi_arbiter keeps the rules of AXI4 on the device's manager port, for requesters that keep them on theirs, any order of
// their requests and any memory system, which may mix the responses of different IDs.
`include "systolith_assert.svh"
`default_nettype none

module axi_arbiter_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic                   clk_i,
  // requesters: 0 fetch or record, 1 load or store
  input logic [1:0]             ar_valid_i,
  input address_t [1:0]         ar_address_i,
  input logic [1:0][8:0]        ar_beats_i,
  input logic [1:0]             r_ready_i,
  input logic [1:0]             aw_valid_i,
  input address_t [1:0]         aw_address_i,
  input logic [1:0][8:0]        aw_beats_i,
  input logic [1:0]             w_valid_i,
  input bus_data_t [1:0]        w_data_i,
  input bus_strobe_t [1:0]      w_strobe_i,
  input logic [1:0]             w_last_i,
  input logic [1:0]             b_ready_i,
  // memory system
  input logic                   m_axi_awready,
  input logic                   m_axi_wready,
  input logic [IdWidth-1:0]     m_axi_bid,
  input logic [1:0]             m_axi_bresp,
  input logic                   m_axi_bvalid,
  input logic                   m_axi_arready,
  input logic [IdWidth-1:0]     m_axi_rid,
  input bus_data_t              m_axi_rdata,
  input logic [1:0]             m_axi_rresp,
  input logic                   m_axi_rlast,
  input logic                   m_axi_rvalid
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [1:0] ar_ready, r_valid, aw_ready, w_ready, b_valid;
  logic r_last;
  logic [IdWidth-1:0] m_axi_awid, m_axi_arid;
  address_t m_axi_awaddr, m_axi_araddr;
  logic [7:0] m_axi_awlen, m_axi_arlen;
  logic m_axi_awvalid, m_axi_arvalid, m_axi_wvalid, m_axi_wlast, m_axi_bready, m_axi_rready;
  bus_data_t m_axi_wdata;
  bus_strobe_t m_axi_wstrb;

  axi_arbiter u_arbiter (
    .clk_i, .rst_ni,
    .fetch_ar_valid_i(ar_valid_i[0]), .fetch_ar_address_i(ar_address_i[0]), .fetch_ar_beats_i(ar_beats_i[0]),
    .fetch_ar_ready_o(ar_ready[0]), .fetch_r_valid_o(r_valid[0]), .fetch_r_ready_i(r_ready_i[0]),
    .load_ar_valid_i(ar_valid_i[1]), .load_ar_address_i(ar_address_i[1]), .load_ar_beats_i(ar_beats_i[1]),
    .load_ar_ready_o(ar_ready[1]), .load_r_valid_o(r_valid[1]), .load_r_ready_i(r_ready_i[1]),
    .r_data_o(), .r_error_o(), .r_last_o(r_last),
    .store_aw_valid_i(aw_valid_i[1]), .store_aw_address_i(aw_address_i[1]), .store_aw_beats_i(aw_beats_i[1]),
    .store_aw_ready_o(aw_ready[1]), .store_w_valid_i(w_valid_i[1]), .store_w_data_i(w_data_i[1]),
    .store_w_strobe_i(w_strobe_i[1]), .store_w_last_i(w_last_i[1]), .store_w_ready_o(w_ready[1]),
    .store_b_valid_o(b_valid[1]), .store_b_ready_i(b_ready_i[1]),
    .record_aw_valid_i(aw_valid_i[0]), .record_aw_address_i(aw_address_i[0]), .record_aw_beats_i(aw_beats_i[0]),
    .record_aw_ready_o(aw_ready[0]), .record_w_valid_i(w_valid_i[0]), .record_w_data_i(w_data_i[0]),
    .record_w_strobe_i(w_strobe_i[0]), .record_w_last_i(w_last_i[0]), .record_w_ready_o(w_ready[0]),
    .record_b_valid_o(b_valid[0]), .record_b_ready_i(b_ready_i[0]),
    .b_error_o(), .unknown_id_o(),
    .*
  );

  // ---- the requesters keep the rules ----
  for (genvar i = 0; i < 2; i++) begin : gen_requester
    axi_manager #(
      .Assume(1'b1), .BusBytes(BusBytes), .AddressWidth(AddressWidth), .MaxBurstBeats(MaxBurstBeats),
      .Reads(ReadsOutstanding), .Writes(WritesOutstanding)
    ) u_manager (
      .clk_i, .rst_ni,
      .ar_valid_i(ar_valid_i[i]), .ar_ready_i(ar_ready[i]), .ar_id_i('0), .ar_address_i(ar_address_i[i]),
      .ar_beats_i(ar_beats_i[i]), .r_valid_i(r_valid[i]), .r_ready_i(r_ready_i[i]), .r_last_i(r_last),
      .aw_valid_i(aw_valid_i[i]), .aw_ready_i(aw_ready[i]), .aw_id_i('0), .aw_address_i(aw_address_i[i]),
      .aw_beats_i(aw_beats_i[i]), .w_valid_i(w_valid_i[i]), .w_ready_i(w_ready[i]), .w_data_i(w_data_i[i]),
      .w_strobe_i(w_strobe_i[i]), .w_last_i(w_last_i[i]), .b_valid_i(b_valid[i]), .b_ready_i(b_ready_i[i]),
      .write_done_o(), .write_id_o()
    );
  end

  // ---- so does the port ----
  logic write_done;
  logic [IdWidth-1:0] write_id;

  axi_manager #(
    .BusBytes(BusBytes), .AddressWidth(AddressWidth), .IdWidth(IdWidth), .MaxBurstBeats(MaxBurstBeats),
    .Reads(2 * ReadsOutstanding), .Writes(2 * WritesOutstanding)
  ) u_port (
    .clk_i, .rst_ni,
    .ar_valid_i(m_axi_arvalid), .ar_ready_i(m_axi_arready), .ar_id_i(m_axi_arid), .ar_address_i(m_axi_araddr),
    .ar_beats_i({1'b0, m_axi_arlen} + 9'd1), .r_valid_i(m_axi_rvalid), .r_ready_i(m_axi_rready),
    .r_last_i(m_axi_rlast),
    .aw_valid_i(m_axi_awvalid), .aw_ready_i(m_axi_awready), .aw_id_i(m_axi_awid), .aw_address_i(m_axi_awaddr),
    .aw_beats_i({1'b0, m_axi_awlen} + 9'd1), .w_valid_i(m_axi_wvalid), .w_ready_i(m_axi_wready),
    .w_data_i(m_axi_wdata), .w_strobe_i(m_axi_wstrb), .w_last_i(m_axi_wlast),
    .b_valid_i(m_axi_bvalid), .b_ready_i(m_axi_bready), .write_done_o(write_done), .write_id_o(write_id)
  );

  `ASSERT(ReadIdKnown, !m_axi_arvalid || m_axi_arid == IdFetch || m_axi_arid == IdLoad)
  `ASSERT(WriteIdKnown, !m_axi_awvalid || m_axi_awid == IdStore || m_axi_awid == IdRecord)

  axi_subordinate #(.IdWidth(IdWidth), .Bursts(ReadsOutstanding)) u_subordinate (
    .clk_i, .rst_ni,
    .ar_valid_i(m_axi_arvalid), .ar_ready_i(m_axi_arready), .ar_id_i(m_axi_arid),
    .ar_beats_i({1'b0, m_axi_arlen} + 9'd1), .r_valid_i(m_axi_rvalid), .r_ready_i(m_axi_rready),
    .r_id_i(m_axi_rid), .r_error_i(m_axi_rresp[1]), .r_last_i(m_axi_rlast),
    .aw_valid_i(m_axi_awvalid), .aw_ready_i(m_axi_awready), .aw_id_i(m_axi_awid),
    .write_done_i(write_done), .write_id_i(write_id),
    .b_valid_i(m_axi_bvalid), .b_ready_i(m_axi_bready), .b_id_i(m_axi_bid), .b_error_i(m_axi_bresp[1])
  );

endmodule

`default_nettype wire
