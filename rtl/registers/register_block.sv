// Registers of the device: the generated block with the device's names and types around it.
//
// AXI4-Lite subordinate: 13-bit address (page 0 and page 1), any order of AW and W, up to two accesses in flight,
// responses in order of acceptance and always OKAY. A write acts one cycle after its later half was taken.
// Byte strobes hold for every register; the doorbell rings only with all four.
// Locked (windows, ring, record) from the write that sets `enable` until the queue is reset.
// No parameters; sizes come from the configuration, at most 8 windows are built.
`include "systolith_assert.svh"

`default_nettype none

module register_block
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // AXI4-Lite
  input  logic        s_axil_awvalid,
  output logic        s_axil_awready,
  input  logic [12:0] s_axil_awaddr,
  input  logic [2:0]  s_axil_awprot,
  input  logic        s_axil_wvalid,
  output logic        s_axil_wready,
  input  logic [31:0] s_axil_wdata,
  input  logic [3:0]  s_axil_wstrb,
  output logic        s_axil_bvalid,
  input  logic        s_axil_bready,
  output logic [1:0]  s_axil_bresp,
  input  logic        s_axil_arvalid,
  output logic        s_axil_arready,
  input  logic [12:0] s_axil_araddr,
  input  logic [2:0]  s_axil_arprot,
  output logic        s_axil_rvalid,
  input  logic        s_axil_rready,
  output logic [31:0] s_axil_rdata,
  output logic [1:0]  s_axil_rresp,

  output logic        irq_o,

  // page 0
  output logic [31:0]              bus_timeout_o,
  output logic [31:0]              semaphore_timeout_o,
  output logic [Windows-1:0][63:0] window_base_o,
  output logic [Windows-1:0][63:0] window_last_o,
  output logic [Windows-1:0][1:0]  window_permit_o,   // bit 0 read, bit 1 write

  // page 1
  output logic [63:0] ring_o,
  output logic [4:0]  ring_size_o,
  output logic [63:0] record_o,
  output logic        enable_o,          // low in the cycle of queue_reset_o
  input  logic        enable_clear_i,    // level
  input  logic        enabled_i,
  output logic        doorbell_valid_o,  // pulse
  output logic [31:0] doorbell_o,
  output logic        queue_reset_o,     // pulse
  input  logic [31:0] completed_i,
  input  logic        busy_i,
  input  logic        faulted_i,
  input  logic        stuck_i,
  input  logic [7:0]  fault_cause_i,
  input  logic [7:0]  fault_unit_i,
  input  logic [31:0] fault_index_i,
  input  logic [63:0] fault_address_i,
  input  logic        irq_command_i,     // pulses
  input  logic        irq_fault_i,
  input  logic        irq_idle_i,
  input  logic        irq_reset_done_i,

  // counters
  output logic        counter_clear_o,   // pulse
  input  logic [63:0] cycles_i,
  input  logic [63:0] mac_cycles_i,
  input  logic [63:0] lost_start_i,
  input  logic [63:0] lost_fill_i,
  input  logic [63:0] lost_loads_i,
  input  logic [63:0] lost_store_i,
  input  logic [63:0] lost_other_i,
  input  logic [63:0] lost_reentry_i,
  input  logic [63:0] lost_drain_i,
  input  logic [63:0] lost_tail_i,
  input  logic [63:0] macs_i,
  input  logic [63:0] bytes_read_i,
  input  logic [63:0] bytes_written_i,
  input  logic [63:0] load_busy_i,
  input  logic [63:0] store_busy_i,
  input  logic [63:0] commands_i,
  input  logic [63:0] dropped_beats_i,
  input  logic [63:0] corrected_i
);

  registers_pkg::registers__in_t in;
  registers_pkg::registers__out_t out;

  logic unlocked;
  assign unlocked = !(out.queue_0.control.enable.value || enabled_i);

  logic [31:0] window_word, counter_word;   // what is answered outside the generated block

  // ---- page 0 ----
  always_comb begin
    in.device.array.rows.next = 16'(Rows);
    in.device.array.columns.next = 16'(Cols);
    in.device.memory.lines.next = 24'(ScratchpadLines);
    in.device.memory.banks_log2.next = 8'($clog2(ScratchpadBanks));
    in.device.line.bytes.next = 16'(LineBytes);
    in.device.line.bus_bytes.next = 16'(BusBytes);
    in.device.accumulator.rows.next = 24'(AccumulatorRows);
    in.device.element.depth.next = 8'(MacDepth);
    in.device.element.row_latency.next = 8'(RowLatency);
    in.device.element.drain_lanes.next = 8'(DrainLanes);
    in.device.element.address_width.next = 8'(AddressWidth);
    in.device.formats.built.next = '0;
    in.device.formats.built.next[command_pkg::FormatInt8[4:0]] = systolith_config_pkg::FormatInt8;
    in.device.formats.built.next[command_pkg::FormatBf16[4:0]] = systolith_config_pkg::FormatBf16;
    in.device.queue.unit_depth.next = 8'(UnitQueueDepth);
    in.device.queue.fetch_buffer.next = 8'(FetchBuffer);
    in.device.queue.semaphores.next = 8'(Semaphores);
    in.device.queue.windows.next = 8'(Windows);
    in.device.outstanding.reads.next = 16'(ReadsOutstanding);
    in.device.outstanding.writes.next = 16'(WritesOutstanding);

    in.device.windows.rd_ack = out.device.windows.req && !out.device.windows.req_is_wr;
    in.device.windows.wr_ack = out.device.windows.req && out.device.windows.req_is_wr;
    in.device.windows.rd_data = window_word;

    // ---- page 1 ----
    in.unlocked = unlocked;
    in.queue_0.control.enable.hwclr = enable_clear_i || out.queue_0.control.reset.value;
    in.queue_0.doorbell.wr_ack = out.queue_0.doorbell.req;
    in.queue_0.completed.count.next = completed_i;
    in.queue_0.status.busy.next = busy_i;
    in.queue_0.status.faulted.next = faulted_i;
    in.queue_0.status.stuck.next = stuck_i;
    in.queue_0.status.enabled.next = enabled_i;
    in.queue_0.fault.cause.next = fault_cause_i;
    in.queue_0.fault.unit.next = fault_unit_i;
    in.queue_0.fault_index.index.next = fault_index_i;
    in.queue_0.fault_address_lo.value.next = fault_address_i[31:0];
    in.queue_0.fault_address_hi.value.next = fault_address_i[63:32];
    in.queue_0.irq_status.command.hwset = irq_command_i;
    in.queue_0.irq_status.fault.hwset = irq_fault_i;
    in.queue_0.irq_status.idle.hwset = irq_idle_i;
    in.queue_0.irq_status.reset_done.hwset = irq_reset_done_i;
    in.queue_0.counters.rd_ack = out.queue_0.counters.req && !out.queue_0.counters.req_is_wr;
    in.queue_0.counters.wr_ack = out.queue_0.counters.req && out.queue_0.counters.req_is_wr;
    in.queue_0.counters.rd_data = counter_word;
    in.queue_0.counters_2.rd_ack = out.queue_0.counters_2.req && !out.queue_0.counters_2.req_is_wr;
    in.queue_0.counters_2.wr_ack = out.queue_0.counters_2.req && out.queue_0.counters_2.req_is_wr;
    in.queue_0.counters_2.rd_data = counter_word;
  end

  assign bus_timeout_o = out.device.bus_timeout.cycles.value;
  assign semaphore_timeout_o = out.device.semaphore_timeout.cycles.value;

  // ---- what the generated block hands on: windows and counters ----
  window_registers u_windows (
    .clk_i,
    .rst_ni,
    .request_i(out.device.windows.req),
    .write_i(out.device.windows.req_is_wr && unlocked),
    .address_i(out.device.windows.addr[7:2]),
    .data_i(out.device.windows.wr_data),
    .bit_enable_i(out.device.windows.wr_biten),
    .word_o(window_word),
    .base_o(window_base_o),
    .last_o(window_last_o),
    .permit_o(window_permit_o)
  );

  logic [63:0] counter;

  always_comb begin
    counter = '0;
    if (out.queue_0.counters.req) begin
      unique case (out.queue_0.counters.addr[6:3])   // in the order of systolith.rdl
        4'd0: counter = cycles_i;
        4'd1: counter = mac_cycles_i;
        4'd2: counter = lost_start_i;
        4'd3: counter = lost_fill_i;
        4'd4: counter = lost_loads_i;
        4'd5: counter = lost_store_i;
        4'd6: counter = lost_other_i;
        4'd7: counter = lost_reentry_i;
        4'd8: counter = lost_drain_i;
        4'd9: counter = lost_tail_i;
        4'd10: counter = macs_i;
        4'd11: counter = bytes_read_i;
        4'd12: counter = bytes_written_i;
        4'd13: counter = load_busy_i;
        4'd14: counter = store_busy_i;
        4'd15: counter = commands_i;
        default: ;
      endcase
    end else if (out.queue_0.counters_2.req) begin
      counter = out.queue_0.counters_2.addr[3] ? corrected_i : dropped_beats_i;
    end
    // The address is that of the access, whichever file answers.
    counter_word = out.queue_0.counters.addr[2] ? counter[63:32] : counter[31:0];
  end

  assign ring_o = {out.queue_0.ring_hi.value.value, out.queue_0.ring_lo.value.value};
  assign ring_size_o = out.queue_0.ring_size.log2.value;
  assign record_o = {out.queue_0.record_hi.value.value, out.queue_0.record_lo.value.value};
  // Both bits in one write are a reset alone.
  assign queue_reset_o = out.queue_0.control.reset.value;
  assign enable_o = out.queue_0.control.enable.value && !queue_reset_o;
  assign doorbell_valid_o = out.queue_0.doorbell.req && out.queue_0.doorbell.req_is_wr
      && (&out.queue_0.doorbell.wr_biten);
  assign doorbell_o = out.queue_0.doorbell.wr_data;
  assign counter_clear_o = out.queue_0.counter_clear.clear.value;

  assign irq_o = (out.queue_0.irq_status.command.value && out.queue_0.irq_enable.command.value)
      || (out.queue_0.irq_status.fault.value && out.queue_0.irq_enable.fault.value)
      || (out.queue_0.irq_status.idle.value && out.queue_0.irq_enable.idle.value)
      || (out.queue_0.irq_status.reset_done.value && out.queue_0.irq_enable.reset_done.value);

  registers u_registers (
    .clk(clk_i),
    .arst_n(rst_ni),
    .s_axil_awready,
    .s_axil_awvalid,
    .s_axil_awaddr,
    .s_axil_awprot,
    .s_axil_wready,
    .s_axil_wvalid,
    .s_axil_wdata,
    .s_axil_wstrb,
    .s_axil_bready,
    .s_axil_bvalid,
    .s_axil_bresp,
    .s_axil_arready,
    .s_axil_arvalid,
    .s_axil_araddr,
    .s_axil_arprot,
    .s_axil_rready,
    .s_axil_rvalid,
    .s_axil_rdata,
    .s_axil_rresp,
    .hwif_in(in),
    .hwif_out(out)
  );

  if (Windows < 1 || Windows > 8) begin : gen_illegal_windows
    $error("Windows must be 1 to 8");
  end

  `ASSERT_NEXT(BHeld, s_axil_bvalid && !s_axil_bready, s_axil_bvalid)
  `ASSERT_NEXT(RHeld, s_axil_rvalid && !s_axil_rready, s_axil_rvalid && $stable(s_axil_rdata))
  `ASSERT(AlwaysOkay, (!s_axil_bvalid || s_axil_bresp == 2'b00)
      && (!s_axil_rvalid || s_axil_rresp == 2'b00))
  `ASSERT(ResetAlone, !(enable_o && queue_reset_o))

endmodule

`default_nettype wire
