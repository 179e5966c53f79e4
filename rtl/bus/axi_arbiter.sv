// Joins the requesters onto the one AXI4 manager port, with a fixed ID each.
//
// Reads: the command fetch goes before the load unit; R beats are routed by ID. Writes: records go before the
// store unit; W follows the order in which addresses were accepted, so bursts of the two never interleave; B is
// routed by ID. A response with an ID that was never used is taken, dropped and pulses `unknown_id_o`.
//
// Latency: one register on AR, AW and W (all combinational paths from READY to a requester end in a
// two-entry buffer); R and B pass through combinationally to the requester. One transfer a cycle on each channel.
// A write address is offered to the bus no later than its first data beat.
`include "systolith_assert.svh"
`default_nettype none

module axi_arbiter
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Command fetch.
  input  logic        fetch_ar_valid_i,
  input  address_t    fetch_ar_address_i,
  input  logic [8:0]  fetch_ar_beats_i,
  output logic        fetch_ar_ready_o,
  output logic        fetch_r_valid_o,
  input  logic        fetch_r_ready_i,

  // Load unit.
  input  logic        load_ar_valid_i,
  input  address_t    load_ar_address_i,
  input  logic [8:0]  load_ar_beats_i,
  output logic        load_ar_ready_o,
  output logic        load_r_valid_o,
  input  logic        load_r_ready_i,

  // Read data, common to both.
  output bus_data_t   r_data_o,
  output logic        r_error_o,
  output logic        r_last_o,

  // Store unit.
  input  logic        store_aw_valid_i,
  input  address_t    store_aw_address_i,
  input  logic [8:0]  store_aw_beats_i,
  output logic        store_aw_ready_o,
  input  logic        store_w_valid_i,
  input  bus_data_t   store_w_data_i,
  input  bus_strobe_t store_w_strobe_i,
  input  logic        store_w_last_i,
  output logic        store_w_ready_o,
  output logic        store_b_valid_o,
  input  logic        store_b_ready_i,

  // Completion records.
  input  logic        record_aw_valid_i,
  input  address_t    record_aw_address_i,
  input  logic [8:0]  record_aw_beats_i,
  output logic        record_aw_ready_o,
  input  logic        record_w_valid_i,
  input  bus_data_t   record_w_data_i,
  input  bus_strobe_t record_w_strobe_i,
  input  logic        record_w_last_i,
  output logic        record_w_ready_o,
  output logic        record_b_valid_o,
  input  logic        record_b_ready_i,

  // Write response, common to both.
  output logic        b_error_o,

  output logic        unknown_id_o,

  // AXI4 manager.
  output logic [IdWidth-1:0] m_axi_awid,
  output address_t    m_axi_awaddr,
  output logic [7:0]  m_axi_awlen,
  output logic        m_axi_awvalid,
  input  logic        m_axi_awready,
  output bus_data_t   m_axi_wdata,
  output bus_strobe_t m_axi_wstrb,
  output logic        m_axi_wlast,
  output logic        m_axi_wvalid,
  input  logic        m_axi_wready,
  input  logic [IdWidth-1:0] m_axi_bid,
  input  logic [1:0]  m_axi_bresp,
  input  logic        m_axi_bvalid,
  output logic        m_axi_bready,
  output logic [IdWidth-1:0] m_axi_arid,
  output address_t    m_axi_araddr,
  output logic [7:0]  m_axi_arlen,
  output logic        m_axi_arvalid,
  input  logic        m_axi_arready,
  input  logic [IdWidth-1:0] m_axi_rid,
  input  bus_data_t   m_axi_rdata,
  input  logic [1:0]  m_axi_rresp,
  input  logic        m_axi_rlast,
  input  logic        m_axi_rvalid,
  output logic        m_axi_rready
);

  typedef struct packed {
    logic       second;    // load or store, else fetch or record
    address_t   address;
    logic [7:0] length;
  } address_beat_t;

  typedef struct packed {
    logic        last;
    bus_strobe_t strobe;
    bus_data_t   data;
  } data_beat_t;

  function automatic logic [7:0] axi_length(logic [8:0] beats);
    return 8'(beats - 9'd1);
  endfunction

  // Other occupancies are not needed, and a response's low bit only tells exclusive from plain.
  logic [1:0] ar_held, aw_held, w_held;
  localparam int unsigned OrderWidth = $clog2(WritesOutstanding + 5);
  logic [OrderWidth-1:0] order_held;
  logic unused_bits;
  assign unused_bits = ^{ar_held, w_held, m_axi_bresp[0], m_axi_rresp[0]};

  // ---- read address ----
  address_beat_t ar_in, ar_out;
  logic ar_in_valid, ar_in_ready;

  assign ar_in.second = !fetch_ar_valid_i;
  assign ar_in.address = fetch_ar_valid_i ? fetch_ar_address_i : load_ar_address_i;
  assign ar_in.length = axi_length(fetch_ar_valid_i ? fetch_ar_beats_i : load_ar_beats_i);
  assign ar_in_valid = fetch_ar_valid_i || load_ar_valid_i;
  assign fetch_ar_ready_o = ar_in_ready;
  assign load_ar_ready_o = ar_in_ready && !fetch_ar_valid_i;

  stream_fifo #(.Width($bits(address_beat_t)), .Depth(2)) u_ar (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(ar_in_valid), .data_i(ar_in), .ready_o(ar_in_ready),
    .valid_o(m_axi_arvalid), .data_o(ar_out), .ready_i(m_axi_arready), .count_o(ar_held)
  );
  assign m_axi_arid = ar_out.second ? IdLoad : IdFetch;
  assign m_axi_araddr = ar_out.address;
  assign m_axi_arlen = ar_out.length;

  // ---- read data ----
  assign fetch_r_valid_o = m_axi_rvalid && m_axi_rid == IdFetch;
  assign load_r_valid_o = m_axi_rvalid && m_axi_rid == IdLoad;
  assign r_data_o = m_axi_rdata;
  assign r_error_o = m_axi_rresp[1];
  assign r_last_o = m_axi_rlast;
  assign m_axi_rready = (m_axi_rid == IdFetch) ? fetch_r_ready_i :
                        (m_axi_rid == IdLoad) ? load_r_ready_i : 1'b1;

  // ---- write address: the order of acceptance is kept for W ----
  address_beat_t aw_in, aw_out;
  logic aw_in_valid, aw_in_ready, aw_accept;
  logic order_ready, order_valid, order_store, order_pop;

  assign aw_in.second = !record_aw_valid_i;
  assign aw_in.address = record_aw_valid_i ? record_aw_address_i : store_aw_address_i;
  assign aw_in.length = axi_length(record_aw_valid_i ? record_aw_beats_i : store_aw_beats_i);
  assign aw_in_valid = (record_aw_valid_i || store_aw_valid_i) && order_ready;
  assign aw_accept = aw_in_valid && aw_in_ready;
  assign record_aw_ready_o = aw_in_ready && order_ready;
  assign store_aw_ready_o = aw_in_ready && order_ready && !record_aw_valid_i;

  stream_fifo #(.Width($bits(address_beat_t)), .Depth(2)) u_aw (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(aw_in_valid), .data_i(aw_in), .ready_o(aw_in_ready),
    .valid_o(m_axi_awvalid), .data_o(aw_out), .ready_i(m_axi_awready), .count_o(aw_held)
  );
  assign m_axi_awid = aw_out.second ? IdStore : IdRecord;
  assign m_axi_awaddr = aw_out.address;
  assign m_axi_awlen = aw_out.length;

  // Bursts whose data have not all been taken: at most those that the store unit and the records can owe.
  stream_fifo #(.Width(1), .Depth(WritesOutstanding + 4)) u_order (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(aw_accept), .data_i(aw_in.second), .ready_o(order_ready),
    .valid_o(order_valid), .data_o(order_store), .ready_i(order_pop), .count_o(order_held)
  );

  // ---- write data ----
  data_beat_t w_in, w_out;
  logic w_in_valid, w_in_ready, w_known;

  // The oldest burst with data to take is on the bus, not behind another in the buffer.
  assign w_known = order_valid && order_held >= OrderWidth'(aw_held);

  assign w_in = order_store ? '{last: store_w_last_i, strobe: store_w_strobe_i, data: store_w_data_i}
                            : '{last: record_w_last_i, strobe: record_w_strobe_i, data: record_w_data_i};
  assign w_in_valid = w_known && (order_store ? store_w_valid_i : record_w_valid_i);
  assign store_w_ready_o = w_known && order_store && w_in_ready;
  assign record_w_ready_o = w_known && !order_store && w_in_ready;
  assign order_pop = w_in_valid && w_in_ready && w_in.last;

  stream_fifo #(.Width($bits(data_beat_t)), .Depth(2)) u_w (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(w_in_valid), .data_i(w_in), .ready_o(w_in_ready),
    .valid_o(m_axi_wvalid), .data_o(w_out), .ready_i(m_axi_wready), .count_o(w_held)
  );
  assign m_axi_wdata = w_out.data;
  assign m_axi_wstrb = w_out.strobe;
  assign m_axi_wlast = w_out.last;

  // ---- write response ----
  assign store_b_valid_o = m_axi_bvalid && m_axi_bid == IdStore;
  assign record_b_valid_o = m_axi_bvalid && m_axi_bid == IdRecord;
  assign b_error_o = m_axi_bresp[1];
  assign m_axi_bready = (m_axi_bid == IdStore) ? store_b_ready_i :
                        (m_axi_bid == IdRecord) ? record_b_ready_i : 1'b1;

  assign unknown_id_o = (m_axi_rvalid && m_axi_rid != IdFetch && m_axi_rid != IdLoad) ||
                        (m_axi_bvalid && m_axi_bid != IdStore && m_axi_bid != IdRecord);

  `ASSERT(DataKnowsItsBurst, !(store_w_valid_i && store_w_ready_o) || order_valid)
  `ASSERT(ReadWithinPage,
          !m_axi_arvalid ||
          {1'b0, m_axi_araddr[11:0]} + 13'({5'b0, m_axi_arlen} + 13'd1) * 13'(BusBytes) <= 13'd4096)
  `ASSERT(WriteWithinPage,
          !m_axi_awvalid ||
          {1'b0, m_axi_awaddr[11:0]} + 13'({5'b0, m_axi_awlen} + 13'd1) * 13'(BusBytes) <= 13'd4096)

endmodule

`default_nettype wire
