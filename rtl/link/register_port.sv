// The link's way to the device's registers: an AXI4-Lite manager, one access at a time.
//
// A register is one beat of a 4-byte bus: what requests, bytes, time-out and `clear_i` are, latency and throughput:
// bus_port. Requests are of 4 bytes at a multiple of 4. BREADY and RREADY are always high. No parameters.
`include "systolith_assert.svh"
`default_nettype none

module register_port
  import link_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic          clear_i,
  input  port_request_t request_i,
  input  logic          start_i,
  output logic          done_o,
  output status_t       status_o,
  output logic          access_o,
  input  logic          expired_i,
  input  logic          write_valid_i,
  input  logic [7:0]    write_data_i,
  output logic          write_ready_o,
  output logic          read_valid_o,
  output logic [7:0]    read_data_o,
  input  logic          read_ready_i,

  // AXI4-Lite manager
  output logic [12:0]   m_axil_awaddr,
  output logic [2:0]    m_axil_awprot,
  output logic          m_axil_awvalid,
  input  logic          m_axil_awready,
  output logic [31:0]   m_axil_wdata,
  output logic [3:0]    m_axil_wstrb,
  output logic          m_axil_wvalid,
  input  logic          m_axil_wready,
  input  logic [1:0]    m_axil_bresp,
  input  logic          m_axil_bvalid,
  output logic          m_axil_bready,
  output logic [12:0]   m_axil_araddr,
  output logic [2:0]    m_axil_arprot,
  output logic          m_axil_arvalid,
  input  logic          m_axil_arready,
  input  logic [31:0]   m_axil_rdata,
  input  logic [1:0]    m_axil_rresp,
  input  logic          m_axil_rvalid,
  output logic          m_axil_rready
);

  logic [12:0] address;
  localparam int unsigned OffsetWidth = 3;
  logic [OffsetWidth-1:0] error_offset;   // always 0
  logic unused_bits;
  assign unused_bits = ^{m_axil_bresp[0], m_axil_rresp[0], error_offset};

  bus_port #(.BusBytes(4), .AddressWidth(13), .OffsetWidth(OffsetWidth)) u_port (
    .clk_i, .rst_ni, .clear_i,
    .request_i, .start_i, .done_o, .status_o, .error_offset_o(error_offset),
    .access_o, .expired_i,
    .write_valid_i, .write_data_i, .write_ready_o,
    .read_valid_o, .read_data_o, .read_ready_i,
    .address_o(address),
    .aw_valid_o(m_axil_awvalid), .aw_ready_i(m_axil_awready),
    .w_data_o(m_axil_wdata), .w_strobe_o(m_axil_wstrb), .w_valid_o(m_axil_wvalid), .w_ready_i(m_axil_wready),
    .b_valid_i(m_axil_bvalid), .b_error_i(m_axil_bresp[1]),
    .ar_valid_o(m_axil_arvalid), .ar_ready_i(m_axil_arready),
    .r_valid_i(m_axil_rvalid), .r_error_i(m_axil_rresp[1]), .r_data_i(m_axil_rdata)
  );

  assign m_axil_awaddr = address;
  assign m_axil_awprot = 3'b000;
  assign m_axil_bready = 1'b1;
  assign m_axil_araddr = address;
  assign m_axil_arprot = 3'b000;
  assign m_axil_rready = 1'b1;

  `ASSERT(WholeRegister, !start_i || (request_i.length == LengthWidth'(4) && request_i.address[1:0] == 2'b00))
  `ASSERT(AllStrobes, !m_axil_wvalid || (&m_axil_wstrb))
  `ASSERT(OneBeat, !start_i || error_offset == '0)

endmodule

`default_nettype wire
