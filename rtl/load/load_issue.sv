// Address side of the load unit: takes commands, waits for their semaphores, walks their bursts and
// presents AR.
//
//   command -> held command (wait gates) -> burst walker -> AR register -> AR
//                         \-> contexts of started commands    \-> bursts owed
//
// A command starts when both waits have had their (first) grant. It is then handed on whole, unless
// a wait by rows has rows left to be granted: then it stays and gates the walker's rows. The next
// command's waits are asked as soon as the held place is free, so its addresses follow those of its
// predecessor.
//
// `stop_i` (level, until `flush_i`): no address is presented any more and nothing starts. A
// presented AR stays until it is accepted. `flush_i` forgets all but the bursts owed.
//
// Timing: AR is valid 4 cycles after the command was taken (no waits), 2 more with waits that are
// granted at once; then a burst a cycle while at most ReadsOutstanding are owed.
//
// CommandsInFlight >= 1: started commands between the address side and the data side.
`include "systolith_assert.svh"
`default_nettype none

module load_issue
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import load_pkg::*;
#(
    parameter int unsigned CommandsInFlight = 4,
    localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,

    // command
    input  logic                   command_valid_i,
    input  load_command_t          command_i,
    output logic                   command_ready_o,

    // semaphores
    output logic [1:0]             wait_valid_o,
    output sync_t [1:0]            wait_o,
    input  logic [1:0]             wait_grant_i,

    // control
    input  cycle_t                 cycle_i,
    input  logic                   halt_i,
    input  logic                   flush_i,
    input  logic                   stop_i,

    // started commands, in order
    output logic                   context_valid_o,
    output load_context_t          context_o,
    input  logic                   context_ready_i,

    // oldest burst owed
    output logic                   burst_valid_o,
    output address_t               burst_address_o,
    output logic [OffsetWidth-1:0] burst_offset_o,
    output logic [8:0]             burst_beats_o,
    input  logic                   burst_done_i,

    // AXI read address
    output logic                   ar_valid_o,
    output address_t               ar_address_o,
    output logic [8:0]             ar_beats_o,
    input  logic                   ar_ready_i,

    // state
    output logic                   held_o,         // a command is held here
    output logic                   waits_start_o,  // it needs a grant to start
    // It has started and needs a grant for its next row; no burst is on its way.
    output logic                   waits_row_o
);

  if (ReadsOutstanding < 1 || ReadsOutstanding > 128) begin : gen_bad_outstanding
    $error("load_issue: ReadsOutstanding must be 1 to 128");
  end

  logic started_room;  // for a started command, in the walker and among the contexts
  logic start;
  logic released;

  // ---- held command ----
  logic held_valid_q, held_valid_d;
  logic fresh_q, fresh_d;      // first cycle: the gates are being set up
  logic gating_q, gating_d;    // started, not all rows allowed yet
  load_command_t held_q;
  logic take;

  logic [1:0] unused_wait;
  logic [1:0] gate_open, gate_all;
  logic [1:0][RowsWidth:0] allowed;
  logic [1:0] gate_asking;

  assign command_ready_o = (!held_valid_q || released) && !halt_i && !stop_i && !flush_i;
  assign take            = command_valid_i && command_ready_o;

  for (genvar i = 0; i < 2; i++) begin : gen_wait
    wait_gate #(.CountWidth(RowsWidth)) u_wait_gate (
        .clk_i,
        .rst_ni,
        .start_i     (held_valid_q && fresh_q),
        .clear_i     (flush_i || stop_i || (halt_i && !gating_q)),
        .sync_i      (held_q.header.waits[i]),
        .rows_i      (held_q.transfer.rows),
        .allowed_o   (allowed[i]),
        .asking_o    (gate_asking[i]),
        .wait_valid_o(wait_valid_o[i]),
        .wait_o      (wait_o[i]),
        .wait_grant_i(wait_grant_i[i])
    );
    // In the first cycle the gate still speaks of the command before.
    assign unused_wait[i] = held_q.header.waits[i].count == '0;
    assign gate_open[i]   = fresh_q ? unused_wait[i] : allowed[i] != '0;
    assign gate_all[i]    = fresh_q ? unused_wait[i] : allowed[i] != '0 && !gate_asking[i];
  end

  assign start    = held_valid_q && !gating_q && (&gate_open) && started_room &&
                    !halt_i && !stop_i && !flush_i;
  assign released = (start || gating_q) && (&gate_all);

  always_comb begin
    held_valid_d = held_valid_q;
    gating_d     = gating_q;
    fresh_d      = 1'b0;
    if (start) gating_d = 1'b1;
    if (released || (halt_i && !gating_q)) begin
      held_valid_d = 1'b0;
      gating_d     = 1'b0;
    end
    if (take) begin
      held_valid_d = 1'b1;
      fresh_d      = 1'b1;
    end
    if (flush_i || stop_i) begin
      held_valid_d = 1'b0;
      gating_d     = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      held_valid_q <= 1'b0;
      fresh_q      <= 1'b0;
      gating_q     <= 1'b0;
    end else begin
      held_valid_q <= held_valid_d;
      fresh_q      <= fresh_d;
      gating_q     <= gating_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) held_q <= command_i;
  end

  // ---- started commands ----
  load_context_t context_in;
  logic context_room, walker_ready;

  always_comb begin
    context_in.index        = held_q.header.index;
    context_in.record       = held_q.header.record;
    context_in.raise_irq    = held_q.header.raise_irq;
    context_in.opcode       = held_q.header.opcode;
    context_in.signals      = held_q.header.signals;
    context_in.start        = cycle_i;
    context_in.run          = held_q.transfer.run;
    context_in.rows         = held_q.transfer.rows;
    context_in.rows_in_run  = held_q.transfer.merge ? held_q.transfer.count[0] : RowsWidth'(1);
    context_in.accumulators = held_q.accumulators;
    context_in.tag          = held_q.tag;
    context_in.local_base   = held_q.transfer.local_base;
    context_in.local_pitch  = held_q.transfer.local_pitch;
  end

  assign started_room = context_room && walker_ready;

  localparam int unsigned ContextCountWidth = $clog2(CommandsInFlight + 1);
  logic [ContextCountWidth-1:0] unused_context_count;

  stream_fifo #(
      .Width($bits(load_context_t)),
      .Depth(CommandsInFlight)
  ) u_contexts (
      .clk_i,
      .rst_ni,
      .flush_i,
      .valid_i(start && walker_ready),
      .data_i (context_in),
      .ready_o(context_room),
      .valid_o(context_valid_o),
      .data_o (context_o),
      .ready_i(context_ready_i),
      .count_o(unused_context_count)
  );

  // ---- rows and bursts ----
  rows_t row_q, row_d;  // rows of the walked transfer that were taken
  logic row_allowed, row_taken;
  logic walk_valid, walk_ready, walk_busy;
  address_t walk_address;
  logic [OffsetWidth-1:0] walk_offset;
  logic [8:0] walk_beats;
  logic [12:0] unused_walk_bytes;
  logic unused_walk_last_of_run, unused_walk_last;

  assign row_allowed = !gating_q || ({1'b0, row_q} < allowed[0] && {1'b0, row_q} < allowed[1]);

  always_comb begin
    row_d = row_q;
    if (row_taken) row_d = row_q + 1'b1;
    if (start) row_d = '0;
  end

  always_ff @(posedge clk_i) row_q <= row_d;

  burst_walker u_walker (
      .clk_i,
      .rst_ni,
      .flush_i            (flush_i || stop_i),
      .transfer_valid_i   (start && context_room),
      .transfer_i         (held_q.transfer),
      .transfer_ready_o   (walker_ready),
      .run_allow_i        (row_allowed),
      .run_taken_o        (row_taken),
      .burst_valid_o      (walk_valid),
      .burst_address_o    (walk_address),
      .burst_offset_o     (walk_offset),
      .burst_bytes_o      (unused_walk_bytes),
      .burst_beats_o      (walk_beats),
      .burst_last_of_run_o(unused_walk_last_of_run),
      .burst_last_o       (unused_walk_last),
      .burst_ready_i      (walk_ready),
      .busy_o             (walk_busy)
  );

  // ---- AR and the bursts owed ----
  // A burst counts as owed from the cycle in which its address is presented.
  logic ar_valid_q, ar_valid_d;
  address_t ar_address_q;
  logic [8:0] ar_beats_q;
  logic owed_room, present;

  assign walk_ready = (!ar_valid_q || ar_ready_i) && owed_room && !stop_i && !flush_i;
  assign present    = walk_valid && walk_ready;

  always_comb begin
    ar_valid_d = ar_valid_q;
    if (ar_ready_i) ar_valid_d = 1'b0;
    if (present) ar_valid_d = 1'b1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ar_valid_q <= 1'b0;
    else ar_valid_q <= ar_valid_d;
  end

  always_ff @(posedge clk_i) begin
    if (present) begin
      ar_address_q <= walk_address;
      ar_beats_q   <= walk_beats;
    end
  end

  assign ar_valid_o   = ar_valid_q;
  assign ar_address_o = ar_address_q;
  assign ar_beats_o   = ar_beats_q;

  localparam int unsigned OwedCountWidth = $clog2(ReadsOutstanding + 1);
  logic [OwedCountWidth-1:0] unused_owed_count;

  stream_fifo #(
      .Width(AddressWidth + OffsetWidth + 9),
      .Depth(ReadsOutstanding)
  ) u_owed (
      .clk_i,
      .rst_ni,
      .flush_i(1'b0),
      .valid_i(walk_valid && walk_ready),
      .data_i ({walk_address, walk_offset, walk_beats}),
      .ready_o(owed_room),
      .valid_o(burst_valid_o),
      .data_o ({burst_address_o, burst_offset_o, burst_beats_o}),
      .ready_i(burst_done_i),
      .count_o(unused_owed_count)
  );

  assign held_o        = held_valid_q;
  assign waits_start_o = held_valid_q && !gating_q && !(&gate_open);
  assign waits_row_o   = gating_q && !row_allowed && walk_busy && !walk_valid;

  `ASSERT(RowsOfMergedRunsDoNotWait, !start || !held_q.transfer.merge ||
      !((held_q.header.waits[0].by_rows && held_q.header.waits[0].count != '0) ||
        (held_q.header.waits[1].by_rows && held_q.header.waits[1].count != '0)))
  `ASSERT(BurstDoneIsOwed, !burst_done_i || burst_valid_o)
  `ASSERT_NEXT(ArHolds, ar_valid_o && !ar_ready_i,
      ar_valid_o && $stable(ar_address_o) && $stable(ar_beats_o))

endmodule

`default_nettype wire
