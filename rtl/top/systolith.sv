// The whole device: registers, command processor, load unit, matrix unit, store unit, scratchpad, accumulators.
//
// Host side: an AXI4-Lite subordinate (two 4 KiB pages) and a level interrupt. Memory side: one AXI4 manager with a
// fixed ID per requester. One clock; reset is asserted asynchronously and released synchronously by the integrator.
// `reset_request_o` asks for a reset of device and interconnect together, after a bus time-out.
//
// Sizes come from `systolith_config_pkg`. What the ports carry is written in docs/interfaces.
`default_nettype none

module systolith
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic                    clk_i,
  input  logic                    rst_ni,

  // AXI4 manager.
  output logic [IdWidth-1:0]      m_axi_awid,
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
  input  logic [IdWidth-1:0]      m_axi_bid,
  input  logic [1:0]              m_axi_bresp,
  input  logic                    m_axi_bvalid,
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
  input  logic                    m_axi_arready,
  input  logic [IdWidth-1:0]      m_axi_rid,
  input  logic [8*BusBytes-1:0]   m_axi_rdata,
  input  logic [1:0]              m_axi_rresp,
  input  logic                    m_axi_rlast,
  input  logic                    m_axi_rvalid,
  output logic                    m_axi_rready,

  // AXI4-Lite subordinate.
  input  logic                    s_axil_awvalid,
  output logic                    s_axil_awready,
  input  logic [12:0]             s_axil_awaddr,
  input  logic [2:0]              s_axil_awprot,
  input  logic                    s_axil_wvalid,
  output logic                    s_axil_wready,
  input  logic [31:0]             s_axil_wdata,
  input  logic [3:0]              s_axil_wstrb,
  output logic                    s_axil_bvalid,
  input  logic                    s_axil_bready,
  output logic [1:0]              s_axil_bresp,
  input  logic                    s_axil_arvalid,
  output logic                    s_axil_arready,
  input  logic [12:0]             s_axil_araddr,
  input  logic [2:0]              s_axil_arprot,
  output logic                    s_axil_rvalid,
  input  logic                    s_axil_rready,
  output logic [31:0]             s_axil_rdata,
  output logic [1:0]              s_axil_rresp,

  output logic                    irq_o,
  output logic                    reset_request_o
);

  // Bursts are INCR, full-width, modifiable and bufferable, without lock.
  assign m_axi_awsize = 3'($clog2(BusBytes));
  assign m_axi_awburst = 2'b01;
  assign m_axi_awlock = 1'b0;
  assign m_axi_awcache = 4'b0011;
  assign m_axi_awprot = 3'b000;
  assign m_axi_arsize = 3'($clog2(BusBytes));
  assign m_axi_arburst = 2'b01;
  assign m_axi_arlock = 1'b0;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot = 3'b000;

  // ---- registers ----
  logic [31:0] bus_timeout, semaphore_timeout;
  logic [Windows-1:0][63:0] window_base, window_last;
  logic [Windows-1:0][1:0] window_permit;
  logic [63:0] ring, record;
  logic [4:0] ring_size;
  logic enable, enable_clear, enabled, doorbell_valid, queue_reset;
  logic [31:0] doorbell, completed, fault_index;
  logic busy, faulted, stuck;
  logic [7:0] fault_cause, fault_unit;
  logic [63:0] fault_address;
  logic irq_command, irq_fault, irq_idle, irq_reset_done;
  logic counter_clear;
  logic [63:0] cycles, mac_cycles, lost_start, lost_fill, lost_loads, lost_store, lost_other, lost_reentry;
  logic [63:0] lost_drain, lost_tail, macs, bytes_read, bytes_written, load_busy, store_busy, commands;
  logic [63:0] dropped_beats, corrected;

  register_block u_registers (
    .clk_i, .rst_ni,
    .s_axil_awvalid, .s_axil_awready, .s_axil_awaddr, .s_axil_awprot,
    .s_axil_wvalid, .s_axil_wready, .s_axil_wdata, .s_axil_wstrb,
    .s_axil_bvalid, .s_axil_bready, .s_axil_bresp,
    .s_axil_arvalid, .s_axil_arready, .s_axil_araddr, .s_axil_arprot,
    .s_axil_rvalid, .s_axil_rready, .s_axil_rdata, .s_axil_rresp,
    .irq_o,
    .bus_timeout_o(bus_timeout), .semaphore_timeout_o(semaphore_timeout),
    .window_base_o(window_base), .window_last_o(window_last), .window_permit_o(window_permit),
    .ring_o(ring), .ring_size_o(ring_size), .record_o(record),
    .enable_o(enable), .enable_clear_i(enable_clear), .enabled_i(enabled),
    .doorbell_valid_o(doorbell_valid), .doorbell_o(doorbell), .queue_reset_o(queue_reset),
    .completed_i(completed), .busy_i(busy), .faulted_i(faulted), .stuck_i(stuck),
    .fault_cause_i(fault_cause), .fault_unit_i(fault_unit),
    .fault_index_i(fault_index), .fault_address_i(fault_address),
    .irq_command_i(irq_command), .irq_fault_i(irq_fault),
    .irq_idle_i(irq_idle), .irq_reset_done_i(irq_reset_done),
    .counter_clear_o(counter_clear),
    .cycles_i(cycles), .mac_cycles_i(mac_cycles), .lost_start_i(lost_start), .lost_fill_i(lost_fill),
    .lost_loads_i(lost_loads), .lost_store_i(lost_store), .lost_other_i(lost_other),
    .lost_reentry_i(lost_reentry), .lost_drain_i(lost_drain), .lost_tail_i(lost_tail), .macs_i(macs),
    .bytes_read_i(bytes_read), .bytes_written_i(bytes_written), .load_busy_i(load_busy),
    .store_busy_i(store_busy), .commands_i(commands), .dropped_beats_i(dropped_beats),
    .corrected_i(corrected)
  );

  // ---- bus ----
  logic fetch_ar_valid, fetch_ar_ready, fetch_r_valid, fetch_r_ready;
  address_t fetch_ar_address;
  logic [8:0] fetch_ar_beats;
  logic load_ar_valid, load_ar_ready, load_r_valid, load_r_ready;
  address_t load_ar_address;
  logic [8:0] load_ar_beats;
  bus_data_t r_data;
  logic r_error, r_last, b_error, unknown_id;
  logic store_aw_valid, store_aw_ready, store_w_valid, store_w_last, store_w_ready, store_b_valid, store_b_ready;
  address_t store_aw_address;
  logic [8:0] store_aw_beats;
  bus_data_t store_w_data;
  bus_strobe_t store_w_strobe;
  logic record_aw_valid, record_aw_ready, record_w_valid, record_w_last, record_w_ready;
  logic record_b_valid, record_b_ready;
  address_t record_aw_address;
  logic [8:0] record_aw_beats;
  bus_data_t record_w_data;
  bus_strobe_t record_w_strobe;

  axi_arbiter u_arbiter (
    .clk_i, .rst_ni,
    .fetch_ar_valid_i(fetch_ar_valid), .fetch_ar_address_i(fetch_ar_address),
    .fetch_ar_beats_i(fetch_ar_beats), .fetch_ar_ready_o(fetch_ar_ready),
    .fetch_r_valid_o(fetch_r_valid), .fetch_r_ready_i(fetch_r_ready),
    .load_ar_valid_i(load_ar_valid), .load_ar_address_i(load_ar_address),
    .load_ar_beats_i(load_ar_beats), .load_ar_ready_o(load_ar_ready),
    .load_r_valid_o(load_r_valid), .load_r_ready_i(load_r_ready),
    .r_data_o(r_data), .r_error_o(r_error), .r_last_o(r_last),
    .store_aw_valid_i(store_aw_valid), .store_aw_address_i(store_aw_address),
    .store_aw_beats_i(store_aw_beats), .store_aw_ready_o(store_aw_ready),
    .store_w_valid_i(store_w_valid), .store_w_data_i(store_w_data), .store_w_strobe_i(store_w_strobe),
    .store_w_last_i(store_w_last), .store_w_ready_o(store_w_ready),
    .store_b_valid_o(store_b_valid), .store_b_ready_i(store_b_ready),
    .record_aw_valid_i(record_aw_valid), .record_aw_address_i(record_aw_address),
    .record_aw_beats_i(record_aw_beats), .record_aw_ready_o(record_aw_ready),
    .record_w_valid_i(record_w_valid), .record_w_data_i(record_w_data),
    .record_w_strobe_i(record_w_strobe), .record_w_last_i(record_w_last), .record_w_ready_o(record_w_ready),
    .record_b_valid_o(record_b_valid), .record_b_ready_i(record_b_ready),
    .b_error_o(b_error), .unknown_id_o(unknown_id),
    .m_axi_awid, .m_axi_awaddr, .m_axi_awlen, .m_axi_awvalid, .m_axi_awready,
    .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready,
    .m_axi_bid, .m_axi_bresp, .m_axi_bvalid, .m_axi_bready,
    .m_axi_arid, .m_axi_araddr, .m_axi_arlen, .m_axi_arvalid, .m_axi_arready,
    .m_axi_rid, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready
  );

  logic [3:0] bus_owed;
  bus_debts u_debts (
    .clk_i, .rst_ni,
    .ar_valid_i(m_axi_arvalid), .ar_ready_i(m_axi_arready), .ar_id_i(m_axi_arid),
    .r_end_i(m_axi_rvalid && m_axi_rready && m_axi_rlast), .r_id_i(m_axi_rid),
    .aw_valid_i(m_axi_awvalid), .aw_ready_i(m_axi_awready), .aw_id_i(m_axi_awid),
    .b_end_i(m_axi_bvalid && m_axi_bready), .b_id_i(m_axi_bid),
    .owed_o(bus_owed)
  );

  // ---- command processor ----
  logic load_command_valid, load_command_ready;
  load_command_t load_command;
  logic matrix_command_valid, matrix_command_ready;
  matrix_command_t matrix_command;
  logic store_command_valid, store_command_ready;
  store_command_t store_command;
  logic [2:0][1:0] wait_valid, wait_grant;
  logic [2:0][1:0] signal_valid, signal_ready, signal_overflow;
  sync_t [2:0][1:0] waits, signals;
  logic [2:0] report_valid, report_ready;
  report_t [2:0] report;
  cycle_t cycle;
  logic halt, abandon, flush;
  logic [2:0] unit_busy, unit_owed, unit_beat, unit_blocked, unit_fault;
  address_t [2:0] unit_owed_address;
  logic [2:0][31:0] unit_owed_index;
  logic [2:0][SemaphoreWidth-1:0] unit_blocked_semaphore;
  logic memory_clear, scratchpad_clear_busy, accumulators_clear_busy;
  logic resetting, command_done, dropped_beat;
  logic scratchpad_corrected, accumulators_corrected, buffer_corrected;
  logic [Semaphores-1:0][1:0] binding_signal_unit;

  command_processor u_command_processor (
    .clk_i, .rst_ni,
    .bus_timeout_i(bus_timeout), .semaphore_timeout_i(semaphore_timeout),
    .window_base_i(window_base), .window_last_i(window_last), .window_permit_i(window_permit),
    .ring_i(ring), .ring_size_i(ring_size), .record_i(record),
    .enable_i(enable), .enable_clear_o(enable_clear), .enabled_o(enabled),
    .doorbell_valid_i(doorbell_valid), .doorbell_i(doorbell), .queue_reset_i(queue_reset),
    .completed_o(completed), .busy_o(busy), .faulted_o(faulted), .stuck_o(stuck),
    .fault_cause_o(fault_cause), .fault_unit_o(fault_unit),
    .fault_index_o(fault_index), .fault_address_o(fault_address),
    .irq_command_o(irq_command), .irq_fault_o(irq_fault), .irq_idle_o(irq_idle),
    .irq_reset_done_o(irq_reset_done), .reset_request_o,
    .resetting_o(resetting), .command_done_o(command_done), .corrected_o(buffer_corrected),
    .binding_signal_unit_o(binding_signal_unit),
    .ar_valid_o(fetch_ar_valid), .ar_address_o(fetch_ar_address), .ar_beats_o(fetch_ar_beats),
    .ar_ready_i(fetch_ar_ready),
    .r_valid_i(fetch_r_valid), .r_data_i(r_data), .r_error_i(r_error), .r_last_i(r_last),
    .r_ready_o(fetch_r_ready),
    .aw_valid_o(record_aw_valid), .aw_address_o(record_aw_address), .aw_beats_o(record_aw_beats),
    .aw_ready_i(record_aw_ready),
    .w_valid_o(record_w_valid), .w_data_o(record_w_data), .w_strobe_o(record_w_strobe),
    .w_last_o(record_w_last), .w_ready_i(record_w_ready),
    .b_valid_i(record_b_valid), .b_error_i(b_error), .b_ready_o(record_b_ready),
    .load_command_valid_o(load_command_valid), .load_command_o(load_command),
    .load_command_ready_i(load_command_ready),
    .matrix_command_valid_o(matrix_command_valid), .matrix_command_o(matrix_command),
    .matrix_command_ready_i(matrix_command_ready),
    .store_command_valid_o(store_command_valid), .store_command_o(store_command),
    .store_command_ready_i(store_command_ready),
    .wait_valid_i(wait_valid), .wait_i(waits), .wait_grant_o(wait_grant),
    .signal_valid_i(signal_valid), .signal_i(signals), .signal_ready_o(signal_ready),
    .signal_overflow_o(signal_overflow),
    .report_valid_i(report_valid), .report_i(report), .report_ready_o(report_ready),
    .cycle_o(cycle), .halt_o(halt), .abandon_o(abandon), .flush_o(flush),
    .unit_busy_i(unit_busy), .unit_owed_i(unit_owed), .unit_beat_i(unit_beat),
    .unit_owed_address_i(unit_owed_address), .unit_owed_index_i(unit_owed_index),
    .bus_owed_i(bus_owed), .unit_blocked_i(unit_blocked), .unit_fault_i(unit_fault),
    .unit_blocked_semaphore_i(unit_blocked_semaphore),
    .memory_clear_o(memory_clear), .memory_clear_busy_i(scratchpad_clear_busy || accumulators_clear_busy)
  );

  // The semaphore of the oldest ungranted wait, for the time-out's report.
  for (genvar u = 0; u < 3; u++) begin : gen_blocked_semaphore
    assign unit_blocked_semaphore[u] = wait_valid[u][0] ? waits[u][0].semaphore_index
                                                         : waits[u][1].semaphore_index;
  end

  // ---- load unit ----
  logic scratchpad_write_valid;
  line_index_t scratchpad_write_line;
  logic [WordIndexWidth-1:0] scratchpad_write_word;
  bus_data_t scratchpad_write_data;
  bus_strobe_t scratchpad_write_strobe;
  logic load_write_valid, load_write_ready;
  accumulator_index_t load_write_row;
  logic [AccumulatorWordWidth-1:0] load_write_word;
  bus_data_t load_write_data;
  logic [ColumnsPerWord-1:0] load_write_strobe;
  logic [1:0] load_write_tag;

  load_unit u_load (
    .clk_i, .rst_ni,
    .command_valid_i(load_command_valid), .command_i(load_command), .command_ready_o(load_command_ready),
    .wait_valid_o(wait_valid[0]), .wait_o(waits[0]), .wait_grant_i(wait_grant[0]),
    .signal_valid_o(signal_valid[0]), .signal_o(signals[0]),
    .signal_ready_i(signal_ready[0]), .signal_overflow_i(signal_overflow[0]),
    .report_valid_o(report_valid[0]), .report_o(report[0]), .report_ready_i(report_ready[0]),
    .cycle_i(cycle), .halt_i(halt), .abandon_i(abandon), .flush_i(flush),
    .busy_o(unit_busy[0]), .owed_o(unit_owed[0]), .owed_address_o(unit_owed_address[0]),
    .owed_index_o(unit_owed_index[0]),
    .beat_o(unit_beat[0]), .dropped_beats_o(dropped_beat), .blocked_o(unit_blocked[0]),
    .fault_o(unit_fault[0]),
    .scratchpad_write_valid_o(scratchpad_write_valid), .scratchpad_write_line_o(scratchpad_write_line),
    .scratchpad_write_word_o(scratchpad_write_word), .scratchpad_write_data_o(scratchpad_write_data),
    .scratchpad_write_strobe_o(scratchpad_write_strobe),
    .accumulator_write_valid_o(load_write_valid), .accumulator_write_ready_i(load_write_ready),
    .accumulator_write_row_o(load_write_row), .accumulator_write_word_o(load_write_word),
    .accumulator_write_data_o(load_write_data), .accumulator_write_strobe_o(load_write_strobe),
    .accumulator_write_tag_o(load_write_tag),
    .ar_valid_o(load_ar_valid), .ar_address_o(load_ar_address), .ar_beats_o(load_ar_beats),
    .ar_ready_i(load_ar_ready),
    .r_valid_i(load_r_valid), .r_data_i(r_data), .r_error_i(r_error), .r_last_i(r_last),
    .r_ready_o(load_r_ready)
  );

  // ---- matrix unit ----
  logic operand_read_valid, operand_read_grant, stationary_read_valid, stationary_read_grant;
  line_index_t operand_read_line, stationary_read_line;
  line_t operand_read_data, stationary_read_data;
  logic operand_read_error, stationary_read_error, array_read_error, array_read_tag_error;
  accumulator_index_t array_read_error_row;
  logic array_read_valid, array_write_valid, hole;
  accumulator_index_t array_read_row, array_write_row;
  word_t array_read_data [Cols];
  logic [1:0] array_read_tag, array_write_tag;
  word_t array_write_data [Cols];
  logic issue, lost_wait, lost_reentry_cycle, lost_fill_cycle, in_flight, has_command;
  logic [15:0] issue_lanes, issue_columns;
  logic [SemaphoreWidth-1:0] lost_wait_semaphore;

  matrix_unit u_matrix (
    .clk_i, .rst_ni,
    .command_valid_i(matrix_command_valid), .command_i(matrix_command),
    .command_ready_o(matrix_command_ready),
    .wait_valid_o(wait_valid[1]), .wait_o(waits[1]), .wait_grant_i(wait_grant[1]),
    .signal_valid_o(signal_valid[1]), .signal_o(signals[1]),
    .signal_ready_i(signal_ready[1]), .signal_overflow_i(signal_overflow[1]),
    .report_valid_o(report_valid[1]), .report_o(report[1]), .report_ready_i(report_ready[1]),
    .cycle_i(cycle), .halt_i(halt), .abandon_i(abandon), .flush_i(flush),
    .busy_o(unit_busy[1]), .owed_o(unit_owed[1]), .blocked_o(unit_blocked[1]),
    .fault_o(unit_fault[1]),
    .operand_read_valid_o(operand_read_valid), .operand_read_line_o(operand_read_line),
    .operand_read_grant_i(operand_read_grant), .operand_read_data_i(operand_read_data),
    .operand_read_error_i(operand_read_error),
    .stationary_read_valid_o(stationary_read_valid), .stationary_read_line_o(stationary_read_line),
    .stationary_read_grant_i(stationary_read_grant), .stationary_read_data_i(stationary_read_data),
    .stationary_read_error_i(stationary_read_error),
    .accumulator_read_valid_o(array_read_valid), .accumulator_read_row_o(array_read_row),
    .accumulator_read_data_i(array_read_data), .accumulator_read_tag_i(array_read_tag),
    .accumulator_read_tag_error_i(array_read_tag_error),
    .accumulator_read_error_i(array_read_error),
    .accumulator_read_error_row_i(array_read_error_row),
    .accumulator_write_valid_o(array_write_valid), .accumulator_write_row_o(array_write_row),
    .accumulator_write_tag_o(array_write_tag), .accumulator_write_data_o(array_write_data),
    .accumulator_hole_i(hole),
    .issue_o(issue), .issue_lanes_o(issue_lanes), .issue_columns_o(issue_columns),
    .lost_wait_o(lost_wait), .lost_wait_semaphore_o(lost_wait_semaphore),
    .lost_reentry_o(lost_reentry_cycle), .lost_fill_o(lost_fill_cycle),
    .in_flight_o(in_flight), .has_command_o(has_command)
  );
  assign unit_beat[1] = 1'b0;
  assign unit_owed_address[1] = '0;
  assign unit_owed_index[1] = '0;

  // ---- store unit ----
  logic drain_read_valid;
  accumulator_index_t drain_read_row;
  word_t drain_read_data [Cols];
  logic [1:0] drain_read_tag;
  logic drain_read_error, store_read_error;
  logic store_read_valid, store_read_grant;
  line_index_t store_read_line;
  line_t store_read_data;

  store_unit u_store (
    .clk_i, .rst_ni,
    .command_valid_i(store_command_valid), .command_i(store_command), .command_ready_o(store_command_ready),
    .wait_valid_o(wait_valid[2]), .wait_o(waits[2]), .wait_grant_i(wait_grant[2]),
    .signal_valid_o(signal_valid[2]), .signal_o(signals[2]),
    .signal_ready_i(signal_ready[2]), .signal_overflow_i(signal_overflow[2]),
    .report_valid_o(report_valid[2]), .report_o(report[2]), .report_ready_i(report_ready[2]),
    .cycle_i(cycle), .halt_i(halt), .abandon_i(abandon), .flush_i(flush),
    .busy_o(unit_busy[2]), .owed_o(unit_owed[2]), .owed_address_o(unit_owed_address[2]),
    .owed_index_o(unit_owed_index[2]),
    .blocked_o(unit_blocked[2]), .fault_o(unit_fault[2]),
    .drain_read_valid_o(drain_read_valid), .drain_read_row_o(drain_read_row),
    .drain_read_data_i(drain_read_data), .drain_read_tag_i(drain_read_tag),
    .drain_read_error_i(drain_read_error),
    .scratchpad_read_valid_o(store_read_valid), .scratchpad_read_line_o(store_read_line),
    .scratchpad_read_grant_i(store_read_grant), .scratchpad_read_data_i(store_read_data),
    .scratchpad_read_error_i(store_read_error),
    .aw_valid_o(store_aw_valid), .aw_address_o(store_aw_address), .aw_beats_o(store_aw_beats),
    .aw_ready_i(store_aw_ready),
    .w_valid_o(store_w_valid), .w_data_o(store_w_data), .w_strobe_o(store_w_strobe),
    .w_last_o(store_w_last), .w_ready_i(store_w_ready),
    .b_valid_i(store_b_valid), .b_error_i(b_error), .b_ready_o(store_b_ready)
  );
  assign unit_beat[2] = store_b_valid && store_b_ready;

  // ---- on-chip memories ----
  scratchpad u_scratchpad (
    .clk_i, .rst_ni,
    .clear_i(memory_clear), .clear_busy_o(scratchpad_clear_busy),
    .corrected_o(scratchpad_corrected),
    .scratchpad_write_valid_i(scratchpad_write_valid), .scratchpad_write_line_i(scratchpad_write_line),
    .scratchpad_write_word_i(scratchpad_write_word), .scratchpad_write_data_i(scratchpad_write_data),
    .scratchpad_write_strobe_i(scratchpad_write_strobe),
    .operand_read_valid_i(operand_read_valid), .operand_read_line_i(operand_read_line),
    .operand_read_grant_o(operand_read_grant), .operand_read_data_o(operand_read_data),
    .operand_read_error_o(operand_read_error),
    .stationary_read_valid_i(stationary_read_valid), .stationary_read_line_i(stationary_read_line),
    .stationary_read_grant_o(stationary_read_grant), .stationary_read_data_o(stationary_read_data),
    .stationary_read_error_o(stationary_read_error),
    .store_read_valid_i(store_read_valid), .store_read_line_i(store_read_line),
    .store_read_grant_o(store_read_grant), .store_read_data_o(store_read_data),
    .store_read_error_o(store_read_error)
  );

  accumulators u_accumulators (
    .clk_i, .rst_ni,
    .clear_i(memory_clear), .clear_busy_o(accumulators_clear_busy),
    .corrected_o(accumulators_corrected),
    .read_valid_i(array_read_valid), .read_row_i(array_read_row),
    .read_data_o(array_read_data), .read_tag_o(array_read_tag),
    .read_tag_error_o(array_read_tag_error),
    .read_error_o(array_read_error), .read_error_row_o(array_read_error_row),
    .write_valid_i(array_write_valid), .write_row_i(array_write_row),
    .write_tag_i(array_write_tag), .write_data_i(array_write_data),
    .accumulator_write_valid_i(load_write_valid), .accumulator_write_ready_o(load_write_ready),
    .accumulator_write_row_i(load_write_row), .accumulator_write_word_i(load_write_word),
    .accumulator_write_data_i(load_write_data), .accumulator_write_strobe_i(load_write_strobe),
    .accumulator_write_tag_i(load_write_tag),
    .drain_read_valid_i(drain_read_valid), .drain_read_row_i(drain_read_row),
    .drain_read_data_o(drain_read_data), .drain_read_tag_o(drain_read_tag),
    .drain_read_error_o(drain_read_error),
    .hole_o(hole)
  );

  // ---- counters ----
  localparam logic [1:0] SignalledByLoad = command_pkg::UnitLoad[1:0];
  localparam logic [1:0] SignalledByStore = command_pkg::UnitStore[1:0];
  logic [1:0] waited_unit;
  assign waited_unit = binding_signal_unit[lost_wait_semaphore];

  counters u_counters (
    .clk_i, .rst_ni, .clear_i(counter_clear), .busy_i(busy && !resetting),
    .issue_i(issue), .issue_lanes_i(issue_lanes), .issue_columns_i(issue_columns),
    .has_command_i(has_command), .in_flight_i(in_flight),
    .lost_wait_i(lost_wait), .lost_wait_load_i(waited_unit == SignalledByLoad),
    .lost_wait_store_i(waited_unit == SignalledByStore), .lost_reentry_i(lost_reentry_cycle),
    .r_beat_i(m_axi_rvalid && m_axi_rready), .w_beat_i(m_axi_wvalid && m_axi_wready),
    .load_busy_i(unit_busy[0]), .store_busy_i(unit_busy[2]), .command_done_i(command_done),
    .dropped_beat_i(dropped_beat),
    .corrected_i(scratchpad_corrected || accumulators_corrected || buffer_corrected),
    .cycles_o(cycles), .mac_cycles_o(mac_cycles), .lost_start_o(lost_start), .lost_tail_o(lost_tail),
    .lost_drain_o(lost_drain), .lost_loads_o(lost_loads), .lost_store_o(lost_store),
    .lost_other_o(lost_other), .lost_reentry_o(lost_reentry), .lost_fill_o(lost_fill), .macs_o(macs),
    .bytes_read_o(bytes_read), .bytes_written_o(bytes_written), .load_busy_o(load_busy),
    .store_busy_o(store_busy), .commands_o(commands), .dropped_beats_o(dropped_beats),
    .corrected_o(corrected)
  );

`ifdef SYSTOLITH_COVERAGE
  cover_points u_cover (
    .clk_i, .rst_ni,
    .load_start_i(load_command_valid && load_command_ready), .load_command_i(load_command),
    .matrix_start_i(matrix_command_valid && matrix_command_ready), .matrix_command_i(matrix_command),
    .store_start_i(store_command_valid && store_command_ready), .store_command_i(store_command),
    .busy_i(unit_busy), .blocked_i(unit_blocked),
    .load_address_stall_i(load_ar_valid && !load_ar_ready),
    .load_data_stall_i(unit_owed[0] && !load_r_valid),
    .load_port_stall_i(load_write_valid && !load_write_ready),
    .matrix_issue_i(issue), .matrix_has_command_i(has_command), .matrix_in_flight_i(in_flight),
    .matrix_wait_i(lost_wait), .matrix_wait_load_i(waited_unit == SignalledByLoad),
    .matrix_wait_store_i(waited_unit == SignalledByStore), .matrix_reentry_i(lost_reentry_cycle),
    .matrix_fill_i(lost_fill_cycle),
    .store_address_stall_i(store_aw_valid && !store_aw_ready),
    .store_data_stall_i(store_w_valid && !store_w_ready),
    .store_response_stall_i(unit_owed[2] && !store_b_valid),
    .store_port_stall_i(store_read_valid && !store_read_grant),
    .wrong_i({drain_read_error, store_read_error, array_read_tag_error, array_read_error, stationary_read_error,
              operand_read_error}),
    .corrected_i({buffer_corrected, accumulators_corrected, scratchpad_corrected}),
    .halt_i(halt), .faulted_i(faulted), .fault_cause_i(fault_cause), .fault_unit_i(fault_unit)
  );
`endif

  // Fill is what no other cause explains; the counters derive it. Strays of other IDs are dropped by the arbiter.
  logic unused_strays;
  assign unused_strays = lost_fill_cycle ^ unknown_id;

endmodule

`default_nettype wire
