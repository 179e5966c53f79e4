// uart_bridge with ports of fixed width, for the tests beside it.
`default_nettype none

module uart_bridge_bench #(
  parameter bit Defaults = 1'b0,   // the bridge's own parameters; those here then say what they must be
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000,
  parameter int unsigned BusBytes = systolith_config_pkg::BusBytes,
  parameter int unsigned AddressWidth = systolith_config_pkg::AddressWidth,
  parameter int unsigned Payload = 512,
  parameter int unsigned Timeout = 1 << 20
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         uart_rx_i,
  output logic         uart_tx_o,

  // memory
  output logic [1:0]   m_axi_awid,
  output logic [63:0]  awaddr_o,
  output logic [7:0]   m_axi_awlen,
  output logic [2:0]   m_axi_awsize,
  output logic [1:0]   m_axi_awburst,
  output logic         m_axi_awlock,
  output logic [3:0]   m_axi_awcache,
  output logic [2:0]   m_axi_awprot,
  output logic         m_axi_awvalid,
  input  logic         m_axi_awready,
  output logic [511:0] wdata_o,
  output logic [63:0]  wstrb_o,
  output logic         m_axi_wlast,
  output logic         m_axi_wvalid,
  input  logic         m_axi_wready,
  input  logic [1:0]   m_axi_bid,
  input  logic [1:0]   m_axi_bresp,
  input  logic         m_axi_bvalid,
  output logic         m_axi_bready,
  output logic [1:0]   m_axi_arid,
  output logic [63:0]  araddr_o,
  output logic [7:0]   m_axi_arlen,
  output logic [2:0]   m_axi_arsize,
  output logic [1:0]   m_axi_arburst,
  output logic         m_axi_arlock,
  output logic [3:0]   m_axi_arcache,
  output logic [2:0]   m_axi_arprot,
  output logic         m_axi_arvalid,
  input  logic         m_axi_arready,
  input  logic [1:0]   m_axi_rid,
  input  logic [511:0] rdata_i,
  input  logic [1:0]   m_axi_rresp,
  input  logic         m_axi_rlast,
  input  logic         m_axi_rvalid,
  output logic         m_axi_rready,

  // registers
  output logic [12:0]  m_axil_awaddr,
  output logic [2:0]   m_axil_awprot,
  output logic         m_axil_awvalid,
  input  logic         m_axil_awready,
  output logic [31:0]  m_axil_wdata,
  output logic [3:0]   m_axil_wstrb,
  output logic         m_axil_wvalid,
  input  logic         m_axil_wready,
  input  logic [1:0]   m_axil_bresp,
  input  logic         m_axil_bvalid,
  output logic         m_axil_bready,
  output logic [12:0]  m_axil_araddr,
  output logic [2:0]   m_axil_arprot,
  output logic         m_axil_arvalid,
  input  logic         m_axil_arready,
  input  logic [31:0]  m_axil_rdata,
  input  logic [1:0]   m_axil_rresp,
  input  logic         m_axil_rvalid,
  output logic         m_axil_rready,

  // board
  input  logic         irq_i,
  input  logic         reset_request_i,
  input  logic         memory_ready_i,
  input  logic         clock_locked_i,
  output logic         reset_o,
  output logic         receiving_o,
  output logic         sending_o,

  // this build
  output logic         defaults_o,
  output logic [31:0]  clock_hz_o,
  output logic [31:0]  baud_o,
  output logic [31:0]  bus_bytes_o,
  output logic [31:0]  address_width_o,
  output logic [31:0]  payload_o,
  output logic [31:0]  timeout_o
);

  logic [AddressWidth-1:0] m_axi_awaddr, m_axi_araddr;
  logic [8*BusBytes-1:0] m_axi_wdata, m_axi_rdata;
  logic [BusBytes-1:0] m_axi_wstrb;

  if (Defaults) begin : g_defaults
    uart_bridge u_bridge (.*);
  end else begin : g_chosen
    uart_bridge #(
      .ClockHz(ClockHz),
      .Baud(Baud),
      .BusBytes(BusBytes),
      .AddressWidth(AddressWidth),
      .Payload(Payload),
      .Timeout(Timeout),
      .MemoryBase(64'h0123_4567_89ab_c000),
      .MemoryBytes(64'h0000_0012_fedc_b000),
      .BoardName("16 characters or")
    ) u_bridge (.*);
  end

  assign awaddr_o = 64'(m_axi_awaddr);
  assign araddr_o = 64'(m_axi_araddr);
  assign wdata_o = 512'(m_axi_wdata);
  assign wstrb_o = 64'(m_axi_wstrb);
  assign m_axi_rdata = rdata_i[8*BusBytes-1:0];

  assign defaults_o = Defaults;
  assign clock_hz_o = ClockHz;
  assign baud_o = Baud;
  assign bus_bytes_o = BusBytes;
  assign address_width_o = AddressWidth;
  assign payload_o = Payload;
  assign timeout_o = Timeout;

  logic unused_data;
  assign unused_data = ^rdata_i;

endmodule

`default_nettype wire
