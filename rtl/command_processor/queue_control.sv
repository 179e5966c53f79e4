// The queue's life: enable and its checks, doorbell, faults, time-outs, reset.
//
//   Off -> CheckRing -> CheckRecords -> Run -> Halt -> Faulted   (fault; of the checks at once)
//   any but Stuck -> Drain -> Clear -> Off                            (queue reset)
//   any -> Stuck                                     (bus time-out; only rst_ni leads out)
//
// Halt: units start nothing more (`halt_o`); once each is idle or only blocked on a semaphore, and
// stays so for Settle cycles, those blocked are told to abandon; once all is idle, recorded, counted
// and paid the queue is Faulted. A semaphore time-out halts likewise, and fails the oldest command
// that is not complete. Latency: `tail_o` the cycle after a doorbell; `halt_o` the cycle after a
// unit has a fault, before its report.
`include "systolith_assert.svh"
`default_nettype none

module queue_control
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  cycle_t      cycle_i,

  // registers
  input  logic [31:0] bus_timeout_i,
  input  logic [31:0] semaphore_timeout_i,
  input  logic [63:0] ring_i,
  input  logic [4:0]  ring_size_i,
  input  logic [63:0] record_i,
  input  logic        enable_i,
  output logic        enable_clear_o,
  output logic        enabled_o,
  input  logic        doorbell_valid_i,
  input  logic [31:0] doorbell_i,
  input  logic        queue_reset_i,
  output logic        busy_o,
  output logic        faulted_o,
  output logic        stuck_o,
  output logic [7:0]  fault_cause_o,
  output logic [7:0]  fault_unit_o,
  output logic [31:0] fault_index_o,
  output logic [63:0] fault_address_o,
  output logic        irq_fault_o,
  output logic        irq_idle_o,
  output logic        irq_reset_done_o,
  output logic        reset_request_o,
  output logic        resetting_o,

  // the checked queue
  output address_t    ring_o,
  output address_t    record_o,
  output logic [16:0] slots_o,
  output logic [31:0] tail_o,

  // window_check
  output logic        window_use_o,      // this module's operands, else the decoder's
  output logic        window_start_o,
  output logic        window_write_o,
  output logic [63:0] window_first_o,
  output logic [63:0] window_last_o,
  input  logic        window_done_i,
  input  logic        window_found_i,

  // command_fetch
  input  logic        fetch_idle_i,
  input  logic        fetch_owed_i,
  input  address_t    fetch_owed_address_i,
  input  logic        fetch_beat_i,
  input  logic [31:0] fetch_arriving_i,

  // command_decode
  input  logic        command_valid_i,
  input  logic        decode_idle_i,
  input  logic        decode_offering_i,
  output logic        stop_o,            // fetch and decode

  // completion
  input  logic [31:0] completed_i,
  input  logic        fault_seen_i,
  input  logic        fault_valid_i,
  input  logic [31:0] fault_index_i,
  input  logic [7:0]  fault_cause_i,
  input  logic [7:0]  fault_unit_i,
  input  logic [63:0] fault_address_i,
  input  logic        record_idle_i,
  input  logic        record_owed_i,
  input  address_t    record_owed_address_i,
  input  logic [31:0] record_owed_index_i,
  input  logic        record_beat_i,
  output logic        victim_valid_o,
  output logic [31:0] victim_index_o,
  output logic [63:0] victim_semaphore_o,
  input  logic        victim_reported_i,
  output logic        report_valid_o,    // the victim, if its unit never started it
  output report_t     report_o,
  input  logic        report_ready_i,
  input  logic [1:0]  oldest_unit_i,     // of the oldest command that is not counted
  input  logic        oldest_done_i,

  // units: load, matrix, store
  output logic        halt_o,
  output logic        abandon_o,
  output logic        flush_o,
  output logic        clear_o,
  input  logic [2:0]  queued_i,
  input  logic        failing_i,         // a unit offers a failed report
  input  logic        active_i,          // a report is offered, a wait granted or a signal given
  input  logic [2:0]  unit_busy_i,
  input  logic [2:0]  unit_owed_i,
  input  logic [2:0]  unit_beat_i,
  input  address_t [2:0] unit_owed_address_i,
  input  logic [2:0][31:0] unit_owed_index_i,
  input  logic [3:0]  bus_owed_i,       // by ID: the bus keeps this requester waiting
  input  logic [2:0]  unit_blocked_i,
  input  logic [2:0]  unit_fault_i,     // level: a command has failed, though its report may wait for debts
  input  logic [2:0][SemaphoreWidth-1:0] unit_blocked_semaphore_i,

  // on-chip memories
  output logic        memory_clear_o,
  input  logic        memory_clear_busy_i
);

  localparam logic [3:0] Settle = 4'd15;

  typedef enum logic [3:0] {
    Off, CheckRing, CheckRecords, Run, Halt, Faulted, Drain, Clear, Stuck
  } state_e;
  state_e state_q, state_d;

  logic       entered_q;             // first cycle in this state
  logic [3:0] settle_q, settle_d;    // cycles that it has been quiet

  // ---- ring and doorbell ----
  logic [63:0] ring_q, ring_d, record_q, record_d;
  logic [16:0] slots_q, slots_d, slots;
  logic        size_bad_q, size_bad_d;
  logic [31:0] tail_q, tail_d;
  logic        overrun_q, overrun_d;
  logic [31:0] overrun_value_q, overrun_value_d;
  logic [31:0] ahead;
  logic        take_doorbell;

  assign slots = (state_q == Off) ? 17'd1 << ring_size_i : slots_q;
  assign ahead = doorbell_i - completed_i;
  assign take_doorbell = doorbell_valid_i && enable_i && !overrun_q && !halt_o &&
      (state_q == Off || state_q == CheckRing || state_q == CheckRecords || state_q == Run);

  always_comb begin
    tail_d = tail_q;
    overrun_d = overrun_q;
    overrun_value_d = overrun_value_q;
    if (take_doorbell) begin
      if (ahead > 32'(slots)) begin
        overrun_d = 1'b1;
        overrun_value_d = doorbell_i;
      end else if (ahead > tail_q - completed_i) begin
        tail_d = doorbell_i;
      end
    end
    if (clear_o) begin
      tail_d = '0;
      overrun_d = 1'b0;
    end
  end

  // ---- checks at enable ----
  logic [64:0] area_first, area_end;     // one past the last byte
  logic        area_bad, checking;

  assign checking = state_q == CheckRing || state_q == CheckRecords;
  always_comb begin
    if (state_q == CheckRing) begin
      area_first = {1'b0, ring_q};
      area_end = area_first + 65'({slots_q, 7'd0});
      area_bad = size_bad_q || ring_q[6:0] != '0;
    end else begin
      area_first = {1'b0, record_q};
      area_end = area_first + 65'({slots_q, 5'd0});
      area_bad = record_q[4:0] != '0;
    end
    if (((area_end - 65'd1) >> AddressWidth) != '0) area_bad = 1'b1;
  end
  assign window_use_o = checking;
  assign window_start_o = checking && entered_q;
  assign window_write_o = state_q == CheckRecords;
  assign window_first_o = area_first[63:0];
  assign window_last_o = 64'(area_end - 65'd1);

  // ---- bus time-out: cycles since the last beat of a requester that is owed one ----
  // What is owed to a requester may still be behind others' bursts: the bus must owe it, too.
  localparam int unsigned Requesters = 4;   // fetch, load, store, record
  logic [Requesters-1:0]       owed, beat, expired;
  logic [Requesters-1:0][31:0] silent_q, silent_d;

  assign owed = {record_owed_i, unit_owed_i[2], unit_owed_i[0], fetch_owed_i} & bus_owed_i;
  assign beat = {record_beat_i, unit_beat_i[2], unit_beat_i[0], fetch_beat_i};
  always_comb begin
    for (int unsigned r = 0; r < Requesters; r++) begin
      silent_d[r] = (!owed[r] || beat[r]) ? '0 : silent_q[r] + 32'd1;
      expired[r] = bus_timeout_i != '0 && owed[r] && !beat[r] && silent_d[r] >= bus_timeout_i;
      if (silent_q[r] == '1 && silent_d[r] == '0 && owed[r] && !beat[r]) silent_d[r] = '1;
    end
  end
  // The matrix unit has no bus.
  logic unused_matrix;
  assign unused_matrix = ^{unit_beat_i[1], unit_owed_address_i[1], unit_owed_index_i[1]};

  // ---- semaphore time-out: nothing can move but by a signal that does not come ----
  logic [2:0]  waiting;
  logic        starved, starved_long;
  logic [31:0] starved_q, starved_d;
  logic        victim_q, victim_d, victim_reported_q, victim_reported_d;
  logic [31:0] victim_index_q, victim_index_d;
  logic [63:0] victim_semaphore_q, victim_semaphore_d;
  logic [1:0]  victim_unit_q, victim_unit_d;

  assign waiting = unit_busy_i & unit_blocked_i;
  assign starved = state_q == Run && waiting != '0 && !active_i && !fetch_owed_i && fetch_idle_i &&
      ((unit_busy_i | queued_i) & ~waiting) == '0 && unit_owed_i == '0 && record_idle_i &&
      ((decode_idle_i && !command_valid_i) || decode_offering_i);
  assign starved_d = starved ? starved_q + 32'd1 : '0;
  assign starved_long = semaphore_timeout_i != '0 && starved && starved_d >= semaphore_timeout_i;

  // ---- states ----
  logic        own_fault_q, own_fault_d;   // a fault that is not a command's
  logic [31:0] own_index_q, own_index_d;
  logic [7:0]  own_cause_q, own_cause_d, own_unit_q, own_unit_d;
  logic [63:0] own_address_q, own_address_d;
  logic        draining_q, draining_d;
  logic halt_q, halt_d, abandon_q, abandon_d;
  logic quiet, busy_d;
  logic busy_q;                      // commands were at work in the last cycle

  assign quiet = !active_i && (unit_busy_i & ~unit_blocked_i) == '0;

  always_comb begin
    state_d = state_q;
    settle_d = '0;
    ring_d = ring_q;
    record_d = record_q;
    slots_d = slots_q;
    size_bad_d = size_bad_q;
    victim_d = victim_q;
    victim_index_d = victim_index_q;
    victim_semaphore_d = victim_semaphore_q;
    victim_unit_d = victim_unit_q;
    victim_reported_d = victim_reported_q || (victim_q && victim_reported_i);
    own_fault_d = own_fault_q;
    own_index_d = own_index_q;
    own_cause_d = own_cause_q;
    own_unit_d = own_unit_q;
    own_address_d = own_address_q;
    draining_d = draining_q;
    abandon_d = abandon_q;
    halt_d = halt_q || failing_i || fault_seen_i || unit_fault_i != '0;

    unique case (state_q)
      Off: begin
        halt_d = 1'b0;
        if (enable_i) begin
          ring_d = ring_i;
          record_d = record_i;
          slots_d = slots;
          size_bad_d = ring_size_i > 5'd16;
          state_d = CheckRing;
        end
      end
      CheckRing, CheckRecords: begin
        if (area_bad || (window_done_i && !window_found_i)) begin
          own_fault_d = 1'b1;
          own_cause_d = CauseRing;
          own_unit_d = UnitCommandProcessor;
          own_index_d = '0;
          own_address_d = '0;
          halt_d = 1'b1;
          state_d = Faulted;
        end else if (window_done_i) begin
          state_d = (state_q == CheckRing) ? CheckRecords : Run;
        end
      end
      Run: begin
        if (fault_seen_i) begin
          state_d = Halt;
        end else if (starved_long) begin
          victim_d = 1'b1;
          victim_reported_d = 1'b0;
          victim_index_d = completed_i;
          victim_unit_d = oldest_unit_i;
          victim_semaphore_d = 64'(unit_blocked_semaphore_i[oldest_unit_i - 2'd1]);
          halt_d = 1'b1;
          state_d = Halt;
        end else if (overrun_q && completed_i == tail_q) begin
          own_fault_d = 1'b1;
          own_cause_d = CauseRingOverrun;
          own_unit_d = UnitCommandProcessor;
          own_index_d = tail_q;
          own_address_d = 64'(overrun_value_q);
          halt_d = 1'b1;
          state_d = Faulted;
        end
      end
      Halt: begin
        if (quiet) settle_d = (settle_q == Settle) ? Settle : settle_q + 4'd1;
        if (settle_q == Settle && quiet) begin
          if (unit_busy_i != '0) begin
            abandon_d = 1'b1;
          end else if (record_idle_i && !fetch_owed_i && !oldest_done_i &&
                       (!victim_q || victim_reported_q)) begin
            // What ended is counted: `oldest_done_i` is of the oldest command that is not.
            state_d = Faulted;
          end
        end
      end
      Faulted: begin
      end
      Drain: begin
        if (unit_busy_i == '0 && unit_owed_i == '0 && !fetch_owed_i && record_idle_i) begin
          settle_d = settle_q + 4'd1;
          if (settle_q == Settle) state_d = Clear;
        end
      end
      Clear: begin
        settle_d = (settle_q == Settle) ? Settle : settle_q + 4'd1;
        own_fault_d = 1'b0;
        victim_d = 1'b0;
        abandon_d = 1'b0;
        halt_d = 1'b0;
        if (settle_q == Settle && !memory_clear_busy_i) begin
          draining_d = 1'b0;
          state_d = Off;
        end
      end
      default: begin   // Stuck
        state_d = Stuck;
      end
    endcase

    if (state_q != Stuck) begin
      if (expired != '0) begin
        own_fault_d = 1'b1;
        own_cause_d = CauseBusTimeout;
        own_unit_d = UnitCommandProcessor;
        halt_d = 1'b1;
        state_d = Stuck;
        if (expired[0]) begin
          own_index_d = fetch_arriving_i;
          own_address_d = 64'(fetch_owed_address_i);
        end else if (expired[1]) begin
          own_unit_d = UnitLoad;
          own_index_d = unit_owed_index_i[0];
          own_address_d = 64'(unit_owed_address_i[0]);
        end else if (expired[2]) begin
          own_unit_d = UnitStore;
          own_index_d = unit_owed_index_i[2];
          own_address_d = 64'(unit_owed_address_i[2]);
        end else begin
          own_index_d = record_owed_index_i;
          own_address_d = 64'(record_owed_address_i);
        end
      end else if (queue_reset_i && state_q != Drain && state_q != Clear) begin
        draining_d = 1'b1;
        state_d = Drain;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Off;
      entered_q <= 1'b0;
      settle_q <= '0;
      slots_q <= 17'd1;
      size_bad_q <= 1'b0;
      tail_q <= '0;
      overrun_q <= 1'b0;
      victim_q <= 1'b0;
      victim_reported_q <= 1'b0;
      own_fault_q <= 1'b0;
      own_index_q <= '0;
      own_cause_q <= '0;
      own_unit_q <= '0;
      own_address_q <= '0;
      draining_q <= 1'b0;
      abandon_q <= 1'b0;
      halt_q <= 1'b0;
      busy_q <= 1'b0;
      silent_q <= '0;
      starved_q <= '0;
    end else begin
      state_q <= state_d;
      entered_q <= state_d != state_q;
      settle_q <= (state_d != state_q) ? '0 : settle_d;
      slots_q <= slots_d;
      size_bad_q <= size_bad_d;
      tail_q <= tail_d;
      overrun_q <= overrun_d;
      victim_q <= victim_d;
      victim_reported_q <= victim_reported_d;
      own_fault_q <= own_fault_d;
      own_index_q <= own_index_d;
      own_cause_q <= own_cause_d;
      own_unit_q <= own_unit_d;
      own_address_q <= own_address_d;
      draining_q <= draining_d;
      abandon_q <= abandon_d;
      halt_q <= halt_d;
      busy_q <= state_q == Run && busy_d;
      silent_q <= silent_d;
      starved_q <= starved_d;
    end
  end

  always_ff @(posedge clk_i) begin
    ring_q <= ring_d;
    record_q <= record_d;
    overrun_value_q <= overrun_value_d;
    victim_index_q <= victim_index_d;
    victim_semaphore_q <= victim_semaphore_d;
    victim_unit_q <= victim_unit_d;
  end

  // A failed command that never started gets its record from here.
  logic [7:0] victim_opcode;
  always_comb begin
    unique case (victim_unit_q)
      UnitLoad[1:0]:   victim_opcode = OpcodeLoad;
      UnitMatrix[1:0]: victim_opcode = OpcodeMatrix;
      UnitStore[1:0]:  victim_opcode = OpcodeStore;
      default:         victim_opcode = OpcodeNop;
    endcase
  end
  assign report_valid_o = state_q == Halt && settle_q == Settle && unit_busy_i == '0 &&
      victim_q && !victim_reported_q;
  assign report_o = '{
    index: victim_index_q,
    record: 1'b1,
    raise_irq: 1'b0,
    unit: 8'(victim_unit_q),
    opcode: victim_opcode,
    state: StateFailed,
    cause: CauseSemaphoreTimeout,
    address: victim_semaphore_q,
    start: cycle_i
  };
  logic unused_ready;
  assign unused_ready = report_ready_i;   // `victim_reported_i` says it

  // ---- out ----
  always_comb begin
    unique case (state_q)
      Off, Faulted: busy_d = 1'b0;
      Run:          busy_d = completed_i != tail_q || overrun_q;
      default:      busy_d = 1'b1;
    endcase
  end
  assign busy_o = busy_d;
  assign faulted_o = state_q == Faulted || state_q == Stuck;
  assign stuck_o = state_q == Stuck;
  assign reset_request_o = state_q == Stuck;
  assign fault_cause_o = own_fault_q ? own_cause_q : fault_valid_i ? fault_cause_i : '0;
  assign fault_unit_o = own_fault_q ? own_unit_q : fault_valid_i ? fault_unit_i : '0;
  assign fault_index_o = own_fault_q ? own_index_q : fault_valid_i ? fault_index_i : '0;
  assign fault_address_o = own_fault_q ? own_address_q : fault_valid_i ? fault_address_i : '0;
  assign irq_fault_o = faulted_o && entered_q;
  assign irq_idle_o = state_q == Run && busy_q && !busy_d;
  assign irq_reset_done_o = state_q == Clear && state_d == Off;
  assign enable_clear_o = state_q == Drain || state_q == Clear;
  assign enabled_o = state_q != Off;
  assign resetting_o = state_q == Drain || state_q == Clear;

  assign ring_o = address_t'(ring_q);
  assign record_o = address_t'(record_q);
  assign slots_o = slots_q;
  assign tail_o = (state_q == Run) ? tail_q : '0;
  assign stop_o = halt_q || state_q != Run;
  assign halt_o = halt_q;
  assign abandon_o = abandon_q;
  assign flush_o = draining_q;
  assign clear_o = state_q == Clear;
  assign memory_clear_o = state_q == Clear && entered_q;
  assign victim_valid_o = victim_q;
  assign victim_index_o = victim_index_q;
  assign victim_semaphore_o = victim_semaphore_q;

endmodule

`default_nettype wire
