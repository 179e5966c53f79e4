// Load unit: runs LOAD commands, strided reads from memory into scratchpad or accumulators.
//
//   command -> load_issue -> AR                       addresses run ahead of the data
//                 | contexts, owed bursts
//        R -> load_write -> scratchpad, accumulators  cuts the beats into rows
//                 | rows written
//             load_retire -> signals, report          end of commands, faults
//
// The unit contract (commands, waits, signals, reports, halt, abandon, flush) is in
// docs/architecture.md.
//
// Faults: a beat with an error is cause `bus_read` with the address of its burst. No address is
// presented from two cycles after it (an AR that is presented then stays until it is accepted), its
// data and all later data are taken and dropped, and once nothing is owed the command is reported
// failed and started younger ones aborted. A signal that the semaphore refuses likewise. Then
// nothing starts until `flush_i`. Commands older than the faulty one are written and reported as
// ever.
//
// `owed_o` counts a burst from the presentation of its address to its last beat. In a flush every
// beat taken is a pulse of `dropped_beats_o`.
//
// Timing: AR is valid 4 cycles after an unhindered command was taken; a word is offered to the
// memory 2 cycles after its beat; signals 1 and the report 2 cycles after the last word is
// accepted. Throughput: a burst address a cycle, a beat a cycle for rows of any alignment, a row a
// cycle for rows shorter than a beat; about 4 cycles a command at least.
//
// CommandsInFlight >= 1: started commands between address side and data side, beyond the one on
// each side.
`include "systolith_assert.svh"
`default_nettype none

module load_unit
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import load_pkg::*;
#(
    parameter int unsigned CommandsInFlight = 4
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,

    // command
    input  logic                            command_valid_i,
    input  load_command_t                   command_i,
    output logic                            command_ready_o,

    // semaphores
    output logic [1:0]                      wait_valid_o,
    output sync_t [1:0]                     wait_o,
    input  logic [1:0]                      wait_grant_i,
    output logic [1:0]                      signal_valid_o,
    output sync_t [1:0]                     signal_o,
    input  logic [1:0]                      signal_ready_i,
    input  logic [1:0]                      signal_overflow_i,

    // report
    output logic                            report_valid_o,
    output report_t                         report_o,
    input  logic                            report_ready_i,

    // control
    input  cycle_t                          cycle_i,
    input  logic                            halt_i,
    input  logic                            abandon_i,
    input  logic                            flush_i,
    output logic                            busy_o,
    output logic                            owed_o,
    output address_t                        owed_address_o,   // of the oldest burst owed
    output logic [31:0]                     owed_index_o,     // its command, once all earlier data is written
    output logic                            beat_o,           // pulse: a beat was taken
    output logic                            dropped_beats_o,  // pulse: one was dropped by the flush
    output logic                            blocked_o,
    output logic                            fault_o,

    // scratchpad
    output logic                            scratchpad_write_valid_o,
    output line_index_t                     scratchpad_write_line_o,
    output logic [WordIndexWidth-1:0]       scratchpad_write_word_o,
    output bus_data_t                       scratchpad_write_data_o,
    output bus_strobe_t                     scratchpad_write_strobe_o,

    // accumulators
    output logic                            accumulator_write_valid_o,
    input  logic                            accumulator_write_ready_i,
    output accumulator_index_t              accumulator_write_row_o,
    output logic [AccumulatorWordWidth-1:0] accumulator_write_word_o,
    output bus_data_t                       accumulator_write_data_o,
    output logic [ColumnsPerWord-1:0]       accumulator_write_strobe_o,
    output logic [1:0]                      accumulator_write_tag_o,

    // AXI read channels
    output logic                            ar_valid_o,
    output address_t                        ar_address_o,
    output logic [8:0]                      ar_beats_o,
    input  logic                            ar_ready_i,
    input  logic                            r_valid_i,
    input  bus_data_t                       r_data_i,
    input  logic                            r_error_i,
    input  logic                            r_last_i,
    output logic                            r_ready_o
);

  localparam int unsigned OffsetWidth = $clog2(BusBytes);

  logic context_valid, context_ready;
  load_context_t context_data;
  logic burst_valid, burst_done;
  address_t burst_address;
  logic [OffsetWidth-1:0] burst_offset;
  logic [8:0] burst_beats;
  logic held, waits_start, waits_row;
  logic stop, read_error, abandon;
  logic current_valid, current_tracked, current_drop, current_cut;
  load_context_t current_data;
  logic row_done, command_done, quiet, tracked;
  logic drained;

  load_issue #(
      .CommandsInFlight(CommandsInFlight)
  ) u_issue (
      .clk_i,
      .rst_ni,
      .command_valid_i,
      .command_i,
      .command_ready_o,
      .wait_valid_o,
      .wait_o,
      .wait_grant_i,
      .cycle_i,
      .halt_i,
      .flush_i,
      .stop_i         (stop),
      .context_valid_o(context_valid),
      .context_o      (context_data),
      .context_ready_i(context_ready),
      .burst_valid_o  (burst_valid),
      .burst_address_o(burst_address),
      .burst_offset_o (burst_offset),
      .burst_beats_o  (burst_beats),
      .burst_done_i   (burst_done),
      .ar_valid_o,
      .ar_address_o,
      .ar_beats_o,
      .ar_ready_i,
      .held_o         (held),
      .waits_start_o  (waits_start),
      .waits_row_o    (waits_row)
  );

  load_write u_write (
      .clk_i,
      .rst_ni,
      .context_valid_i  (context_valid),
      .context_i        (context_data),
      .context_ready_o  (context_ready),
      .burst_valid_i    (burst_valid),
      .burst_offset_i   (burst_offset),
      .burst_beats_i    (burst_beats),
      .burst_done_o     (burst_done),
      .r_valid_i,
      .r_data_i,
      .r_error_i,
      .r_last_i,
      .r_ready_o,
      .flush_i,
      .stop_i           (stop),
      .error_o          (read_error),
      .current_valid_o  (current_valid),
      .current_o        (current_data),
      .current_tracked_i(current_tracked),
      .current_drop_i   (current_drop),
      .current_cut_o    (current_cut),
      .row_done_o       (row_done),
      .command_done_o   (command_done),
      .quiet_o          (quiet),
      .scratchpad_write_valid_o,
      .scratchpad_write_line_o,
      .scratchpad_write_word_o,
      .scratchpad_write_data_o,
      .scratchpad_write_strobe_o,
      .accumulator_write_valid_o,
      .accumulator_write_ready_i,
      .accumulator_write_row_o,
      .accumulator_write_word_o,
      .accumulator_write_data_o,
      .accumulator_write_strobe_o,
      .accumulator_write_tag_o
  );

  assign drained = !burst_valid && quiet;
  // Only when everything older has ended: then the waiting command is the current and the tracked
  // one.
  assign abandon = halt_i && abandon_i && waits_row && drained && current_tracked &&
                   !context_valid && !stop;

  load_retire u_retire (
      .clk_i,
      .rst_ni,
      .flush_i,
      .current_valid_i  (current_valid),
      .current_i        (current_data),
      .current_tracked_o(current_tracked),
      .current_drop_o   (current_drop),
      .current_cut_i    (current_cut),
      .row_done_i       (row_done),
      .command_done_i   (command_done),
      .error_i          (read_error),
      .error_address_i  (burst_address),
      .abandon_i        (abandon),
      .drained_i        (drained),
      .stop_o           (stop),
      .signal_valid_o,
      .signal_o,
      .signal_ready_i,
      .signal_overflow_i,
      .report_valid_o,
      .report_o,
      .report_ready_i,
      .tracked_o        (tracked)
  );

  assign busy_o          = held || context_valid || current_valid || tracked;
  assign owed_o          = burst_valid;
  assign owed_address_o  = burst_address;
  assign owed_index_o    = current_data.index;
  assign beat_o          = r_valid_i && r_ready_o;
  assign dropped_beats_o = beat_o && flush_i;

  // Rows that were just written become signals a cycle later, so standing still shows in two
  // cycles.
  logic still, still_q;
  assign still = drained && !stop && !flush_i && !context_valid &&
                 ((waits_row && current_tracked) || (waits_start && !current_valid && !tracked));
  assign fault_o = stop;
  assign blocked_o = still && still_q && signal_valid_o == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) still_q <= 1'b0;
    else still_q <= still;
  end

  `ASSERT(AddressIsOwed, !ar_valid_o || owed_o)
  `ASSERT(BlockedIsIdle, !blocked_o || (!owed_o && !report_valid_o))

endmodule

`default_nettype wire
