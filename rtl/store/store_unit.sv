// Store unit: writes accumulator rows or scratchpad lines to memory, converted on the way.
//
//   command -> wait gates -> active command -+-> drain (reads, converts) --------> packer -> W
//                                            +-> burst_walker -> AW -> announced bursts -^
//                                            |                     \-> owed bursts <- B
//                                            +-> slot: header, rows -> signal gates -> report
//
// A command is active while its rows are read and its bursts issued; then the next starts, with up
// to StartedCommands of them waiting for responses in their slots. B comes in order; a row is
// visible with the B of its last burst, and a command is reported when all its rows are visible and
// its signals given.
//
// AW is offered when every row of the burst's run is granted by the waits and the scales are
// checked, so its data come without a further wait. W of a burst is offered no earlier than its AW
// is, and does not wait for AW to be accepted. AW leads W, and bursts are owed, by
// WritesOutstanding at most. B is always accepted.
//
// Faults: an error in a response, a refused signal, a wrong tag, a bad scale, a row or line that
// was read wrong, or a blocked command that is abandoned stops the unit: bursts of commands older
// than the faulty one go on, then no address is offered any more, data of offered ones are
// delivered (from a row with a wrong tag, or read wrong, on without strobes), all responses
// awaited, and then the faulty command is reported failed and the younger ones aborted. Only
// `flush_i` starts it again.
//
// Latency: AW is offered 4 cycles after a command without waits is taken, W MemoryLatency + 6
// cycles after.
// Throughput: a beat a cycle; a burst a cycle on AW.
`include "systolith_assert.svh"
`default_nettype none

module store_unit
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import store_pkg::*;
(
  input  logic               clk_i,
  input  logic               rst_ni,

  // Command.
  input  logic               command_valid_i,
  input  store_command_t     command_i,
  output logic               command_ready_o,

  // Semaphores.
  output logic [1:0]         wait_valid_o,
  output sync_t [1:0]        wait_o,
  input  logic [1:0]         wait_grant_i,
  output logic [1:0]         signal_valid_o,
  output sync_t [1:0]        signal_o,
  input  logic [1:0]         signal_ready_i,
  input  logic [1:0]         signal_overflow_i,

  // Report.
  output logic               report_valid_o,
  output report_t            report_o,
  input  logic               report_ready_i,

  // Control.
  input  cycle_t             cycle_i,
  input  logic               halt_i,
  input  logic               abandon_i,
  input  logic               flush_i,
  output logic               busy_o,
  output logic               owed_o,
  output address_t           owed_address_o,   // of the oldest owed burst
  output logic [31:0]        owed_index_o,     // its command
  output logic               blocked_o,
  output logic               fault_o,

  // Accumulators.
  output logic               drain_read_valid_o,
  output accumulator_index_t drain_read_row_o,
  input  word_t              drain_read_data_i [Cols],
  input  logic [1:0]         drain_read_tag_i,
  input  logic               drain_read_error_i,

  // Scratchpad.
  output logic               scratchpad_read_valid_o,
  output line_index_t        scratchpad_read_line_o,
  input  logic               scratchpad_read_grant_i,
  input  line_t              scratchpad_read_data_i,
  input  logic               scratchpad_read_error_i,

  // AXI write channels, ID fixed outside.
  output logic               aw_valid_o,
  output address_t           aw_address_o,
  output logic [8:0]         aw_beats_o,
  input  logic               aw_ready_i,
  output logic               w_valid_o,
  output bus_data_t          w_data_o,
  output bus_strobe_t        w_strobe_o,
  output logic               w_last_o,
  input  logic               w_ready_i,
  input  logic               b_valid_i,
  input  logic               b_error_i,
  output logic               b_ready_o
);

  if (WritesOutstanding < 1 || WritesOutstanding > 128) begin : gen_bad_outstanding
    $error("store_unit: WritesOutstanding must be 1 to 128");
  end

  // ---- control of the whole ----
  logic stop_q, stop_d;       // after a fault, until flush_i
  logic no_address;           // nothing is offered on AW any more
  logic purge;                // data that nobody is owed are dropped
  logic forget;               // all debts of a queue reset are paid: back to the reset state
  logic owed;

  // ---- the active command ----
  typedef enum logic [1:0] {
    Idle,     // no command
    Waiting,  // waits are asked for their first grant
    Running
  } state_e;

  state_e state_q, state_d;
  store_command_t command_q;
  slot_t active_slot_q, active_slot_d;      // of the command that runs, or would next
  logic take, begins, finishes, drop;
  logic [1:0][RowsWidth:0] allowed;
  logic [RowsWidth:0] allowed_rows;

  // ---- slots of started commands ----
  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
    logic [7:0]  opcode;
    sync_t [1:0] signals;
    rows_t       rows;
    rows_t       rows_of_run;
    cycle_t      start;
  } slot_entry_t;

  typedef logic [SlotWidth:0] slot_count_t;

  slot_entry_t [StartedCommands-1:0] slot_q;
  slot_entry_t new_slot;
  rows_t [StartedCommands-1:0] visible_q, visible_d;     // not yet told to the signal gates
  logic [StartedCommands-1:0] responded_q, responded_d;      // all responses are here
  slot_count_t slots_used_q, slots_used_d;
  slot_t head_q, head_d;
  logic head_started_q, head_started_d;
  logic retire;

  // ---- fault ----
  typedef struct packed {
    slot_t       slot;
    logic        abandoned;
    logic [7:0]  cause;
    logic [63:0] address;
  } fault_t;

  logic fault_valid_q, fault_valid_d;
  fault_t fault_q, fault_d;
  logic failed_q, failed_d;     // the failed command has been reported
  logic new_fault;

  // ---- waits ----
  for (genvar i = 0; i < 2; i++) begin : gen_wait
    sync_t sync;
    logic unused_asking;
    // The gate reads the command from the cycle of its start on.
    assign sync = take ? command_i.header.waits[i] : command_q.header.waits[i];
    wait_gate #(.CountWidth(RowsWidth)) u_wait (
      .clk_i, .rst_ni,
      .start_i(take), .clear_i(drop || forget),
      .sync_i(sync),
      .rows_i(take ? command_i.transfer.rows : command_q.transfer.rows),
      .allowed_o(allowed[i]), .asking_o(unused_asking),
      .wait_valid_o(wait_valid_o[i]), .wait_o(wait_o[i]), .wait_grant_i(wait_grant_i[i])
    );
  end

  assign allowed_rows = (allowed[0] < allowed[1]) ? allowed[0] : allowed[1];

  // ---- walker of the memory side ----
  logic walker_ready, run_allow, run_taken, run_blocked;
  rows_t run_q, run_d;                     // runs taken
  logic burst_valid, burst_last_of_run, burst_last, burst_ready;
  address_t burst_address;
  offset_t burst_offset;
  logic [8:0] burst_beats;
  logic [12:0] unused_burst_bytes;
  logic unused_walker_busy;
  logic scales_checked;

  assign run_allow   = state_q == Running && scales_checked && {1'b0, run_q} < allowed_rows &&
                       !no_address;
  assign run_blocked = state_q == Running && !walker_ready && !({1'b0, run_q} < allowed_rows);

  burst_walker u_walker (
    .clk_i, .rst_ni, .flush_i(no_address),
    .transfer_valid_i(begins), .transfer_i(command_q.transfer), .transfer_ready_o(walker_ready),
    .run_allow_i(run_allow), .run_taken_o(run_taken),
    .burst_valid_o(burst_valid), .burst_address_o(burst_address), .burst_offset_o(burst_offset),
    .burst_bytes_o(unused_burst_bytes), .burst_beats_o(burst_beats),
    .burst_last_of_run_o(burst_last_of_run), .burst_last_o(burst_last),
    .burst_ready_i(burst_ready), .busy_o(unused_walker_busy)
  );

  always_comb begin
    run_d = run_q + RowsWidth'(run_taken);
    if (begins) run_d = '0;
  end

  // ---- AW, and what follows it ----
  typedef struct packed {
    offset_t    offset;
    logic [8:0] beats;
  } announced_t;

  typedef struct packed {
    address_t address;
    logic     last_of_run;
    logic     last;          // of the command
  } owed_t;

  logic aw_valid_q, aw_valid_d;
  address_t aw_address_q;
  logic [8:0] aw_beats_q;
  logic offer;
  slot_t aw_slot_q, aw_slot_d;             // command of the next burst
  announced_t announced_in, announced;
  logic announced_ready, announced_valid, announced_done;
  owed_t owed_in, oldest;
  logic owed_ready, respond;
  slot_t response_slot_q, response_slot_d;

  assign burst_ready = (!aw_valid_q || aw_ready_i) && announced_ready && owed_ready && !no_address;
  assign offer       = burst_valid && burst_ready;
  assign aw_valid_d  = offer || (aw_valid_q && !aw_ready_i);

  always_comb begin
    aw_slot_d = aw_slot_q + SlotWidth'(offer && burst_last);
    if (forget) aw_slot_d = '0;
  end

  assign aw_valid_o   = aw_valid_q;
  assign aw_address_o = aw_address_q;
  assign aw_beats_o   = aw_beats_q;

  assign announced_in = '{offset: burst_offset, beats: burst_beats};
  assign owed_in      = '{address: burst_address, last_of_run: burst_last_of_run, last: burst_last};

  logic [$clog2(WritesOutstanding+1)-1:0] unused_announced_count, unused_owed_count;

  stream_fifo #(.Width($bits(announced_t)), .Depth(WritesOutstanding)) u_announced (
    .clk_i, .rst_ni, .flush_i(forget),
    .valid_i(offer), .data_i(announced_in), .ready_o(announced_ready),
    .valid_o(announced_valid), .data_o(announced), .ready_i(announced_done),
    .count_o(unused_announced_count)
  );

  stream_fifo #(.Width($bits(owed_t)), .Depth(WritesOutstanding)) u_owed (
    .clk_i, .rst_ni, .flush_i(forget),
    .valid_i(offer), .data_i(owed_in), .ready_o(owed_ready),
    .valid_o(owed), .data_o(oldest), .ready_i(b_valid_i),
    .count_o(unused_owed_count)
  );

  assign b_ready_o      = 1'b1;
  assign respond        = b_valid_i && owed;
  assign owed_o         = owed;
  assign owed_address_o = oldest.address;
  assign owed_index_o   = slot_q[response_slot_q].index;

  // ---- data ----
  logic drain_done;
  logic drain_fault;
  slot_t drain_fault_slot;
  logic [7:0] drain_fault_cause;
  logic [31:0] drain_fault_address;
  logic piece_valid, piece_last, piece_void, piece_ready;
  bus_data_t piece_data;
  word_bytes_t piece_bytes;

  drain u_drain (
    .clk_i, .rst_ni, .clear_i(purge),
    .start_i(begins), .command_i(command_q), .slot_i(active_slot_q),
    .allowed_i(allowed_rows), .done_o(drain_done), .scales_checked_o(scales_checked),
    .fault_valid_o(drain_fault), .fault_slot_o(drain_fault_slot),
    .fault_cause_o(drain_fault_cause), .fault_address_o(drain_fault_address),
    .drain_read_valid_o, .drain_read_row_o, .drain_read_data_i, .drain_read_tag_i,
    .drain_read_error_i,
    .scratchpad_read_valid_o, .scratchpad_read_line_o, .scratchpad_read_grant_i,
    .scratchpad_read_data_i, .scratchpad_read_error_i,
    .piece_valid_o(piece_valid), .piece_data_o(piece_data), .piece_bytes_o(piece_bytes),
    .piece_last_o(piece_last), .piece_void_o(piece_void), .piece_ready_i(piece_ready)
  );

  typedef struct packed {
    logic        last;
    bus_strobe_t strobe;
    bus_data_t   data;
  } beat_t;

  beat_t beat_in, beat_out;
  logic beat_valid, beat_ready;
  logic [1:0] unused_beat_count;

  packer #(.BusBytes(BusBytes)) u_packer (
    .clk_i, .rst_ni, .clear_i(purge),
    .burst_valid_i(announced_valid), .burst_offset_i(announced.offset),
    .burst_beats_i(announced.beats), .burst_done_o(announced_done),
    .piece_valid_i(piece_valid), .piece_data_i(piece_data), .piece_bytes_i(piece_bytes),
    .piece_last_i(piece_last), .piece_void_i(piece_void), .piece_ready_o(piece_ready),
    .w_valid_o(beat_valid), .w_data_o(beat_in.data), .w_strobe_o(beat_in.strobe),
    .w_last_o(beat_in.last), .w_ready_i(beat_ready)
  );

  stream_fifo #(.Width($bits(beat_t)), .Depth(2)) u_beats (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(beat_valid), .data_i(beat_in), .ready_o(beat_ready),
    .valid_o(w_valid_o), .data_o(beat_out), .ready_i(w_ready_i),
    .count_o(unused_beat_count)
  );

  assign w_data_o   = beat_out.data;
  assign w_strobe_o = beat_out.strobe;
  assign w_last_o   = beat_out.last;

  // ---- signals ----
  logic [1:0] signals_done, overflow;
  logic head_faulty, start_head;
  rows_t tell;

  assign head_faulty = fault_valid_q && (failed_q || fault_q.slot == head_q);
  assign start_head  = slots_used_q != '0 && !head_started_q && !head_faulty && !flush_i;
  assign tell        = (head_started_q && !head_faulty) ? visible_q[head_q] : '0;

  for (genvar i = 0; i < 2; i++) begin : gen_signal
    signal_gate #(.CountWidth(RowsWidth)) u_signal (
      .clk_i, .rst_ni,
      .start_i(start_head), .clear_i(flush_i || head_faulty),
      .sync_i(slot_q[head_q].signals[i]), .rows_i(slot_q[head_q].rows),
      .rows_done_i(tell),
      .done_o(signals_done[i]), .overflow_o(overflow[i]),
      .signal_valid_o(signal_valid_o[i]), .signal_o(signal_o[i]),
      .signal_ready_i(signal_ready_i[i]), .signal_overflow_i(signal_overflow_i[i])
    );
  end

  // ---- states ----
  assign take = command_valid_i && command_ready_o;
  assign command_ready_o = (state_q == Idle || finishes) && !halt_i && !flush_i &&
                           !fault_valid_q && !new_fault;
  assign drop     = state_q == Waiting && (halt_i || flush_i || fault_valid_q || new_fault);
  assign begins   = state_q == Waiting && !drop && allowed_rows != '0 && walker_ready &&
                    slots_used_q != slot_count_t'(StartedCommands);
  assign finishes = state_q == Running && drain_done && walker_ready && !fault_valid_q;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      Waiting: if (drop) state_d = Idle; else if (begins) state_d = Running;
      Running: if (finishes) state_d = Idle;
      default: ;
    endcase
    if (take) state_d = Waiting;
    if (purge) state_d = Idle;
    active_slot_d = active_slot_q + SlotWidth'(finishes);
    if (forget) active_slot_d = '0;
  end

  // ---- stopping ----
  // A fault of the active command leaves the bursts of the one before it alone: some may still
  // be to be offered.
  logic older_bursts_left;
  assign older_bursts_left = state_q == Running && fault_d.slot == active_slot_q &&
                             aw_slot_d == active_slot_q - 1'b1;
  assign stop_d     = !forget && (stop_q || (fault_valid_d && !older_bursts_left));
  assign no_address = stop_q || flush_i || (respond && b_error_i);
  assign purge      = (stop_q || flush_i) && !announced_valid;
  assign forget     = flush_i && !owed;

  // ---- faults: that of the oldest command counts, of one command the first ----
  function automatic logic older(slot_t x, slot_t y, slot_t head);
    return slot_t'(x - head) < slot_t'(y - head);
  endfunction

  logic abandoned;
  fault_t offered;
  logic offered_valid;

  assign abandoned = run_blocked && halt_i && abandon_i;

  always_comb begin
    offered_valid = 1'b0;
    offered = '{slot: active_slot_q, abandoned: 1'b1, cause: command_pkg::CauseAborted,
                address: '0};
    if (abandoned) offered_valid = 1'b1;
    if (drain_fault) begin
      offered_valid = 1'b1;
      offered = '{slot: drain_fault_slot, abandoned: 1'b0, cause: drain_fault_cause,
                  address: 64'(drain_fault_address)};
    end
    if (respond && b_error_i) begin
      offered_valid = 1'b1;
      offered = '{slot: response_slot_q, abandoned: 1'b0, cause: command_pkg::CauseBusWrite,
                  address: 64'(oldest.address)};
    end
    for (int unsigned i = 0; i < 2; i++) begin
      if (overflow[i]) begin
        offered_valid = 1'b1;
        offered = '{slot: head_q, abandoned: 1'b0, cause: command_pkg::CauseSemaphoreOverflow,
                    address: 64'(slot_q[head_q].signals[i].semaphore_index)};
      end
    end
  end

  assign new_fault = offered_valid && !flush_i && !failed_q &&
                     (!fault_valid_q || older(offered.slot, fault_q.slot, head_q));

  always_comb begin
    fault_valid_d = (fault_valid_q || new_fault) && !forget;
    fault_d       = new_fault ? offered : fault_q;
    failed_d      = (failed_q || (retire && head_faulty)) && !forget;
  end

  // ---- slots ----
  logic head_completed, head_settled;

  assign head_completed = head_started_q && !head_faulty && responded_q[head_q] &&
                          visible_q[head_q] == '0 && signals_done == '1 && overflow == '0;
  assign head_settled   = head_faulty && stop_q && !owed && !announced_valid;
  assign report_valid_o = slots_used_q != '0 && (head_completed || head_settled) && !flush_i;
  assign retire         = report_valid_o && report_ready_i;

  always_comb begin
    new_slot.index       = command_q.header.index;
    new_slot.record      = command_q.header.record;
    new_slot.raise_irq   = command_q.header.raise_irq;
    new_slot.opcode      = command_q.header.opcode;
    new_slot.signals     = command_q.header.signals;
    new_slot.rows        = command_q.transfer.rows;
    new_slot.rows_of_run = command_q.transfer.merge ? command_q.transfer.count[0] : RowsWidth'(1);
    new_slot.start       = cycle_i;
  end

  always_comb begin
    visible_d = visible_q;
    responded_d = responded_q;
    if (respond && oldest.last_of_run) begin
      visible_d[response_slot_q] = visible_q[response_slot_q] + slot_q[response_slot_q].rows_of_run;
    end
    if (respond && oldest.last) responded_d[response_slot_q] = 1'b1;
    if (tell != '0) begin
      visible_d[head_q] = visible_d[head_q] - tell;
    end
    if (begins) begin
      visible_d[active_slot_q] = '0;
      responded_d[active_slot_q] = 1'b0;
    end
  end

  always_comb begin
    slots_used_d    = slots_used_q + slot_count_t'(begins) - slot_count_t'(retire);
    head_d          = head_q + SlotWidth'(retire);
    response_slot_d = response_slot_q + SlotWidth'(respond && oldest.last);
    head_started_d  = (head_started_q || start_head) && !retire;
    if (forget) begin
      slots_used_d    = '0;
      head_d          = '0;
      response_slot_d = '0;
      head_started_d  = 1'b0;
    end
  end

  always_comb begin
    report_o.index     = slot_q[head_q].index;
    report_o.record    = slot_q[head_q].record;
    report_o.raise_irq = slot_q[head_q].raise_irq;
    report_o.unit      = command_pkg::UnitStore;
    report_o.opcode    = slot_q[head_q].opcode;
    report_o.state     = command_pkg::StateCompleted;
    report_o.cause     = command_pkg::CauseNone;
    report_o.address   = '0;
    report_o.start     = slot_q[head_q].start;
    if (head_faulty) begin
      report_o.state = command_pkg::StateAborted;
      report_o.cause = command_pkg::CauseAborted;
      if (!failed_q && !fault_q.abandoned) begin
        report_o.state   = command_pkg::StateFailed;
        report_o.cause   = fault_q.cause;
        report_o.address = fault_q.address;
      end
    end
  end

  // ---- what others may know ----
  assign busy_o = state_q != Idle || slots_used_q != '0 || owed;
  assign fault_o = fault_valid_q;
  assign blocked_o = !owed && !burst_valid && !report_valid_o && signal_valid_o == '0 &&
                     ((state_q == Waiting && allowed_rows == '0 && slots_used_q == '0) ||
                      (run_blocked && slots_used_q == slot_count_t'(1) && !fault_valid_q &&
                       head_started_q && visible_q[head_q] == '0));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      stop_q          <= 1'b0;
      state_q         <= Idle;
      active_slot_q   <= '0;
      aw_valid_q      <= 1'b0;
      aw_slot_q       <= '0;
      response_slot_q <= '0;
      slots_used_q    <= '0;
      head_q          <= '0;
      head_started_q  <= 1'b0;
      fault_valid_q   <= 1'b0;
      failed_q        <= 1'b0;
    end else begin
      stop_q          <= stop_d;
      state_q         <= state_d;
      active_slot_q   <= active_slot_d;
      aw_valid_q      <= aw_valid_d;
      aw_slot_q       <= aw_slot_d;
      response_slot_q <= response_slot_d;
      slots_used_q    <= slots_used_d;
      head_q          <= head_d;
      head_started_q  <= head_started_d;
      fault_valid_q   <= fault_valid_d;
      failed_q        <= failed_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) command_q <= command_i;
    if (offer) begin
      aw_address_q <= burst_address;
      aw_beats_q   <= burst_beats;
    end
    run_q       <= run_d;
    if (begins) slot_q[active_slot_q] <= new_slot;
    visible_q   <= visible_d;
    responded_q <= responded_d;
    fault_q     <= fault_d;
  end

  `ASSERT(NoMergeWithRowWaits, !begins || !command_q.transfer.merge ||
      !((command_q.header.waits[0].by_rows && command_q.header.waits[0].count != '0) ||
        (command_q.header.waits[1].by_rows && command_q.header.waits[1].count != '0)))
  `ASSERT(ResponseIsOwed, !b_valid_i || owed)
  `ASSERT(SlotsInRange, slots_used_q <= slot_count_t'(StartedCommands))
  `ASSERT_NEXT(AwStable, aw_valid_o && !aw_ready_i, aw_valid_o)
  `ASSERT_NEXT(WStable, w_valid_o && !w_ready_i, w_valid_o)

endmodule

`default_nettype wire
