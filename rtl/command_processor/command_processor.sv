// The command processor: fetches commands from the ring, checks them, hands them to the units, and
// tells the host what became of them.
//
//   doorbell -> command_fetch -> command_decode -> command_dispatch -> units
//                                      |                                |
//   records, completed, faults <- completion <-------- reports -------+   semaphores: between units
//                   queue_control: enable, doorbell, reset, fault phases, time-outs
//
// Unit ports are arrays in the order load, matrix, store. Latency: a doorbell is a fetch address 2
// cycles later; a command with counts of up to 8 bits is at its unit about 26 cycles after its
// last beat. Throughput: a command every 20 to 30 cycles. Legal parameters: see
// `systolith_config_pkg`.
`include "systolith_assert.svh"
`default_nettype none

module command_processor
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // registers, page 0
  input  logic [31:0]              bus_timeout_i,        // cycles, 0: off
  input  logic [31:0]              semaphore_timeout_i,
  input  logic [Windows-1:0][63:0] window_base_i,
  input  logic [Windows-1:0][63:0] window_last_i,        // last byte
  input  logic [Windows-1:0][1:0]  window_permit_i,      // bit 0 read, bit 1 write

  // registers, page 1
  input  logic [63:0] ring_i,
  input  logic [4:0]  ring_size_i,       // log2 of the slots
  input  logic [63:0] record_i,
  input  logic        enable_i,          // the control bit: once set, stays until enable_clear_o
  output logic        enable_clear_o,    // level: hold the bit at 0
  output logic        enabled_o,         // not yet reset: ring, record, windows are locked
  input  logic        doorbell_valid_i,  // pulse
  input  logic [31:0] doorbell_i,
  input  logic        queue_reset_i,     // pulse
  output logic [31:0] completed_o,
  output logic        busy_o,
  output logic        faulted_o,
  output logic        stuck_o,
  output logic [7:0]  fault_cause_o,
  output logic [7:0]  fault_unit_o,
  output logic [31:0] fault_index_o,
  output logic [63:0] fault_address_o,
  output logic        irq_command_o,     // pulses that set the bits of irq_status
  output logic        irq_fault_o,
  output logic        irq_idle_o,
  output logic        irq_reset_done_o,
  output logic        reset_request_o,   // level: a bus time-out has happened

  // for the counters
  output logic        resetting_o,       // a queue reset is going on
  output logic        command_done_o,    // pulse: a command completed (not failed or aborted)
  output logic        corrected_o,       // pulse: a word of a memory here was corrected
  output logic [Semaphores-1:0][1:0] binding_signal_unit_o,  // who signals, 0: none yet

  // AXI read channel of the fetch
  output logic        ar_valid_o,
  output address_t    ar_address_o,
  output logic [8:0]  ar_beats_o,
  input  logic        ar_ready_i,
  input  logic        r_valid_i,
  input  bus_data_t   r_data_i,
  input  logic        r_error_i,
  input  logic        r_last_i,
  output logic        r_ready_o,

  // AXI write channel of the records
  output logic        aw_valid_o,
  output address_t    aw_address_o,
  output logic [8:0]  aw_beats_o,
  input  logic        aw_ready_i,
  output logic        w_valid_o,
  output bus_data_t   w_data_o,
  output bus_strobe_t w_strobe_o,
  output logic        w_last_o,
  input  logic        w_ready_i,
  input  logic        b_valid_i,
  input  logic        b_error_i,
  output logic        b_ready_o,

  // commands to the units
  output logic            load_command_valid_o,
  output load_command_t   load_command_o,
  input  logic            load_command_ready_i,
  output logic            matrix_command_valid_o,
  output matrix_command_t matrix_command_o,
  input  logic            matrix_command_ready_i,
  output logic            store_command_valid_o,
  output store_command_t  store_command_o,
  input  logic            store_command_ready_i,

  // semaphores: [0] load, [1] matrix, [2] store
  input  logic  [2:0][1:0] wait_valid_i,
  input  sync_t [2:0][1:0] wait_i,
  output logic  [2:0][1:0] wait_grant_o,
  input  logic  [2:0][1:0] signal_valid_i,
  input  sync_t [2:0][1:0] signal_i,
  output logic  [2:0][1:0] signal_ready_o,
  output logic  [2:0][1:0] signal_overflow_o,

  // ends of commands
  input  logic    [2:0] report_valid_i,
  input  report_t [2:0] report_i,
  output logic    [2:0] report_ready_o,

  // control of the units
  output cycle_t      cycle_o,
  output logic        halt_o,
  output logic        abandon_o,
  output logic        flush_o,
  input  logic [2:0]  unit_busy_i,
  input  logic [2:0]  unit_owed_i,
  input  logic [2:0]  unit_beat_i,               // a response's beat came (R of load, B of store)
  input  address_t [2:0] unit_owed_address_i,    // oldest burst owed
  input  logic [2:0][31:0] unit_owed_index_i,    // its command
  input  logic [3:0]  bus_owed_i,                // by ID, see `bus_debts`
  input  logic [2:0]  unit_blocked_i,
  input  logic [2:0]  unit_fault_i,
  input  logic [2:0][SemaphoreWidth-1:0] unit_blocked_semaphore_i,

  // on-chip memories
  output logic        memory_clear_o,            // pulse: scratchpad and accumulators
  input  logic        memory_clear_busy_i        // either is clearing
);

  // ---- device time ----
  cycle_t cycle_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cycle_q <= '0;
    else cycle_q <= cycle_q + 1'b1;
  end
  assign cycle_o = cycle_q;

  // ---- queue control ----
  address_t    ring, record;
  logic [16:0] slots;
  logic [31:0] tail, completed;
  logic        stop, clear;
  logic        fetch_idle, fetch_owed, fetch_beat, command_valid, command_fault;
  address_t    fetch_owed_address;
  logic [31:0] fetch_arriving, decode_index;
  logic        decode_idle, decode_offering;
  logic        fault_seen, fault_valid;
  logic [31:0] fault_index;
  logic [7:0]  fault_cause, fault_unit;
  logic [63:0] fault_address;
  logic        record_idle, record_owed, record_beat;
  address_t    record_owed_address;
  logic [31:0] record_owed_index;
  logic        victim_valid, victim_reported;
  logic [31:0] victim_index;
  logic [63:0] victim_semaphore;
  logic [1:0]  oldest_unit;
  logic        oldest_done;
  logic        timeout_valid, nop_valid;
  report_t     timeout_report, nop_report;
  logic [4:0]  report_ready;
  logic [2:0]  queued;
  logic        failing, active;
  logic        enable_window_use, enable_window_start, enable_window_write;
  logic [63:0] enable_window_first, enable_window_last;
  logic        window_done, window_found;

  always_comb begin
    failing = 1'b0;
    for (int unsigned u = 0; u < 3; u++) begin
      if (report_valid_i[u] && report_i[u].state == command_pkg::StateFailed) begin
        failing = !resetting_o;
      end
    end
    if (nop_valid && nop_report.state == command_pkg::StateFailed) failing = !resetting_o;
    active = report_valid_i != '0 || nop_valid || wait_grant_o != '0 || signal_valid_i != '0;
  end

  queue_control u_control (
    .clk_i, .rst_ni, .cycle_i(cycle_q),
    .bus_timeout_i, .semaphore_timeout_i,
    .ring_i, .ring_size_i, .record_i, .enable_i, .enable_clear_o, .enabled_o,
    .doorbell_valid_i, .doorbell_i, .queue_reset_i,
    .busy_o, .faulted_o, .stuck_o,
    .fault_cause_o, .fault_unit_o, .fault_index_o, .fault_address_o,
    .irq_fault_o, .irq_idle_o, .irq_reset_done_o, .reset_request_o, .resetting_o,
    .ring_o(ring), .record_o(record), .slots_o(slots), .tail_o(tail),
    .window_use_o(enable_window_use), .window_start_o(enable_window_start),
    .window_write_o(enable_window_write), .window_first_o(enable_window_first),
    .window_last_o(enable_window_last), .window_done_i(window_done), .window_found_i(window_found),
    .fetch_idle_i(fetch_idle), .fetch_owed_i(fetch_owed),
    .fetch_owed_address_i(fetch_owed_address), .fetch_beat_i(fetch_beat),
    .fetch_arriving_i(fetch_arriving),
    .command_valid_i(command_valid), .decode_idle_i(decode_idle),
    .decode_offering_i(decode_offering), .stop_o(stop),
    .completed_i(completed), .fault_seen_i(fault_seen), .fault_valid_i(fault_valid),
    .fault_index_i(fault_index),
    .fault_cause_i(fault_cause), .fault_unit_i(fault_unit), .fault_address_i(fault_address),
    .record_idle_i(record_idle), .record_owed_i(record_owed),
    .record_owed_address_i(record_owed_address), .record_owed_index_i(record_owed_index),
    .record_beat_i(record_beat),
    .victim_valid_o(victim_valid), .victim_index_o(victim_index),
    .victim_semaphore_o(victim_semaphore), .victim_reported_i(victim_reported),
    .report_valid_o(timeout_valid), .report_o(timeout_report), .report_ready_i(report_ready[4]),
    .oldest_unit_i(oldest_unit), .oldest_done_i(oldest_done),
    .halt_o, .abandon_o, .flush_o, .clear_o(clear),
    .queued_i(queued), .failing_i(failing), .active_i(active),
    .unit_busy_i, .unit_owed_i, .unit_beat_i, .unit_owed_address_i, .unit_owed_index_i, .bus_owed_i,
    .unit_blocked_i, .unit_fault_i,
    .unit_blocked_semaphore_i,
    .memory_clear_o, .memory_clear_busy_i
  );

  // ---- fetch ----
  logic [63:0] fetch_fault_address;
  logic        read, word_valid, release_command;
  logic [3:0]  word_index;
  logic [63:0] word, word_place;
  logic        word_error, buffer_corrected, queue_corrected;

  command_fetch u_fetch (
    .clk_i, .rst_ni, .flush_i(flush_o), .stop_i(stop), .ring_i(ring),
    .slots_i(slots), .tail_i(tail),
    .command_valid_o(command_valid), .command_fault_o(command_fault),
    .fault_address_o(fetch_fault_address), .read_i(read), .word_valid_o(word_valid),
    .word_index_o(word_index), .word_o(word), .word_error_o(word_error),
    .word_place_o(word_place), .corrected_o(buffer_corrected), .release_i(release_command),
    .owed_o(fetch_owed), .owed_address_o(fetch_owed_address), .beat_o(fetch_beat),
    .arriving_o(fetch_arriving), .idle_o(fetch_idle),
    .ar_valid_o, .ar_address_o, .ar_beats_o, .ar_ready_i,
    .r_valid_i, .r_data_i, .r_error_i, .r_last_i, .r_ready_o
  );

  // ---- decode ----
  logic        decode_window_start, decode_window_write;
  logic [63:0] decode_window_first, decode_window_last;
  logic        dispatch_valid, dispatch_ready, window_open;
  logic [1:0]  dispatch_unit;
  header_t     dispatch_header;
  load_command_t   load_command;
  matrix_command_t matrix_command;
  store_command_t  store_command;
  logic        refuse_valid, refuse_ready;
  report_t     refuse;

  command_decode u_decode (
    .clk_i, .rst_ni, .flush_i(flush_o), .stop_i(stop), .cycle_i(cycle_q),
    .index_o(decode_index), .idle_o(decode_idle), .offering_o(decode_offering),
    .command_valid_i(command_valid), .command_fault_i(command_fault),
    .fault_address_i(fetch_fault_address), .read_o(read), .word_valid_i(word_valid),
    .word_index_i(word_index), .word_i(word), .word_error_i(word_error),
    .word_place_i(word_place), .release_o(release_command),
    .window_start_o(decode_window_start), .window_write_o(decode_window_write),
    .window_first_o(decode_window_first), .window_last_o(decode_window_last),
    .window_done_i(window_done), .window_found_i(window_found),
    .dispatch_valid_o(dispatch_valid), .dispatch_unit_o(dispatch_unit),
    .dispatch_header_o(dispatch_header), .load_command_o(load_command),
    .matrix_command_o(matrix_command), .store_command_o(store_command),
    .dispatch_ready_i(dispatch_ready), .binding_signal_unit_o,
    .refuse_valid_o(refuse_valid), .refuse_o(refuse), .refuse_ready_i(refuse_ready)
  );

  // The queue is checked before there is a command to decode: one checker serves both.
  window_check u_windows (
    .clk_i, .rst_ni, .window_base_i, .window_last_i, .window_permit_i,
    .start_i(enable_window_use ? enable_window_start : decode_window_start),
    .write_i(enable_window_use ? enable_window_write : decode_window_write),
    .first_i(enable_window_use ? enable_window_first : decode_window_first),
    .last_i(enable_window_use ? enable_window_last : decode_window_last),
    .done_o(window_done), .found_o(window_found)
  );

  // ---- dispatch ----
  command_dispatch u_dispatch (
    .clk_i, .rst_ni, .clear_i(flush_o), .cycle_i(cycle_q),
    .dispatch_valid_i(dispatch_valid), .dispatch_unit_i(dispatch_unit),
    .dispatch_header_i(dispatch_header), .load_command_i(load_command),
    .matrix_command_i(matrix_command), .store_command_i(store_command),
    .dispatch_ready_o(dispatch_ready), .window_open_i(window_open),
    .load_command_valid_o, .load_command_o, .load_command_ready_i,
    .matrix_command_valid_o, .matrix_command_o, .matrix_command_ready_i,
    .store_command_valid_o, .store_command_o, .store_command_ready_i,
    .queued_o(queued), .corrected_o(queue_corrected),
    .report_valid_o(nop_valid), .report_o(nop_report), .report_ready_i(report_ready[3])
  );

  // ---- semaphores ----
  semaphores #(.Units(3)) u_semaphores (
    .clk_i, .rst_ni, .clear_i(clear),
    .wait_valid_i, .wait_i, .wait_grant_o, .signal_valid_i, .signal_i,
    .signal_ready_o, .signal_overflow_o
  );

  // ---- completion ----
  completion u_completion (
    .clk_i, .rst_ni, .flush_i(flush_o), .clear_i(clear), .cycle_i(cycle_q),
    .record_i(record), .slots_i(slots),
    .dispatched_i(dispatch_valid && dispatch_ready), .dispatch_index_i(decode_index),
    .dispatch_unit_i(dispatch_unit), .window_open_o(window_open),
    .report_valid_i({timeout_valid, nop_valid, report_valid_i}),
    .report_i({timeout_report, nop_report, report_i}), .report_ready_o(report_ready),
    .refuse_valid_i(refuse_valid), .refuse_i(refuse), .refuse_ready_o(refuse_ready),
    .victim_valid_i(victim_valid), .victim_index_i(victim_index),
    .victim_semaphore_i(victim_semaphore), .victim_reported_o(victim_reported),
    .oldest_unit_o(oldest_unit), .oldest_done_o(oldest_done),
    .completed_o(completed), .irq_command_o, .command_done_o,
    .fault_seen_o(fault_seen), .fault_valid_o(fault_valid), .fault_index_o(fault_index),
    .fault_cause_o(fault_cause), .fault_unit_o(fault_unit), .fault_address_o(fault_address),
    .idle_o(record_idle), .owed_o(record_owed), .owed_address_o(record_owed_address),
    .owed_index_o(record_owed_index), .beat_o(record_beat),
    .aw_valid_o, .aw_address_o, .aw_beats_o, .aw_ready_i,
    .w_valid_o, .w_data_o, .w_strobe_o, .w_last_o, .w_ready_i,
    .b_valid_i, .b_error_i, .b_ready_o
  );
  assign completed_o = completed;
  assign report_ready_o = report_ready[2:0];
  assign corrected_o = buffer_corrected || queue_corrected;

  `ASSERT(IrqFaultOnce, !irq_fault_o || faulted_o)

endmodule

`default_nettype wire
