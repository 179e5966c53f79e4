// Everything between a board's pins and the device: `systolith` as it is simulated, the UART link, the SDRAM controller.
//
// One clock; `rst_ni` is asserted asynchronously and released synchronously. The board's word `control` resets all but
// the bridge and the heartbeat. docs/board.md has the ports, docs/link.md what a host says.
//
// MemoryBase: a multiple of 32 MB; the others as of uart_bridge and sdram_controller. BusBytes of the configuration is
// at least 8.
`default_nettype none

module board_system
  import systolith_config_pkg::*;
  import systolith_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000,
  parameter int unsigned CasLatency = 2,
  parameter int unsigned CaptureCycles = 0,
  parameter sdram_pkg::timing_t Timing = sdram_pkg::TimingAnyPart,
  parameter logic [63:0] MemoryBase = 64'h8000_0000,
  parameter logic [127:0] BoardName = "simulation"
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clock_locked_i,

  // line
  input  logic             uart_rx_i,
  output logic             uart_tx_o,

  // chip
  output logic             sdram_cke_o,
  output logic             sdram_cs_no,
  output logic             sdram_ras_no,
  output logic             sdram_cas_no,
  output logic             sdram_we_no,
  output sdram_pkg::bank_t sdram_bank_o,
  output sdram_pkg::row_t  sdram_address_o,
  output logic [1:0]       sdram_dqm_o,
  output logic [15:0]      sdram_dq_o,
  output logic             sdram_dq_enable_o,
  input  logic [15:0]      sdram_dq_i,

  // LEDs
  output logic             heartbeat_o,
  output logic             busy_o,
  output logic             error_o
);

  localparam logic [63:0] MemoryBytes = 64'd1 << sdram_pkg::AddressBits;
  localparam int unsigned DataWidth = 8 * BusBytes;

  if (MemoryBase % MemoryBytes != 0) begin : gen_bad_base
    $error("board_system: MemoryBase must be a multiple of 32 MB");
  end

  // ---- reset of all but the bridge ----
  // Of two flip-flops, one of which changes at a time. No cycle late: the bridge's ports move once it is over.
  logic reset_asked, system_rst_n;
  assign system_rst_n = rst_ni && !reset_asked;

  // ---- buses: 0 the device, 1 the bridge ----
  logic [1:0][AddressWidth-1:0] awaddr, araddr;
  logic [1:0][DataWidth-1:0] wdata;
  logic [1:0][BusBytes-1:0] wstrb;
  logic [DataWidth-1:0] rdata;
  logic [1:0][1:0] awid, arid;
  logic [1:0][7:0] awlen, arlen;
  logic [1:0] awvalid, awready, wlast, wvalid, wready, bid, bresp, bvalid, bready, arvalid, arready, rid, rresp,
    rvalid, rready;
  logic rlast;
  // at the memory
  logic [AddressWidth-1:0] memory_awaddr, memory_araddr;
  logic [DataWidth-1:0] memory_wdata, memory_rdata;
  logic [BusBytes-1:0] memory_wstrb;
  logic [1:0] memory_awid, memory_bid, memory_bresp, memory_arid, memory_rid, memory_rresp;
  logic [7:0] memory_awlen, memory_arlen;
  logic memory_awvalid, memory_awready, memory_wlast, memory_wvalid, memory_wready, memory_bvalid, memory_bready,
    memory_arvalid, memory_arready, memory_rlast, memory_rvalid, memory_rready;
  // at the device's registers
  logic [12:0] register_awaddr, register_araddr;
  logic [31:0] register_wdata, register_rdata;
  logic [1:0] register_bresp, register_rresp;
  logic [2:0] register_awprot, register_arprot;
  logic [3:0] register_wstrb;
  logic register_awvalid, register_awready, register_wvalid, register_wready, register_bvalid, register_bready,
    register_arvalid, register_arready, register_rvalid, register_rready;
  logic irq, reset_request, memory_ready, receiving, sending;

  // What both always have: full-width INCR bursts.
  // verilator lint_off PINCONNECTEMPTY
  systolith u_systolith (
    .clk_i, .rst_ni(system_rst_n),
    .m_axi_awid(awid[0]), .m_axi_awaddr(awaddr[0]), .m_axi_awlen(awlen[0]), .m_axi_awvalid(awvalid[0]),
    .m_axi_awready(awready[0]), .m_axi_awsize(), .m_axi_awburst(), .m_axi_awlock(), .m_axi_awcache(), .m_axi_awprot(),
    .m_axi_wdata(wdata[0]), .m_axi_wstrb(wstrb[0]), .m_axi_wlast(wlast[0]), .m_axi_wvalid(wvalid[0]),
    .m_axi_wready(wready[0]), .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid[0]),
    .m_axi_bready(bready[0]), .m_axi_arid(arid[0]), .m_axi_araddr(araddr[0]), .m_axi_arlen(arlen[0]),
    .m_axi_arvalid(arvalid[0]), .m_axi_arready(arready[0]), .m_axi_arsize(), .m_axi_arburst(), .m_axi_arlock(),
    .m_axi_arcache(), .m_axi_arprot(), .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
    .m_axi_rvalid(rvalid[0]), .m_axi_rready(rready[0]),
    .s_axil_awaddr(register_awaddr), .s_axil_awprot(register_awprot), .s_axil_awvalid(register_awvalid),
    .s_axil_awready(register_awready), .s_axil_wdata(register_wdata), .s_axil_wstrb(register_wstrb),
    .s_axil_wvalid(register_wvalid), .s_axil_wready(register_wready), .s_axil_bresp(register_bresp),
    .s_axil_bvalid(register_bvalid), .s_axil_bready(register_bready), .s_axil_araddr(register_araddr),
    .s_axil_arprot(register_arprot), .s_axil_arvalid(register_arvalid), .s_axil_arready(register_arready),
    .s_axil_rdata(register_rdata), .s_axil_rresp(register_rresp), .s_axil_rvalid(register_rvalid),
    .s_axil_rready(register_rready),
    .irq_o(irq), .reset_request_o(reset_request)
  );

  uart_bridge #(
    .ClockHz(ClockHz), .Baud(Baud), .BusBytes(BusBytes), .AddressWidth(AddressWidth), .MemoryBase(MemoryBase),
    .MemoryBytes(MemoryBytes), .BoardName(BoardName)
  ) u_bridge (
    .clk_i, .rst_ni, .uart_rx_i, .uart_tx_o,
    .m_axi_awid(awid[1]), .m_axi_awaddr(awaddr[1]), .m_axi_awlen(awlen[1]), .m_axi_awvalid(awvalid[1]),
    .m_axi_awready(awready[1]), .m_axi_awsize(), .m_axi_awburst(), .m_axi_awlock(), .m_axi_awcache(), .m_axi_awprot(),
    .m_axi_wdata(wdata[1]), .m_axi_wstrb(wstrb[1]), .m_axi_wlast(wlast[1]), .m_axi_wvalid(wvalid[1]),
    .m_axi_wready(wready[1]), .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid[1]),
    .m_axi_bready(bready[1]), .m_axi_arid(arid[1]), .m_axi_araddr(araddr[1]), .m_axi_arlen(arlen[1]),
    .m_axi_arvalid(arvalid[1]), .m_axi_arready(arready[1]), .m_axi_arsize(), .m_axi_arburst(), .m_axi_arlock(),
    .m_axi_arcache(), .m_axi_arprot(), .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
    .m_axi_rvalid(rvalid[1]), .m_axi_rready(rready[1]),
    .m_axil_awaddr(register_awaddr), .m_axil_awprot(register_awprot), .m_axil_awvalid(register_awvalid),
    .m_axil_awready(register_awready), .m_axil_wdata(register_wdata), .m_axil_wstrb(register_wstrb),
    .m_axil_wvalid(register_wvalid), .m_axil_wready(register_wready), .m_axil_bresp(register_bresp),
    .m_axil_bvalid(register_bvalid), .m_axil_bready(register_bready), .m_axil_araddr(register_araddr),
    .m_axil_arprot(register_arprot), .m_axil_arvalid(register_arvalid), .m_axil_arready(register_arready),
    .m_axil_rdata(register_rdata), .m_axil_rresp(register_rresp), .m_axil_rvalid(register_rvalid),
    .m_axil_rready(register_rready),
    .irq_i(irq), .reset_request_i(reset_request), .memory_ready_i(memory_ready), .clock_locked_i,
    .reset_o(reset_asked), .receiving_o(receiving), .sending_o(sending)
  );
  // verilator lint_on PINCONNECTEMPTY

  memory_arbiter #(.DataWidth(DataWidth), .AddressWidth(AddressWidth)) u_arbiter (
    .clk_i, .rst_ni(system_rst_n),
    .s_axi_awid(awid), .s_axi_awaddr(awaddr), .s_axi_awlen(awlen), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
    .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
    .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_arid(arid),
    .s_axi_araddr(araddr), .s_axi_arlen(arlen), .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rid(rid),
    .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rlast(rlast), .s_axi_rvalid(rvalid), .s_axi_rready(rready),
    .m_axi_awid(memory_awid), .m_axi_awaddr(memory_awaddr), .m_axi_awlen(memory_awlen),
    .m_axi_awvalid(memory_awvalid), .m_axi_awready(memory_awready), .m_axi_wdata(memory_wdata),
    .m_axi_wstrb(memory_wstrb), .m_axi_wlast(memory_wlast), .m_axi_wvalid(memory_wvalid),
    .m_axi_wready(memory_wready), .m_axi_bid(memory_bid), .m_axi_bresp(memory_bresp), .m_axi_bvalid(memory_bvalid),
    .m_axi_bready(memory_bready), .m_axi_arid(memory_arid), .m_axi_araddr(memory_araddr), .m_axi_arlen(memory_arlen),
    .m_axi_arvalid(memory_arvalid), .m_axi_arready(memory_arready), .m_axi_rid(memory_rid),
    .m_axi_rdata(memory_rdata), .m_axi_rresp(memory_rresp), .m_axi_rlast(memory_rlast), .m_axi_rvalid(memory_rvalid),
    .m_axi_rready(memory_rready)
  );

  // Addresses outside of the memory have a bit set above it then: DECERR.
  sdram_controller #(
    .DataWidth(DataWidth), .AddressWidth(AddressWidth), .ClockHz(ClockHz), .CasLatency(CasLatency),
    .CaptureCycles(CaptureCycles), .Timing(Timing)
  ) u_memory (
    .clk_i, .rst_ni(system_rst_n), .ready_o(memory_ready),
    .s_axi_awid(memory_awid), .s_axi_awaddr(memory_awaddr ^ AddressWidth'(MemoryBase)), .s_axi_awlen(memory_awlen),
    .s_axi_awvalid(memory_awvalid), .s_axi_awready(memory_awready), .s_axi_wdata(memory_wdata),
    .s_axi_wstrb(memory_wstrb), .s_axi_wlast(memory_wlast), .s_axi_wvalid(memory_wvalid),
    .s_axi_wready(memory_wready), .s_axi_bid(memory_bid), .s_axi_bresp(memory_bresp), .s_axi_bvalid(memory_bvalid),
    .s_axi_bready(memory_bready), .s_axi_arid(memory_arid), .s_axi_araddr(memory_araddr ^ AddressWidth'(MemoryBase)),
    .s_axi_arlen(memory_arlen), .s_axi_arvalid(memory_arvalid), .s_axi_arready(memory_arready),
    .s_axi_rid(memory_rid), .s_axi_rdata(memory_rdata), .s_axi_rresp(memory_rresp), .s_axi_rlast(memory_rlast),
    .s_axi_rvalid(memory_rvalid), .s_axi_rready(memory_rready),
    .cke_o(sdram_cke_o), .cs_no(sdram_cs_no), .ras_no(sdram_ras_no), .cas_no(sdram_cas_no), .we_no(sdram_we_no),
    .bank_o(sdram_bank_o), .address_o(sdram_address_o), .dqm_o(sdram_dqm_o), .dq_o(sdram_dq_o),
    .dq_enable_o(sdram_dq_enable_o), .dq_i(sdram_dq_i)
  );

  // ---- LEDs ----
  localparam int unsigned BeatWidth = $clog2(ClockHz);
  localparam int unsigned BusyWidth = 22;   // long enough to be seen
  logic [BeatWidth-1:0] beat_q;
  logic [BusyWidth-1:0] busy_q;
  logic moved;
  assign moved = receiving || sending || (memory_rvalid && memory_rready) || (memory_wvalid && memory_wready);
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat_q <= '0;
      busy_q <= '0;
      busy_o <= 1'b0;
      error_o <= 1'b0;
    end else begin
      beat_q <= beat_q + 1'b1;
      if (moved) busy_q <= '1;
      else if (busy_q != '0) busy_q <= busy_q - 1'b1;
      busy_o <= moved || busy_q != '0;
      error_o <= (error_o || reset_request || (memory_rvalid && memory_rresp[1]) ||
                  (memory_bvalid && memory_bresp[1])) && system_rst_n;
    end
  end
  assign heartbeat_o = beat_q[BeatWidth-1];

endmodule

`default_nettype wire
