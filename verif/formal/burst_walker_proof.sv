// burst_walker: the bursts of a transfer are its bytes, run after run in loop order, none left out, none twice; each is
// within 4 KiB and of at most MaxBurstBeats beats.
//
// A reference keeps where the turn of each loop starts, the address of the byte that is due and how many bytes are left of
// the run. Every burst has to begin with that byte and to end within the run, the last with its last byte: so each byte
// of each run is in one burst. Transfers, gate, back-pressure and flush are free.
`include "systolith_assert.svh"
`default_nettype none

module burst_walker_proof
  import systolith_pkg::*;
#(
  parameter int unsigned BusBytes = 8,
  parameter int unsigned MaxBurstBeats = 2,
  parameter int unsigned AddressWidth = 13,
  localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
  input logic            clk_i,
  input logic            flush_i,
  input logic            transfer_valid_i,
  input address_t        base_i,
  input run_t            run_i,
  input logic            merge_i,
  input logic [31:0]     merged_run_i,
  input rows_t [3:0]     count_i,
  input address_t [3:0]  stride_i,
  input logic            run_allow_i,
  input logic            burst_ready_i
);

  typedef logic [AddressWidth-1:0] walk_address_t;

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  transfer_t transfer;
  always_comb begin
    transfer = '0;
    transfer.base = base_i;
    transfer.run = run_i;
    transfer.merge = merge_i;
    transfer.merged_run = merged_run_i;
    transfer.count = count_i;
    transfer.stride = stride_i;
  end
  `ASSUME(RunsNotEmpty, run_i != '0 && merged_run_i != '0)
  for (genvar i = 0; i < 4; i++) begin : gen_count
    `ASSUME(CountNotZero, count_i[i] != '0)
  end

  logic transfer_ready, run_taken, burst_valid, last_of_run, last_of_transfer, busy;
  walk_address_t address;
  logic [OffsetWidth-1:0] offset;
  logic [12:0] bytes;
  logic [8:0] beats;

  burst_walker #(.BusBytes(BusBytes), .MaxBurstBeats(MaxBurstBeats), .AddressWidth(AddressWidth)) u_walker (
    .clk_i, .rst_ni, .flush_i,
    .transfer_valid_i, .transfer_i(transfer), .transfer_ready_o(transfer_ready),
    .run_allow_i, .run_taken_o(run_taken),
    .burst_valid_o(burst_valid), .burst_address_o(address), .burst_offset_o(offset), .burst_bytes_o(bytes),
    .burst_beats_o(beats), .burst_last_of_run_o(last_of_run), .burst_last_o(last_of_transfer), .burst_ready_i,
    .busy_o(busy)
  );

  // ---- runs of the transfer, in loop order ----
  logic walking_q, take_transfer, last_run;
  logic [31:0] run_q;
  rows_t [3:0] count_q, left_turns_q, left_turns_d;   // turns of each loop, and those left with this one
  walk_address_t [3:0] stride_q, start_q, start_d;    // where each loop's turn starts

  assign take_transfer = transfer_valid_i && transfer_ready;

  // Loops in each other: a turn starts a stride after the one before, a loop's first with the turn of the loop around it.
  logic [3:0] steps, begins;
  for (genvar i = 0; i < 4; i++) begin : gen_turn
    logic inner_end;   // all loops inside this one are in their last turn
    if (i == 0) begin : gen_innermost
      assign inner_end = 1'b1;
    end else begin : gen_outer
      assign inner_end = gen_turn[i-1].inner_end && left_turns_q[i-1] == RowsWidth'(1);
    end
    assign steps[i] = inner_end && left_turns_q[i] != RowsWidth'(1);
    assign begins[i] = inner_end && left_turns_q[i] == RowsWidth'(1);
    if (i == 3) begin : gen_outermost
      assign start_d[i] = steps[i] ? start_q[i] + stride_q[i] : start_q[i];
    end else begin : gen_inner
      assign start_d[i] = begins[i] ? start_d[i+1] : steps[i] ? start_q[i] + stride_q[i] : start_q[i];
    end
    assign left_turns_d[i] = begins[i] ? count_q[i] : left_turns_q[i] - RowsWidth'(steps[i]);
  end
  assign last_run = &begins;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) walking_q <= 1'b0;
    else walking_q <= !flush_i && (take_transfer || (walking_q && !(run_taken && last_run)));
  end

  always_ff @(posedge clk_i) begin
    if (take_transfer) begin
      run_q <= merge_i ? merged_run_i : 32'(run_i);
      for (int unsigned i = 0; i < 4; i++) begin
        count_q[i] <= (merge_i && i == 0) ? RowsWidth'(1) : count_i[i];
        left_turns_q[i] <= (merge_i && i == 0) ? RowsWidth'(1) : count_i[i];
        stride_q[i] <= AddressWidth'(stride_i[i]);
        start_q[i] <= AddressWidth'(base_i);
      end
    end else if (run_taken) begin
      left_turns_q <= left_turns_d;
      start_q <= start_d;
    end
  end

  // ---- bytes of the run ----
  logic cutting_q, ends, last_q, given;
  walk_address_t due_q;         // of the next byte
  logic [31:0] left_q;

  assign given = burst_valid && burst_ready_i;
  assign ends = 32'(bytes) == left_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cutting_q <= 1'b0;
    else cutting_q <= !flush_i && (run_taken || (cutting_q && !(given && ends)));
  end

  always_ff @(posedge clk_i) begin
    if (run_taken) begin
      due_q <= start_q[0];
      left_q <= run_q;
      last_q <= last_run;
    end else if (given) begin
      due_q <= due_q + AddressWidth'(bytes);
      left_q <= left_q - 32'(bytes);
    end
  end

  // ---- what is there is taken and offered ----
  logic free;
  assign free = !cutting_q || (given && ends);
  `ASSERT(TakesTheNextRun, run_taken == (walking_q && run_allow_i && free))
  `ASSERT(TakesTheNextTransfer, transfer_ready == (!walking_q || (run_taken && last_run)))
  `ASSERT(OffersWhatIsLeft, burst_valid == cutting_q)
  `ASSERT(BusyWithSomething, busy == (walking_q || cutting_q))

  // ---- a burst ----
  localparam int unsigned PageWidth = 18;
  `ASSERT(BeginsAtTheByteDue, !burst_valid || address + AddressWidth'(offset) == due_q)
  `ASSERT(AddressAligned, address[OffsetWidth-1:0] == '0)
  `ASSERT(BytesOfTheRun, !burst_valid || (bytes != '0 && 32'(bytes) <= left_q))
  `ASSERT(LastOfRun, !burst_valid || last_of_run == ends)
  `ASSERT(LastOfTransfer, !burst_valid || last_of_transfer == (ends && last_q))
  `ASSERT(BeatsOfTheBytes, !burst_valid ||
      PageWidth'(beats) == (PageWidth'(offset) + PageWidth'(bytes) + PageWidth'(BusBytes - 1)) >> OffsetWidth)
  `ASSERT(WithinLength, !burst_valid || (beats != '0 && 32'(beats) <= MaxBurstBeats))
  `ASSERT(WithinPage, !burst_valid || PageWidth'(due_q[11:0]) + PageWidth'(bytes) <= PageWidth'(4096))
  // No shorter than need be: it ends with the run, with the page or with the longest burst.
  `ASSERT(NoneTooShort, !burst_valid || ends || due_q[11:0] + 12'(bytes) == '0 || 32'(beats) == MaxBurstBeats)

  // ---- how the design stands, which makes the above hold from any state to the next ----
  `ASSERT(CutStands, !cutting_q || (u_walker.cut_address_q == due_q && u_walker.cut_left_q == left_q &&
      left_q != '0 && u_walker.cut_last_q == last_q))
  `ASSERT(RunStands, !walking_q || (u_walker.run_q == run_q && run_q != '0 && u_walker.stride_q == stride_q &&
      u_walker.count_q == count_q))
  `ASSERT(LoopsStand, !walking_q || (u_walker.start_q == start_q && u_walker.turns_left_q == left_turns_q))

endmodule

`default_nettype wire
