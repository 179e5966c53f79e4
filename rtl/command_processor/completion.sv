// Takes the ends of commands, has their records written, counts them off in ring order and keeps
// the first fault.
//
// Reports come from the units, NOP, the decoder's refusals (taken only once all earlier commands
// are counted) and from queue_control for a command that a time-out failed before it started. A
// report is taken each cycle while the record writer has room. A command with a record is complete
// at its record's response, any other when its report is taken. `completed_o` follows in ring
// order, one a cycle.
//
// Indices up to Window - 1 ahead of `completed_o` can be in flight: `window_open_o` tells the
// dispatcher that one more fits. `fault_seen_o` pulses for every failed command. `clear_i`: as
// after reset (with the writer drained).
`include "systolith_assert.svh"
`default_nettype none

module completion
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        flush_i,          // queue reset: nothing new is taken, the writer drains
  input  logic        clear_i,
  input  cycle_t      cycle_i,
  input  address_t    record_i,
  input  logic [16:0] slots_i,

  // dispatched commands
  input  logic        dispatched_i,     // pulse
  input  logic [31:0] dispatch_index_i,
  input  logic [1:0]  dispatch_unit_i,
  output logic        window_open_o,

  // reports: load, matrix, store, NOP, time-out
  input  logic    [4:0] report_valid_i,
  input  report_t [4:0] report_i,
  output logic    [4:0] report_ready_o,
  input  logic        refuse_valid_i,
  input  report_t     refuse_i,
  output logic        refuse_ready_o,

  // a semaphore time-out: the report of this command is turned into a failure
  input  logic        victim_valid_i,
  input  logic [31:0] victim_index_i,
  input  logic [63:0] victim_semaphore_i,
  output logic        victim_reported_o,   // pulse

  // the oldest command that is not counted
  output logic [1:0]  oldest_unit_o,
  output logic        oldest_done_o,       // it is complete, and counted next

  // what the host sees
  output logic [31:0] completed_o,
  output logic        irq_command_o,
  output logic        command_done_o,      // pulse: one completed
  output logic        fault_seen_o,        // pulse
  output logic        fault_valid_o,       // level: the following hold the first fault
  output logic [31:0] fault_index_o,
  output logic [7:0]  fault_cause_o,
  output logic [7:0]  fault_unit_o,
  output logic [63:0] fault_address_o,

  // record writer's debts
  output logic        idle_o,
  output logic        owed_o,
  output address_t    owed_address_o,
  output logic [31:0] owed_index_o,
  output logic        beat_o,

  // AXI write channel
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
  output logic        b_ready_o
);

  // Room for all that can be between the decoder and the units' ends.
  localparam int unsigned Window = 1 << $clog2(FetchBuffer + 3 * (UnitQueueDepth + 8));
  localparam int unsigned PlaceWidth = $clog2(Window);
  typedef logic [PlaceWidth-1:0] place_t;
  localparam int unsigned Reporters = 5;

  logic [31:0]       completed_q, completed_d;
  logic [Window-1:0] done_q, done_d;

  // ---- which report ----
  logic [Reporters-1:0] chosen;
  logic    take, writer_ready, write_record, is_victim;
  report_t taken;

  always_comb begin
    chosen = '0;
    taken = refuse_i;
    for (int unsigned r = 0; r < Reporters; r++) begin
      if (report_valid_i[r] && chosen == '0) begin
        chosen[r] = 1'b1;
        taken = report_i[r];
      end
    end
    is_victim = victim_valid_i && taken.index == victim_index_i;
    if (is_victim && taken.state == StateAborted) begin
      taken.state = StateFailed;
      taken.cause = CauseSemaphoreTimeout;
      taken.address = victim_semaphore_i;
    end
    refuse_ready_o = chosen == '0 && completed_q == refuse_i.index && writer_ready && !flush_i;
    report_ready_o = (writer_ready || flush_i) ? chosen : '0;
    take = !flush_i && ((chosen != '0 && writer_ready) || (refuse_valid_i && refuse_ready_o));
  end
  assign victim_reported_o = take && is_victim;
  assign write_record = taken.record || taken.state != StateCompleted;

  // ---- records ----
  logic        written, written_completed, written_interrupt, written_error;
  logic [31:0] written_index;
  address_t    written_address;

  record_writer u_writer (
    .clk_i, .rst_ni, .flush_i,
    .base_i(record_i), .slots_i,
    .valid_i(take && write_record), .report_i(taken), .end_i(cycle_i), .ready_o(writer_ready),
    .done_valid_o(written), .done_index_o(written_index), .done_completed_o(written_completed),
    .done_interrupt_o(written_interrupt), .done_error_o(written_error),
    .done_address_o(written_address),
    .idle_o, .owed_o, .owed_address_o, .owed_index_o, .beat_o,
    .aw_valid_o, .aw_address_o, .aw_beats_o, .aw_ready_i,
    .w_valid_o, .w_data_o, .w_strobe_o, .w_last_o, .w_ready_i,
    .b_valid_i, .b_error_i, .b_ready_o
  );

  // ---- in ring order ----
  logic complete_now;      // a command without a record
  assign complete_now = take && !write_record;

  always_comb begin
    done_d = done_q;
    completed_d = completed_q;
    if (done_q[place_t'(completed_q)]) begin
      done_d[place_t'(completed_q)] = 1'b0;
      completed_d = completed_q + 32'd1;
    end
    if (complete_now) done_d[place_t'(taken.index)] = 1'b1;
    if (written) done_d[place_t'(written_index)] = 1'b1;
    if (clear_i) begin
      done_d = '0;
      completed_d = '0;
    end
  end

  assign completed_o = completed_q;
  assign window_open_o = dispatch_index_i - completed_q < 32'(Window);

  // Two commands can complete in one cycle: the pulses of some follow later.
  logic done_good, written_good;
  logic [PlaceWidth:0] late_q, late_d, completions;
  assign done_good = complete_now && taken.state == StateCompleted;
  assign written_good = written && written_completed && !written_error;
  assign completions = late_q + (PlaceWidth + 1)'(done_good) + (PlaceWidth + 1)'(written_good);
  assign command_done_o = completions != '0;
  assign late_d = command_done_o ? completions - 1'b1 : '0;
  assign irq_command_o = (done_good && taken.raise_irq) || (written_good && written_interrupt);

  // ---- units of the commands in flight ----
  logic [1:0] unit_of [Window];
  always_ff @(posedge clk_i) begin
    if (dispatched_i) unit_of[place_t'(dispatch_index_i)] <= dispatch_unit_i;
  end
  assign oldest_unit_o = unit_of[place_t'(completed_q)];
  assign oldest_done_o = done_q[place_t'(completed_q)];

  // ---- the first fault in ring order ----
  logic        fault_valid_q, fault_valid_d;
  logic [31:0] fault_index_q, fault_index_d;
  logic [7:0]  fault_cause_q, fault_cause_d, fault_unit_q, fault_unit_d;
  logic [63:0] fault_address_q, fault_address_d;
  logic        failed, record_failed;

  function automatic logic earlier(logic [31:0] index, logic [31:0] than);
    return (index - than) >= 32'h8000_0000;
  endfunction

  assign failed = take && taken.state == StateFailed;
  assign record_failed = written && written_error;
  assign fault_seen_o = failed || record_failed;

  always_comb begin
    fault_valid_d = fault_valid_q;
    fault_index_d = fault_index_q;
    fault_cause_d = fault_cause_q;
    fault_unit_d = fault_unit_q;
    fault_address_d = fault_address_q;
    if (failed && (!fault_valid_d || earlier(taken.index, fault_index_d))) begin
      fault_valid_d = 1'b1;
      fault_index_d = taken.index;
      fault_cause_d = taken.cause;
      fault_unit_d = taken.unit;
      fault_address_d = taken.address;
    end
    if (record_failed && (!fault_valid_d || earlier(written_index, fault_index_d))) begin
      fault_valid_d = 1'b1;
      fault_index_d = written_index;
      fault_cause_d = CauseBusRecord;
      fault_unit_d = UnitCommandProcessor;
      fault_address_d = 64'(written_address);
    end
    if (clear_i) fault_valid_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      completed_q <= '0;
      done_q <= '0;
      late_q <= '0;
      fault_valid_q <= 1'b0;
    end else begin
      completed_q <= completed_d;
      done_q <= done_d;
      late_q <= late_d;
      fault_valid_q <= fault_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    fault_index_q <= fault_index_d;
    fault_cause_q <= fault_cause_d;
    fault_unit_q <= fault_unit_d;
    fault_address_q <= fault_address_d;
  end

  assign fault_valid_o = fault_valid_q;
  assign fault_index_o = fault_index_q;
  assign fault_cause_o = fault_cause_q;
  assign fault_unit_o = fault_unit_q;
  assign fault_address_o = fault_address_q;

  `ASSERT(OnceEach, !complete_now || !done_q[place_t'(taken.index)])
  `ASSERT(InFlight, !take || taken.index - completed_q < 32'(Window))

endmodule

`default_nettype wire
