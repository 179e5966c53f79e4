// The link's way to device memory: an AXI4 manager of single-beat bursts.
//
// What requests, bytes, time-out and `clear_i` are, latency and throughput: bus_port. One burst at a time, full-width
// beats at beat addresses, ID 0, the strobes of the request's bytes. BREADY and RREADY are always high.
//
// BusBytes 4 to 128, a power of two; AddressWidth 32 to 64.
`include "systolith_assert.svh"
`default_nettype none

module memory_port
  import link_pkg::*;
#(
  parameter int unsigned BusBytes = 16,
  parameter int unsigned AddressWidth = 40
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,
  input  port_request_t           request_i,
  input  logic                    start_i,
  output logic                    done_o,
  output status_t                 status_o,
  output logic [LengthWidth-1:0]  error_offset_o,
  output logic                    access_o,
  input  logic                    expired_i,
  input  logic                    write_valid_i,
  input  logic [7:0]              write_data_i,
  output logic                    write_ready_o,
  output logic                    read_valid_o,
  output logic [7:0]              read_data_o,
  input  logic                    read_ready_i,

  // AXI4 manager
  output logic [1:0]              m_axi_awid,
  output logic [AddressWidth-1:0] m_axi_awaddr,
  output logic [7:0]              m_axi_awlen,
  output logic [2:0]              m_axi_awsize,
  output logic [1:0]              m_axi_awburst,
  output logic                    m_axi_awlock,
  output logic [3:0]              m_axi_awcache,
  output logic [2:0]              m_axi_awprot,
  output logic                    m_axi_awvalid,
  input  logic                    m_axi_awready,
  output logic [8*BusBytes-1:0]   m_axi_wdata,
  output logic [BusBytes-1:0]     m_axi_wstrb,
  output logic                    m_axi_wlast,
  output logic                    m_axi_wvalid,
  input  logic                    m_axi_wready,
  input  logic [1:0]              m_axi_bid,
  input  logic [1:0]              m_axi_bresp,
  input  logic                    m_axi_bvalid,
  output logic                    m_axi_bready,
  output logic [1:0]              m_axi_arid,
  output logic [AddressWidth-1:0] m_axi_araddr,
  output logic [7:0]              m_axi_arlen,
  output logic [2:0]              m_axi_arsize,
  output logic [1:0]              m_axi_arburst,
  output logic                    m_axi_arlock,
  output logic [3:0]              m_axi_arcache,
  output logic [2:0]              m_axi_arprot,
  output logic                    m_axi_arvalid,
  input  logic                    m_axi_arready,
  input  logic [1:0]              m_axi_rid,
  input  logic [8*BusBytes-1:0]   m_axi_rdata,
  input  logic [1:0]              m_axi_rresp,
  input  logic                    m_axi_rlast,
  input  logic                    m_axi_rvalid,
  output logic                    m_axi_rready
);

  logic [AddressWidth-1:0] address;
  logic unused_bits;
  assign unused_bits = ^{m_axi_bid, m_axi_bresp[0], m_axi_rid, m_axi_rresp[0], m_axi_rlast};

  bus_port #(.BusBytes(BusBytes), .AddressWidth(AddressWidth)) u_port (
    .clk_i, .rst_ni, .clear_i,
    .request_i, .start_i, .done_o, .status_o, .error_offset_o,
    .access_o, .expired_i,
    .write_valid_i, .write_data_i, .write_ready_o,
    .read_valid_o, .read_data_o, .read_ready_i,
    .address_o(address),
    .aw_valid_o(m_axi_awvalid), .aw_ready_i(m_axi_awready),
    .w_data_o(m_axi_wdata), .w_strobe_o(m_axi_wstrb), .w_valid_o(m_axi_wvalid), .w_ready_i(m_axi_wready),
    .b_valid_i(m_axi_bvalid), .b_error_i(m_axi_bresp[1]),
    .ar_valid_o(m_axi_arvalid), .ar_ready_i(m_axi_arready),
    .r_valid_i(m_axi_rvalid), .r_error_i(m_axi_rresp[1]), .r_data_i(m_axi_rdata)
  );

  assign m_axi_awid = 2'd0;
  assign m_axi_awaddr = address;
  assign m_axi_awlen = 8'd0;
  assign m_axi_awsize = 3'($clog2(BusBytes));
  assign m_axi_awburst = 2'b01;
  assign m_axi_awlock = 1'b0;
  assign m_axi_awcache = 4'b0011;
  assign m_axi_awprot = 3'b000;
  assign m_axi_wlast = 1'b1;
  assign m_axi_bready = 1'b1;
  assign m_axi_arid = 2'd0;
  assign m_axi_araddr = address;
  assign m_axi_arlen = 8'd0;
  assign m_axi_arsize = 3'($clog2(BusBytes));
  assign m_axi_arburst = 2'b01;
  assign m_axi_arlock = 1'b0;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot = 3'b000;
  assign m_axi_rready = 1'b1;

  `ASSERT(ReadIsLast, !access_o || !m_axi_rvalid || m_axi_rlast)

endmodule

`default_nettype wire
