// sdram_controller with the chip's times chosen by a bit, which a command line can give.
`default_nettype none

module sdram_bench
  import sdram_pkg::*;
#(
  parameter int unsigned DataWidth = 128,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned CasLatency = 2,
  parameter int unsigned CaptureCycles = 0,
  parameter bit AnyPart = 1'b1
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  output logic                    ready_o,
  input  logic [1:0]              s_axi_awid,
  input  logic [AddressWidth-1:0] s_axi_awaddr,
  input  logic [7:0]              s_axi_awlen,
  input  logic                    s_axi_awvalid,
  output logic                    s_axi_awready,
  input  logic [DataWidth-1:0]    s_axi_wdata,
  input  logic [DataWidth/8-1:0]  s_axi_wstrb,
  input  logic                    s_axi_wlast,
  input  logic                    s_axi_wvalid,
  output logic                    s_axi_wready,
  output logic [1:0]              s_axi_bid,
  output logic [1:0]              s_axi_bresp,
  output logic                    s_axi_bvalid,
  input  logic                    s_axi_bready,
  input  logic [1:0]              s_axi_arid,
  input  logic [AddressWidth-1:0] s_axi_araddr,
  input  logic [7:0]              s_axi_arlen,
  input  logic                    s_axi_arvalid,
  output logic                    s_axi_arready,
  output logic [1:0]              s_axi_rid,
  output logic [DataWidth-1:0]    s_axi_rdata,
  output logic [1:0]              s_axi_rresp,
  output logic                    s_axi_rlast,
  output logic                    s_axi_rvalid,
  input  logic                    s_axi_rready,
  output logic                    cke_o,
  output logic                    cs_no,
  output logic                    ras_no,
  output logic                    cas_no,
  output logic                    we_no,
  output bank_t                   bank_o,
  output row_t                    address_o,
  output logic [1:0]              dqm_o,
  output logic [15:0]             dq_o,
  output logic                    dq_enable_o,
  input  logic [15:0]             dq_i
);

  sdram_controller #(
    .DataWidth(DataWidth), .AddressWidth(AddressWidth), .ClockHz(ClockHz), .CasLatency(CasLatency),
    .CaptureCycles(CaptureCycles), .Timing(AnyPart ? TimingAnyPart : TimingIs42s16160g7)
  ) u_controller (.*);

endmodule

`default_nettype wire
