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
  output logic [1:0]   m_axi_awid_o,
  output logic [63:0]  awaddr_o,
  output logic [7:0]   m_axi_awlen_o,
  output logic [2:0]   m_axi_awsize_o,
  output logic [1:0]   m_axi_awburst_o,
  output logic         m_axi_awlock_o,
  output logic [3:0]   m_axi_awcache_o,
  output logic [2:0]   m_axi_awprot_o,
  output logic         m_axi_awvalid_o,
  input  logic         m_axi_awready_i,
  output logic [511:0] wdata_o,
  output logic [63:0]  wstrb_o,
  output logic         m_axi_wlast_o,
  output logic         m_axi_wvalid_o,
  input  logic         m_axi_wready_i,
  input  logic [1:0]   m_axi_bid_i,
  input  logic [1:0]   m_axi_bresp_i,
  input  logic         m_axi_bvalid_i,
  output logic         m_axi_bready_o,
  output logic [1:0]   m_axi_arid_o,
  output logic [63:0]  araddr_o,
  output logic [7:0]   m_axi_arlen_o,
  output logic [2:0]   m_axi_arsize_o,
  output logic [1:0]   m_axi_arburst_o,
  output logic         m_axi_arlock_o,
  output logic [3:0]   m_axi_arcache_o,
  output logic [2:0]   m_axi_arprot_o,
  output logic         m_axi_arvalid_o,
  input  logic         m_axi_arready_i,
  input  logic [1:0]   m_axi_rid_i,
  input  logic [511:0] rdata_i,
  input  logic [1:0]   m_axi_rresp_i,
  input  logic         m_axi_rlast_i,
  input  logic         m_axi_rvalid_i,
  output logic         m_axi_rready_o,

  // registers
  output logic [12:0]  m_axil_awaddr_o,
  output logic [2:0]   m_axil_awprot_o,
  output logic         m_axil_awvalid_o,
  input  logic         m_axil_awready_i,
  output logic [31:0]  m_axil_wdata_o,
  output logic [3:0]   m_axil_wstrb_o,
  output logic         m_axil_wvalid_o,
  input  logic         m_axil_wready_i,
  input  logic [1:0]   m_axil_bresp_i,
  input  logic         m_axil_bvalid_i,
  output logic         m_axil_bready_o,
  output logic [12:0]  m_axil_araddr_o,
  output logic [2:0]   m_axil_arprot_o,
  output logic         m_axil_arvalid_o,
  input  logic         m_axil_arready_i,
  input  logic [31:0]  m_axil_rdata_i,
  input  logic [1:0]   m_axil_rresp_i,
  input  logic         m_axil_rvalid_i,
  output logic         m_axil_rready_o,

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

  logic [AddressWidth-1:0] m_axi_awaddr_o, m_axi_araddr_o;
  logic [8*BusBytes-1:0] m_axi_wdata_o, m_axi_rdata_i;
  logic [BusBytes-1:0] m_axi_wstrb_o;

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

  assign awaddr_o = 64'(m_axi_awaddr_o);
  assign araddr_o = 64'(m_axi_araddr_o);
  assign wdata_o = 512'(m_axi_wdata_o);
  assign wstrb_o = 64'(m_axi_wstrb_o);
  assign m_axi_rdata_i = rdata_i[8*BusBytes-1:0];

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
