// burst_walker: the bursts of a transfer are its bytes, run after run in loop order, none left out, none twice; each is
// within 4 KiB and of at most MaxBurstBeats beats.
//
// A reference keeps what each loop has added to the base, the address of the byte that is due and how many bytes are left
// of the run. Every burst has to begin with that byte and to end within the run, the last with its last byte: so each byte
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
  walk_address_t base_q;
  logic [31:0] run_q;
  rows_t [3:0] count_q, turn_q, turn_d;            // turns of each loop, and which one it is in
  walk_address_t [3:0] stride_q, added_q, added_d; // what each loop adds to the base in this turn

  assign take_transfer = transfer_valid_i && transfer_ready;

  always_comb begin
    logic carry;   // the next inner loop begins anew
    carry = 1'b1;
    turn_d = turn_q;
    added_d = added_q;
    for (int unsigned i = 0; i < 4; i++) begin
      if (carry) begin
        if (turn_q[i] + 1'b1 == count_q[i]) begin
          turn_d[i] = '0;
          added_d[i] = '0;
        end else begin
          turn_d[i] = turn_q[i] + 1'b1;
          added_d[i] = added_q[i] + stride_q[i];
          carry = 1'b0;
        end
      end
    end
    last_run = carry;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) walking_q <= 1'b0;
    else walking_q <= !flush_i && (take_transfer || (walking_q && !(run_taken && last_run)));
  end

  always_ff @(posedge clk_i) begin
    if (take_transfer) begin
      base_q <= AddressWidth'(base_i);
      run_q <= merge_i ? merged_run_i : 32'(run_i);
      for (int unsigned i = 0; i < 4; i++) begin
        count_q[i] <= (merge_i && i == 0) ? RowsWidth'(1) : count_i[i];
        stride_q[i] <= AddressWidth'(stride_i[i]);
      end
      turn_q <= '0;
      added_q <= '0;
    end else if (run_taken) begin
      turn_q <= turn_d;
      added_q <= added_d;
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
      due_q <= base_q + added_q[3] + added_q[2] + added_q[1] + added_q[0];
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
  for (genvar i = 0; i < 4; i++) begin : gen_loop
    walk_address_t outer;   // where the loop's turns are counted from
    assign outer = (i == 3) ? base_q : u_walker.start_q[(i == 3) ? 3 : i + 1];
    `ASSERT(LoopStands, !walking_q || (u_walker.start_q[i] == outer + added_q[i] &&
        turn_q[i] < count_q[i] && u_walker.turns_left_q[i] == count_q[i] - turn_q[i] &&
        (turn_q[i] != '0 || added_q[i] == '0)))
  end

endmodule

`default_nettype wire
