// Started matrix commands in order: counts their visible rows, gives their signals, reports their
// ends.
//
// `push_i` enters a started command into slot `slot_o` (not while `full_o`). `row_visible_i` says
// that the next row in issue order is visible from the following cycle on; rows belong to commands
// in order. The oldest command signals as its rows come and is reported once all of them are
// visible and all signals given: two cycles after its last row at the earliest.
//
// A stop ends a command early: a fault or a refused signal fails it, `abandon_i` aborts it. From
// then `stopped_o` holds until `clear_i`; older commands end as usual, the stopped one is reported
// once `drained_i`, the younger ones as aborted. Of several stops that of the oldest command
// counts.
`include "systolith_assert.svh"
`default_nettype none

module command_tracker
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import matrix_pkg::*;
#(
  parameter int unsigned Faults = 1
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         clear_i,
  // start of a command
  input  logic         push_i,
  input  header_t      push_header_i,
  input  logic [31:0]  push_rows_i,
  input  cycle_t       push_start_i,
  output slot_t        slot_o,
  output logic         full_o,
  // rows
  input  logic         row_visible_i,
  input  logic         drained_i,       // no row in the array
  // stops
  input  fault_t [Faults-1:0] faults_i,   // of a command whose rows are not all visible
  input  logic         abandon_i,
  input  slot_t        abandon_slot_i,
  output logic         stopped_o,
  // signals
  output logic [1:0]   signal_valid_o,
  output sync_t [1:0]  signal_o,
  input  logic [1:0]   signal_ready_i,
  input  logic [1:0]   signal_overflow_i,
  // reports
  output logic         report_valid_o,
  output report_t      report_o,
  input  logic         report_ready_i,
  // state
  output logic         busy_o,          // a command or a report is held
  output logic         quiet_o          // nothing to do before the next row comes
);

  localparam int unsigned CountWidth = $clog2(CommandSlots + 1);

  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
    logic [7:0]  opcode;
    sync_t [1:0] signals;
    logic [31:0] rows;
    cycle_t      start;
  } entry_t;

  typedef struct packed {
    logic        valid;
    slot_t       slot;
    logic [7:0]  state;
    logic [7:0]  cause;
    logic [31:0] address;
  } stop_t;

  entry_t entries_q [CommandSlots];
  slot_t head_q, head_d, tail_q, tail_d;
  logic [CountWidth-1:0] count_q, count_d;
  logic running_q, running_d;            // the oldest command's gates have been started
  logic [31:0] left_q, left_d;           // its rows that are not visible yet
  logic [31:0] backlog_q, backlog_d;     // visible rows of commands that are not running yet
  stop_t stop_q, stop_d;
  logic past_stop_q, past_stop_d;        // the stopped command has been reported
  logic report_valid_q, report_valid_d;
  report_t report_q, report_d;

  entry_t head, pushed;
  assign head = entries_q[head_q];
  always_comb begin
    pushed.index = push_header_i.index;
    pushed.record = push_header_i.record;
    pushed.raise_irq = push_header_i.raise_irq;
    pushed.opcode = push_header_i.opcode;
    pushed.signals = push_header_i.signals;
    pushed.rows = push_rows_i;
    pushed.start = push_start_i;
  end

  logic head_stopped, start, finish, pop;
  logic [31:0] visible, feed;
  logic [1:0] signals_done, overflow;

  assign head_stopped = past_stop_q || (stop_q.valid && stop_q.slot == head_q);
  assign start = (count_q != '0) && !running_q && !head_stopped;
  assign visible = backlog_q + 32'(row_visible_i);
  assign feed = (!running_q || head_stopped) ? '0 : (visible < left_q) ? visible : left_q;
  assign finish = head_stopped ? (count_q != '0) && drained_i && !row_visible_i
                               : running_q && left_q == '0 && (&signals_done);
  assign pop = finish && !report_valid_q;

  // ---- stops ----
  function automatic slot_t age(slot_t slot, slot_t oldest);
    return slot - oldest;
  endfunction

  always_comb begin
    stop_d = stop_q;
    past_stop_d = past_stop_q || (pop && head_stopped);
    if (!past_stop_q) begin
      for (int unsigned f = 0; f < Faults; f++) begin
        if (faults_i[f].valid &&
            (!stop_d.valid || age(faults_i[f].slot, head_q) < age(stop_d.slot, head_q))) begin
          stop_d.valid = 1'b1;
          stop_d.slot = faults_i[f].slot;
          stop_d.state = command_pkg::StateFailed;
          stop_d.cause = faults_i[f].cause;
          stop_d.address = faults_i[f].address;
        end
      end
      if (abandon_i && !stop_d.valid) begin
        stop_d.valid = 1'b1;
        stop_d.slot = abandon_slot_i;
        stop_d.state = command_pkg::StateAborted;
        stop_d.cause = command_pkg::CauseAborted;
        stop_d.address = '0;
      end
      if (overflow != '0 && !head_stopped) begin
        stop_d.valid = 1'b1;
        stop_d.slot = head_q;
        stop_d.state = command_pkg::StateFailed;
        stop_d.cause = command_pkg::CauseSemaphoreOverflow;
        stop_d.address = overflow[0] ? 32'(head.signals[0].semaphore_index)
                                     : 32'(head.signals[1].semaphore_index);
      end
    end
    if (clear_i) begin
      stop_d = '0;
      past_stop_d = 1'b0;
    end
  end

  assign stopped_o = stop_q.valid;

  // ---- queue of commands ----
  always_comb begin
    head_d = head_q;
    tail_d = tail_q;
    count_d = count_q;
    running_d = running_q;
    left_d = left_q - feed;
    backlog_d = visible - feed;
    if (push_i) begin
      tail_d = tail_q + 1'b1;
      count_d = count_q + 1'b1;
    end
    if (start) begin
      running_d = 1'b1;
      left_d = head.rows;
    end
    if (pop) begin
      running_d = 1'b0;
      head_d = head_q + 1'b1;
      count_d = push_i ? count_q : count_q - 1'b1;
    end
    if (clear_i) begin
      head_d = '0;
      tail_d = '0;
      count_d = '0;
      running_d = 1'b0;
      left_d = '0;
      backlog_d = '0;
    end
  end

  // ---- report ----
  always_comb begin
    report_valid_d = report_valid_q && !report_ready_i;
    if (pop) report_valid_d = 1'b1;
    if (clear_i) report_valid_d = 1'b0;
    report_d.index = head.index;
    report_d.record = head.record;
    report_d.raise_irq = head.raise_irq;
    report_d.unit = command_pkg::UnitMatrix;
    report_d.opcode = head.opcode;
    report_d.state = command_pkg::StateCompleted;
    report_d.cause = command_pkg::CauseNone;
    report_d.address = '0;
    report_d.start = head.start;
    if (past_stop_q) begin
      report_d.state = command_pkg::StateAborted;
      report_d.cause = command_pkg::CauseAborted;
    end else if (head_stopped) begin
      report_d.state = stop_q.state;
      report_d.cause = stop_q.cause;
      report_d.address = 64'(stop_q.address);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q <= '0;
      tail_q <= '0;
      count_q <= '0;
      running_q <= 1'b0;
      left_q <= '0;
      backlog_q <= '0;
      stop_q <= '0;
      past_stop_q <= 1'b0;
      report_valid_q <= 1'b0;
    end else begin
      head_q <= head_d;
      tail_q <= tail_d;
      count_q <= count_d;
      running_q <= running_d;
      left_q <= left_d;
      backlog_q <= backlog_d;
      stop_q <= stop_d;
      past_stop_q <= past_stop_d;
      report_valid_q <= report_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push_i) entries_q[tail_q] <= pushed;
    if (pop) report_q <= report_d;
  end

  for (genvar s = 0; s < 2; s++) begin : gen_signal
    signal_gate u_gate (
      .clk_i, .rst_ni,
      .start_i(start), .clear_i(clear_i || head_stopped),
      .sync_i(head.signals[s]), .rows_i(head.rows), .rows_done_i(feed),
      .done_o(signals_done[s]), .overflow_o(overflow[s]),
      .signal_valid_o(signal_valid_o[s]), .signal_o(signal_o[s]), .signal_ready_i(signal_ready_i[s]),
      .signal_overflow_i(signal_overflow_i[s])
    );
  end

  logic unused;   // the waits
  assign unused = ^push_header_i;

  assign slot_o = tail_q;
  assign full_o = (count_q == CountWidth'(CommandSlots));
  assign report_valid_o = report_valid_q;
  assign report_o = report_q;
  assign busy_o = (count_q != '0) || report_valid_q;
  assign quiet_o = !report_valid_q && backlog_q == '0 && signal_valid_o == '0 &&
      (count_q == '0 || (count_q == CountWidth'(1) && running_q && left_q != '0));

  `ASSERT(RoomForPush, !push_i || !full_o)
  `ASSERT(RowOfACommand, !row_visible_i || count_q != '0)

endmodule

`default_nettype wire
