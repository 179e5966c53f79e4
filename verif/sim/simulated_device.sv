// The device as the simulator sees it. What comes from the memory passes registers of the device's own clock: the memory
// knows at an edge what it will drive after it, so its signals change with the edge, and the logic behind them is
// evaluated once a cycle, with all the rest. What comes from the host, which acts between two edges, is taken when
// `take_host_i` rises, half a cycle before the edge.
`default_nettype none

module simulated_device
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    take_host_i,

  // from the memory, after the next edge
  input  logic                    awready_i,
  input  logic                    wready_i,
  input  logic [IdWidth-1:0]      bid_i,
  input  logic [1:0]              bresp_i,
  input  logic                    bvalid_i,
  input  logic                    arready_i,
  input  logic [IdWidth-1:0]      rid_i,
  input  logic [8*BusBytes-1:0]   rdata_i,
  input  logic [1:0]              rresp_i,
  input  logic                    rlast_i,
  input  logic                    rvalid_i,

  // from the host
  input  logic                    lite_awvalid_i,
  input  logic [12:0]             lite_awaddr_i,
  input  logic                    lite_wvalid_i,
  input  logic [31:0]             lite_wdata_i,
  input  logic [3:0]              lite_wstrb_i,
  input  logic                    lite_bready_i,
  input  logic                    lite_arvalid_i,
  input  logic [12:0]             lite_araddr_i,
  input  logic                    lite_rready_i,

  // the device's outputs
  output logic [IdWidth-1:0]      m_axi_awid,
  output logic [AddressWidth-1:0] m_axi_awaddr,
  output logic [7:0]              m_axi_awlen,
  output logic [2:0]              m_axi_awsize,
  output logic [1:0]              m_axi_awburst,
  output logic                    m_axi_awlock,
  output logic [3:0]              m_axi_awcache,
  output logic [2:0]              m_axi_awprot,
  output logic                    m_axi_awvalid,
  output logic [8*BusBytes-1:0]   m_axi_wdata,
  output logic [BusBytes-1:0]     m_axi_wstrb,
  output logic                    m_axi_wlast,
  output logic                    m_axi_wvalid,
  output logic                    m_axi_bready,
  output logic [IdWidth-1:0]      m_axi_arid,
  output logic [AddressWidth-1:0] m_axi_araddr,
  output logic [7:0]              m_axi_arlen,
  output logic [2:0]              m_axi_arsize,
  output logic [1:0]              m_axi_arburst,
  output logic                    m_axi_arlock,
  output logic [3:0]              m_axi_arcache,
  output logic [2:0]              m_axi_arprot,
  output logic                    m_axi_arvalid,
  output logic                    m_axi_rready,
  output logic                    s_axil_awready,
  output logic                    s_axil_wready,
  output logic                    s_axil_bvalid,
  output logic [1:0]              s_axil_bresp,
  output logic                    s_axil_arready,
  output logic                    s_axil_rvalid,
  output logic [31:0]             s_axil_rdata,
  output logic [1:0]              s_axil_rresp,
  output logic                    irq_o,
  output logic                    reset_request_o
);

  logic m_axi_awready, m_axi_wready, m_axi_bvalid, m_axi_arready, m_axi_rlast, m_axi_rvalid;
  logic [IdWidth-1:0] m_axi_bid, m_axi_rid;
  logic [1:0] m_axi_bresp, m_axi_rresp;
  logic [8*BusBytes-1:0] m_axi_rdata;

  always_ff @(posedge clk_i) begin
    m_axi_awready <= awready_i;
    m_axi_wready <= wready_i;
    m_axi_bid <= bid_i;
    m_axi_bresp <= bresp_i;
    m_axi_bvalid <= bvalid_i;
    m_axi_arready <= arready_i;
    m_axi_rid <= rid_i;
    m_axi_rdata <= rdata_i;
    m_axi_rresp <= rresp_i;
    m_axi_rlast <= rlast_i;
    m_axi_rvalid <= rvalid_i;
  end

  logic s_axil_awvalid, s_axil_wvalid, s_axil_bready, s_axil_arvalid, s_axil_rready;
  logic [12:0] s_axil_awaddr, s_axil_araddr;
  logic [31:0] s_axil_wdata;
  logic [3:0] s_axil_wstrb;

  always_ff @(posedge take_host_i) begin
    s_axil_awvalid <= lite_awvalid_i;
    s_axil_awaddr <= lite_awaddr_i;
    s_axil_wvalid <= lite_wvalid_i;
    s_axil_wdata <= lite_wdata_i;
    s_axil_wstrb <= lite_wstrb_i;
    s_axil_bready <= lite_bready_i;
    s_axil_arvalid <= lite_arvalid_i;
    s_axil_araddr <= lite_araddr_i;
    s_axil_rready <= lite_rready_i;
  end

  systolith u_device (
    .*,
    .s_axil_awprot(3'b000),
    .s_axil_arprot(3'b000)
  );

endmodule

`default_nettype wire
