// End of the load unit's commands: counts their written rows, gives their signals and reports them,
// in ring order.
//
// Holds one command, the tracked one: the oldest that is not reported. It is the current command of
// `load_write` or the one before it. A fault (error of a beat, refused signal) or an abandoned wait
// stops the unit (`stop_o`, until `flush_i`): once the bus is paid the oldest unfinished command is
// reported failed (aborted, if abandoned), then the rest aborted.
//
// Timing: a signal one cycle after its rows are written; the report one cycle after the last row,
// two with signals.
`include "systolith_assert.svh"
`default_nettype none

module load_retire
  import systolith_pkg::*;
  import command_pkg::*;
  import load_pkg::*;
(
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          flush_i,

    // current command of `load_write`
    input  logic          current_valid_i,
    input  load_context_t current_i,
    output logic          current_tracked_o,
    output logic          current_drop_o,
    input  logic          current_cut_i,     // its last word was cut: another becomes current
    input  logic          row_done_i,
    input  logic          command_done_i,

    // faults
    input  logic          error_i,           // a beat of the burst at error_address_i had an error
    input  address_t      error_address_i,
    input  logic          abandon_i,         // the current command waits for a row that can't come
    input  logic          drained_i,         // nothing owed and no data held
    output logic          stop_o,

    // semaphores
    output logic [1:0]    signal_valid_o,
    output sync_t [1:0]   signal_o,
    input  logic [1:0]    signal_ready_i,
    input  logic [1:0]    signal_overflow_i,

    // report
    output logic          report_valid_o,
    output report_t       report_o,
    input  logic          report_ready_i,

    output logic          tracked_o          // a command is tracked
);

  // ---- tracked command ----
  logic tracked_q, tracked_d;
  logic fresh_q, fresh_d;              // first cycle: the gates are being set up
  logic is_current_q, is_current_d;    // it is the current command
  logic written_q, written_d;          // all its rows are
  logic refused_q, refused_d;          // one of its signals was
  load_context_t context_q;
  rows_t early_rows_q, early_rows_d;   // written rows of the current command before it is tracked
  logic track;

  // ---- fault ----
  logic stop_q, stop_d;
  logic failed_q, failed_d;            // the failure was reported: the rest is aborted
  address_t fault_address_q;
  logic [SemaphoreWidth-1:0] fault_semaphore_q;

  logic [1:0] gate_done, gate_overflow;
  rows_t rows_done;
  logic row_of_tracked;
  logic completed, given_up, leaves;

  assign row_of_tracked = row_done_i && (is_current_q || command_done_i);
  assign rows_done      = rows_t'(row_of_tracked) + (fresh_q ? early_rows_q : '0);

  for (genvar i = 0; i < 2; i++) begin : gen_signal
    signal_gate #(.CountWidth(RowsWidth)) u_signal_gate (
        .clk_i,
        .rst_ni,
        .start_i          (tracked_q && fresh_q),
        .clear_i          (flush_i || given_up),
        .sync_i           (context_q.signals[i]),
        .rows_i           (context_q.rows),
        .rows_done_i      (rows_done),
        .done_o           (gate_done[i]),
        .overflow_o       (gate_overflow[i]),
        .signal_valid_o   (signal_valid_o[i]),
        .signal_o         (signal_o[i]),
        .signal_ready_i   (signal_ready_i[i]),
        .signal_overflow_i(signal_overflow_i[i])
    );
  end

  assign completed = tracked_q && !fresh_q && written_q && (&gate_done) && !refused_q;
  assign given_up  = tracked_q && !fresh_q && stop_q && drained_i && (!written_q || refused_q);
  assign leaves    = report_valid_o && report_ready_i;
  assign track     = current_valid_i && !is_current_q && (!tracked_q || leaves) &&
                     !(stop_q && !drained_i);

  // A stopped unit has no more words to cut: its commands move up from here.
  assign current_tracked_o = is_current_q;
  assign current_drop_o    = stop_q && (track || (leaves && is_current_q));

  always_comb begin
    tracked_d    = tracked_q;
    fresh_d      = 1'b0;
    is_current_d = is_current_q;
    written_d    = written_q;
    refused_d    = refused_q || (|gate_overflow);
    early_rows_d = early_rows_q;
    if (fresh_q) early_rows_d = '0;
    if (row_done_i && !row_of_tracked) early_rows_d = early_rows_q + 1'b1;
    if (command_done_i) written_d = 1'b1;
    if (leaves) begin
      tracked_d    = 1'b0;
      is_current_d = 1'b0;
    end
    if (current_cut_i) is_current_d = 1'b0;
    if (track) begin
      tracked_d    = 1'b1;
      fresh_d      = 1'b1;
      is_current_d = !stop_q;
      written_d    = 1'b0;
      refused_d    = 1'b0;
    end
    if (flush_i) begin
      tracked_d    = 1'b0;
      fresh_d      = 1'b0;
      is_current_d = 1'b0;
      early_rows_d = '0;
    end
  end

  always_comb begin
    stop_d      = stop_q || error_i || abandon_i || (|gate_overflow);
    failed_d    = failed_q || abandon_i || (leaves && given_up);
    if (flush_i) begin
      stop_d   = 1'b0;
      failed_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tracked_q    <= 1'b0;
      fresh_q      <= 1'b0;
      is_current_q <= 1'b0;
      written_q    <= 1'b0;
      refused_q    <= 1'b0;
      early_rows_q <= '0;
      stop_q       <= 1'b0;
      failed_q     <= 1'b0;
    end else begin
      tracked_q    <= tracked_d;
      fresh_q      <= fresh_d;
      is_current_q <= is_current_d;
      written_q    <= written_d;
      refused_q    <= refused_d;
      early_rows_q <= early_rows_d;
      stop_q       <= stop_d;
      failed_q     <= failed_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (track) context_q <= current_i;
    if (error_i) fault_address_q <= error_address_i;
    if (gate_overflow[0]) fault_semaphore_q <= context_q.signals[0].semaphore_index;
    else if (gate_overflow[1]) fault_semaphore_q <= context_q.signals[1].semaphore_index;
  end

  // ---- report ----
  assign report_valid_o = completed || given_up;

  always_comb begin
    report_o.index     = context_q.index;
    report_o.record    = context_q.record;
    report_o.raise_irq = context_q.raise_irq;
    report_o.unit      = UnitLoad;
    report_o.opcode    = context_q.opcode;
    report_o.state     = StateCompleted;
    report_o.cause     = CauseNone;
    report_o.address   = '0;
    report_o.start     = context_q.start;
    if (given_up) begin
      if (failed_q) begin
        report_o.state = StateAborted;
        report_o.cause = CauseAborted;
      end else begin
        report_o.state   = StateFailed;
        report_o.cause   = refused_q ? CauseSemaphoreOverflow : CauseBusRead;
        report_o.address = refused_q ? 64'(fault_semaphore_q) : 64'(fault_address_q);
      end
    end
  end

  assign stop_o    = stop_q;
  assign tracked_o = tracked_q;

  logic unused_current;
  assign unused_current = ^{context_q.run, context_q.rows_in_run, context_q.accumulators,
                            context_q.tag, context_q.local_base, context_q.local_pitch};

  `ASSERT(RowHasCommand, !row_done_i || tracked_q || current_valid_i)
  `ASSERT(LastRowIsTracked, !command_done_i || (tracked_q && !written_q))
  `ASSERT_NEXT(ReportHolds, report_valid_o && !report_ready_i && !flush_i,
      report_valid_o && $stable(report_o))

endmodule

`default_nettype wire
