// register_block keeps the rules of AXI4-Lite on the register port, for any manager that keeps them on its side and
// whatever the device does meanwhile.
`include "systolith_assert.svh"
`default_nettype none

module register_block_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic        clk_i,
  // manager
  input logic        s_axil_awvalid,
  input logic [12:0] s_axil_awaddr,
  input logic [2:0]  s_axil_awprot,
  input logic        s_axil_wvalid,
  input logic [31:0] s_axil_wdata,
  input logic [3:0]  s_axil_wstrb,
  input logic        s_axil_bready,
  input logic        s_axil_arvalid,
  input logic [12:0] s_axil_araddr,
  input logic [2:0]  s_axil_arprot,
  input logic        s_axil_rready,
  // device
  input logic        enable_clear_i,
  input logic        enabled_i,
  input logic [31:0] completed_i,
  input logic        busy_i,
  input logic        faulted_i,
  input logic        stuck_i,
  input logic [7:0]  fault_cause_i,
  input logic [7:0]  fault_unit_i,
  input logic [31:0] fault_index_i,
  input logic [63:0] fault_address_i,
  input logic        irq_command_i,
  input logic        irq_fault_i,
  input logic        irq_idle_i,
  input logic        irq_reset_done_i,
  input logic [63:0] cycles_i,
  input logic [63:0] mac_cycles_i,
  input logic [63:0] lost_start_i,
  input logic [63:0] lost_fill_i,
  input logic [63:0] lost_loads_i,
  input logic [63:0] lost_store_i,
  input logic [63:0] lost_other_i,
  input logic [63:0] lost_reentry_i,
  input logic [63:0] lost_drain_i,
  input logic [63:0] lost_tail_i,
  input logic [63:0] macs_i,
  input logic [63:0] bytes_read_i,
  input logic [63:0] bytes_written_i,
  input logic [63:0] load_busy_i,
  input logic [63:0] store_busy_i,
  input logic [63:0] commands_i,
  input logic [63:0] dropped_beats_i,
  input logic [63:0] corrected_i
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid;
  logic [1:0] s_axil_bresp, s_axil_rresp;
  logic [31:0] s_axil_rdata;

  register_block u_block (
    .irq_o(), .bus_timeout_o(), .semaphore_timeout_o(), .window_base_o(), .window_last_o(), .window_permit_o(),
    .ring_o(), .ring_size_o(), .record_o(), .enable_o(), .doorbell_valid_o(), .doorbell_o(), .queue_reset_o(),
    .counter_clear_o(),
    .*
  );

  // One access is held before it acts, two are answered.
  axi_lite_subordinate #(.Accesses(3)) u_subordinate (
    .clk_i, .rst_ni,
    .aw_valid_i(s_axil_awvalid), .aw_ready_i(s_axil_awready), .aw_address_i(s_axil_awaddr), .aw_prot_i(s_axil_awprot),
    .w_valid_i(s_axil_wvalid), .w_ready_i(s_axil_wready), .w_data_i(s_axil_wdata), .w_strobe_i(s_axil_wstrb),
    .b_valid_i(s_axil_bvalid), .b_ready_i(s_axil_bready), .b_response_i(s_axil_bresp),
    .ar_valid_i(s_axil_arvalid), .ar_ready_i(s_axil_arready), .ar_address_i(s_axil_araddr), .ar_prot_i(s_axil_arprot),
    .r_valid_i(s_axil_rvalid), .r_ready_i(s_axil_rready), .r_data_i(s_axil_rdata), .r_response_i(s_axil_rresp)
  );

  // ---- how the design stands, which makes the rules hold from any state to the next ----
  logic [1:0] answers;      // in the buffer, and which of them are writes
  logic [1:0] writes;
  assign answers = u_block.u_registers.axil_resp_wptr - u_block.u_registers.axil_resp_rptr;
  assign writes =
      2'(answers != '0 && u_block.u_registers.axil_resp_buffer_is_wr[u_block.u_registers.axil_resp_rptr[0]]) +
      2'(answers == 2'd2 && u_block.u_registers.axil_resp_buffer_is_wr[~u_block.u_registers.axil_resp_rptr[0]]);

  `ASSERT(AnswersStand, answers <= 2'd2 && answers == u_block.u_registers.axil_n_in_flight &&
      !u_block.u_registers.external_pending && u_block.u_registers.axil_resp_buffer_err == '0)
  `ASSERT(AddressesStand, u_subordinate.addresses_q == 8'(u_block.u_registers.axil_awvalid) + 8'(writes))
  `ASSERT(DataStand, u_subordinate.data_q == 8'(u_block.u_registers.axil_wvalid) + 8'(writes))
  `ASSERT(ReadsStand, u_subordinate.reads_q == 8'(u_block.u_registers.axil_arvalid) + 8'(answers - writes))

endmodule

`default_nettype wire
