// Two AXI4 managers in front of a subordinate that answers reads in the order of AR and writes in the order of AW.
//
// Addresses in turn, each through a skid buffer; W in the order of the addresses that were taken; R and B back to the
// manager whose address they answer. IDs pass unchanged. Latency: an address one cycle, all else none. Throughput: an
// address of each direction and a beat of each channel a cycle.
//
// DataWidth any; AddressWidth any; Depth 2 and up: addresses of a direction without their last answer.
`include "systolith_assert.svh"
`default_nettype none

module memory_arbiter #(
  parameter int unsigned DataWidth = 128,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned Depth = 16
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  // managers
  input  logic [1:0][1:0]              s_axi_awid,
  input  logic [1:0][AddressWidth-1:0] s_axi_awaddr,
  input  logic [1:0][7:0]              s_axi_awlen,
  input  logic [1:0]                   s_axi_awvalid,
  output logic [1:0]                   s_axi_awready,
  input  logic [1:0][DataWidth-1:0]    s_axi_wdata,
  input  logic [1:0][DataWidth/8-1:0]  s_axi_wstrb,
  input  logic [1:0]                   s_axi_wlast,
  input  logic [1:0]                   s_axi_wvalid,
  output logic [1:0]                   s_axi_wready,
  output logic [1:0]                   s_axi_bid,       // of both
  output logic [1:0]                   s_axi_bresp,     // of both
  output logic [1:0]                   s_axi_bvalid,
  input  logic [1:0]                   s_axi_bready,
  input  logic [1:0][1:0]              s_axi_arid,
  input  logic [1:0][AddressWidth-1:0] s_axi_araddr,
  input  logic [1:0][7:0]              s_axi_arlen,
  input  logic [1:0]                   s_axi_arvalid,
  output logic [1:0]                   s_axi_arready,
  output logic [1:0]                   s_axi_rid,       // of both
  output logic [DataWidth-1:0]         s_axi_rdata,     // of both
  output logic [1:0]                   s_axi_rresp,     // of both
  output logic                         s_axi_rlast,     // of both
  output logic [1:0]                   s_axi_rvalid,
  input  logic [1:0]                   s_axi_rready,

  // subordinate
  output logic [1:0]                   m_axi_awid,
  output logic [AddressWidth-1:0]      m_axi_awaddr,
  output logic [7:0]                   m_axi_awlen,
  output logic                         m_axi_awvalid,
  input  logic                         m_axi_awready,
  output logic [DataWidth-1:0]         m_axi_wdata,
  output logic [DataWidth/8-1:0]       m_axi_wstrb,
  output logic                         m_axi_wlast,
  output logic                         m_axi_wvalid,
  input  logic                         m_axi_wready,
  input  logic [1:0]                   m_axi_bid,
  input  logic [1:0]                   m_axi_bresp,
  input  logic                         m_axi_bvalid,
  output logic                         m_axi_bready,
  output logic [1:0]                   m_axi_arid,
  output logic [AddressWidth-1:0]      m_axi_araddr,
  output logic [7:0]                   m_axi_arlen,
  output logic                         m_axi_arvalid,
  input  logic                         m_axi_arready,
  input  logic [1:0]                   m_axi_rid,
  input  logic [DataWidth-1:0]         m_axi_rdata,
  input  logic [1:0]                   m_axi_rresp,
  input  logic                         m_axi_rlast,
  input  logic                         m_axi_rvalid,
  output logic                         m_axi_rready
);

  if (Depth < 2) begin : gen_bad_depth
    $error("memory_arbiter: Depth must be at least 2");
  end

  typedef struct packed {
    logic [1:0]              id;
    logic [AddressWidth-1:0] address;
    logic [7:0]              length;
  } address_t;

  // The queues' counts are of no use here.
  // verilator lint_off PINCONNECTEMPTY

  // ---- reads ----
  address_t [1:0] ar_offered;
  address_t ar_taken;
  logic ar_room, r_order_room, r_owner, r_owner_valid, ar_choice, ar_take;
  logic ar_last_q;   // the manager whose address was taken last
  for (genvar m = 0; m < 2; m++) begin : gen_ar
    assign ar_offered[m] = '{id: s_axi_arid[m], address: s_axi_araddr[m], length: s_axi_arlen[m]};
  end
  assign ar_choice = s_axi_arvalid[!ar_last_q] ? !ar_last_q : ar_last_q;
  assign ar_take = s_axi_arvalid != '0 && ar_room && r_order_room;
  assign s_axi_arready = {ar_take && ar_choice, ar_take && !ar_choice};

  stream_fifo #(.Width($bits(address_t)), .Depth(2)) u_ar (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(ar_take), .data_i(ar_offered[ar_choice]), .ready_o(ar_room),
    .valid_o(m_axi_arvalid), .data_o(ar_taken), .ready_i(m_axi_arready), .count_o()
  );
  assign m_axi_arid = ar_taken.id;
  assign m_axi_araddr = ar_taken.address;
  assign m_axi_arlen = ar_taken.length;

  stream_fifo #(.Width(1), .Depth(Depth)) u_r_order (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(ar_take), .data_i(ar_choice), .ready_o(r_order_room),
    .valid_o(r_owner_valid), .data_o(r_owner), .ready_i(m_axi_rvalid && m_axi_rready && m_axi_rlast),
    .count_o()
  );
  assign s_axi_rid = m_axi_rid;
  assign s_axi_rdata = m_axi_rdata;
  assign s_axi_rresp = m_axi_rresp;
  assign s_axi_rlast = m_axi_rlast;
  assign s_axi_rvalid = {m_axi_rvalid && r_owner, m_axi_rvalid && !r_owner};
  assign m_axi_rready = s_axi_rready[r_owner];

  // ---- writes ----
  address_t [1:0] aw_offered;
  address_t aw_taken;
  logic aw_room, w_order_room, w_owner, w_owner_valid, b_order_room, b_owner, b_owner_valid, aw_choice, aw_take;
  logic aw_last_q;
  for (genvar m = 0; m < 2; m++) begin : gen_aw
    assign aw_offered[m] = '{id: s_axi_awid[m], address: s_axi_awaddr[m], length: s_axi_awlen[m]};
  end
  assign aw_choice = s_axi_awvalid[!aw_last_q] ? !aw_last_q : aw_last_q;
  assign aw_take = s_axi_awvalid != '0 && aw_room && w_order_room && b_order_room;
  assign s_axi_awready = {aw_take && aw_choice, aw_take && !aw_choice};

  stream_fifo #(.Width($bits(address_t)), .Depth(2)) u_aw (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(aw_take), .data_i(aw_offered[aw_choice]), .ready_o(aw_room),
    .valid_o(m_axi_awvalid), .data_o(aw_taken), .ready_i(m_axi_awready), .count_o()
  );
  assign m_axi_awid = aw_taken.id;
  assign m_axi_awaddr = aw_taken.address;
  assign m_axi_awlen = aw_taken.length;

  stream_fifo #(.Width(1), .Depth(Depth)) u_w_order (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(aw_take), .data_i(aw_choice), .ready_o(w_order_room),
    .valid_o(w_owner_valid), .data_o(w_owner), .ready_i(m_axi_wvalid && m_axi_wready && m_axi_wlast), .count_o()
  );
  assign m_axi_wdata = s_axi_wdata[w_owner];
  assign m_axi_wstrb = s_axi_wstrb[w_owner];
  assign m_axi_wlast = s_axi_wlast[w_owner];
  assign m_axi_wvalid = w_owner_valid && s_axi_wvalid[w_owner];
  assign s_axi_wready = {w_owner_valid && w_owner && m_axi_wready, w_owner_valid && !w_owner && m_axi_wready};

  stream_fifo #(.Width(1), .Depth(Depth)) u_b_order (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(aw_take), .data_i(aw_choice), .ready_o(b_order_room),
    .valid_o(b_owner_valid), .data_o(b_owner), .ready_i(m_axi_bvalid && m_axi_bready), .count_o()
  );
  assign s_axi_bid = m_axi_bid;
  assign s_axi_bresp = m_axi_bresp;
  assign s_axi_bvalid = {m_axi_bvalid && b_owner, m_axi_bvalid && !b_owner};
  assign m_axi_bready = s_axi_bready[b_owner];

  // verilator lint_on PINCONNECTEMPTY

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_last_q <= 1'b0;
      aw_last_q <= 1'b0;
    end else begin
      if (ar_take) ar_last_q <= ar_choice;
      if (aw_take) aw_last_q <= aw_choice;
    end
  end

  `ASSERT(ReadIsOwed, !m_axi_rvalid || r_owner_valid)
  `ASSERT(WriteIsOwed, !m_axi_bvalid || b_owner_valid)

endmodule

`default_nettype wire
