// Walks the memory side of a transfer and yields its AXI bursts, in loop order.
//
// A transfer is a set of runs of contiguous bytes. Without `merge` a run is a row (`run` bytes;
// loops 0..3), with it a run is all of loop 0 (`merged_run` bytes; loops 1..3). A run is cut
// greedily: a burst ends with the run, before a 4 KiB boundary, or after MaxBurstBeats beats,
// whichever comes first.
//
//   transfer -> [loops: start of the next run] -> [address and bytes left of the run] -> burst
//                                             ^ run_allow_i / run_taken_o
//
// Handshakes: `transfer` and `burst` are valid/ready streams. A run moves on to be cut only while
// `run_allow_i` is high, with a pulse of `run_taken_o`; a consumer that gates rows counts these
// pulses from the cycle after the transfer was taken (the bursts of runs already taken, also of the
// transfer before, are not held up). Tie `run_allow_i` to 1 where nothing is gated. `flush_i`
// forgets everything; a burst that is offered meanwhile is withdrawn.
//
// Timing: first burst two cycles after the transfer is taken; then a burst a cycle, across runs and
// transfers.
//
// BusBytes: power of two, 8..128. MaxBurstBeats: power of two, 1..256. AddressWidth: 13..64, at
// most the package's.
`include "systolith_assert.svh"
`default_nettype none

module burst_walker #(
    parameter int unsigned BusBytes = systolith_config_pkg::BusBytes,
    parameter int unsigned MaxBurstBeats = systolith_config_pkg::MaxBurstBeats,
    parameter int unsigned AddressWidth = systolith_config_pkg::AddressWidth,
    localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       flush_i,

    // transfer; the local fields are not used
    input  logic                       transfer_valid_i,
    input  systolith_pkg::transfer_t   transfer_i,
    output logic                       transfer_ready_o,

    // gate of runs
    input  logic                       run_allow_i,
    output logic                       run_taken_o,

    // bursts
    output logic                       burst_valid_o,
    output logic [AddressWidth-1:0]    burst_address_o,      // of the first beat
    output logic [OffsetWidth-1:0]     burst_offset_o,       // of the first byte in it
    output logic [12:0]                burst_bytes_o,        // 1 .. 4096
    output logic [8:0]                 burst_beats_o,        // 1 .. MaxBurstBeats
    output logic                       burst_last_of_run_o,
    output logic                       burst_last_o,         // of the transfer
    input  logic                       burst_ready_i,

    output logic                       busy_o                // a transfer or a burst is held
);

  import systolith_pkg::*;

  if (BusBytes < 8 || BusBytes > 128 || (BusBytes & (BusBytes - 1)) != 0) begin : gen_bad_bus
    $error("burst_walker: BusBytes must be a power of two, 8 to 128");
  end
  if (MaxBurstBeats < 1 || MaxBurstBeats > 256 ||
      (MaxBurstBeats & (MaxBurstBeats - 1)) != 0) begin : gen_bad_beats
    $error("burst_walker: MaxBurstBeats must be a power of two, 1 to 256");
  end
  if (AddressWidth < 13 || AddressWidth > $bits(address_t)) begin : gen_bad_address
    $error("burst_walker: AddressWidth must be 13 to the package's");
  end

  typedef logic [AddressWidth-1:0] walk_address_t;

  logic unused_local_fields;
  assign unused_local_fields = ^{transfer_i.rows, transfer_i.local_base, transfer_i.local_pitch};

  // ---- start of the next run ----
  // One start address a loop: that of the loop's current turn. The next run starts a stride after
  // the turn of the innermost loop that is not in its last turn, so no multiplier is needed.
  logic loops_valid_q, loops_valid_d;
  logic [31:0] run_q, run_d;
  rows_t [3:0] count_q, count_d;          // turns of each loop
  rows_t [3:0] turns_left_q, turns_left_d;
  walk_address_t [3:0] stride_q, stride_d;
  walk_address_t [3:0] start_q, start_d;  // start_q[0] is the next run's

  logic [3:0] last_turn;
  logic [1:0] level;          // innermost loop with a turn left
  logic last_run;
  walk_address_t next_start;
  logic take_transfer, take_run;
  logic run_free;

  always_comb begin
    for (int unsigned i = 0; i < 4; i++) last_turn[i] = turns_left_q[i] == RowsWidth'(1);
    last_run = &last_turn;
    level = 2'd3;
    if (!last_turn[2]) level = 2'd2;
    if (!last_turn[1]) level = 2'd1;
    if (!last_turn[0]) level = 2'd0;
    next_start = start_q[level] + stride_q[level];
  end

  assign take_run         = loops_valid_q && run_allow_i && run_free;
  assign run_taken_o      = take_run;
  assign transfer_ready_o = !loops_valid_q || (take_run && last_run);
  assign take_transfer    = transfer_valid_i && transfer_ready_o;

  always_comb begin
    loops_valid_d = loops_valid_q;
    run_d         = run_q;
    count_d       = count_q;
    turns_left_d  = turns_left_q;
    stride_d      = stride_q;
    start_d       = start_q;
    if (take_run) begin
      loops_valid_d = !last_run;
      for (int unsigned i = 0; i < 4; i++) begin
        if (i < 32'(level)) begin
          turns_left_d[i] = count_q[i];
          start_d[i]      = next_start;
        end else if (i == 32'(level)) begin
          turns_left_d[i] = turns_left_q[i] - 1'b1;
          start_d[i]      = next_start;
        end
      end
    end
    if (take_transfer) begin
      loops_valid_d = 1'b1;
      run_d         = transfer_i.merge ? transfer_i.merged_run : 32'(transfer_i.run);
      count_d       = transfer_i.count;
      if (transfer_i.merge) count_d[0] = RowsWidth'(1);
      turns_left_d = count_d;
      for (int unsigned i = 0; i < 4; i++) begin
        stride_d[i] = AddressWidth'(transfer_i.stride[i]);
        start_d[i]  = AddressWidth'(transfer_i.base);
      end
    end
    if (flush_i) loops_valid_d = 1'b0;
  end

  // ---- the run being cut ----
  logic cut_valid_q, cut_valid_d;
  walk_address_t cut_address_q, cut_address_d;
  logic [31:0] cut_left_q, cut_left_d;          // bytes, >= 1
  logic cut_last_q, cut_last_d;                 // last run of the transfer

  localparam int unsigned PageBeats = 4096 / BusBytes;
  localparam int unsigned PageBeatWidth = $clog2(PageBeats);
  localparam int unsigned BeatsWidth = $clog2(PageBeats + 1);

  logic [OffsetWidth-1:0] offset;
  logic [BeatsWidth-1:0] page_beats;    // to the 4 KiB boundary
  logic [BeatsWidth-1:0] limit_beats;   // the most that a burst may have here
  logic [12:0] limit_bytes;             // from the first byte
  logic ends_run;
  logic [12:0] end_offset;              // of the run's last byte, from the first beat, if ends_run

  assign offset      = cut_address_q[OffsetWidth-1:0];
  assign page_beats  = BeatsWidth'(PageBeats) -
                       BeatsWidth'(cut_address_q[OffsetWidth+:PageBeatWidth]);
  assign limit_beats = (32'(page_beats) > MaxBurstBeats) ? BeatsWidth'(MaxBurstBeats) : page_beats;
  assign limit_bytes = (13'(limit_beats) << OffsetWidth) - 13'(offset);
  assign ends_run    = cut_left_q <= 32'(limit_bytes);
  assign end_offset  = cut_left_q[12:0] + 13'(offset) - 1'b1;

  assign burst_valid_o       = cut_valid_q;
  assign burst_address_o     = {cut_address_q[AddressWidth-1:OffsetWidth], OffsetWidth'(0)};
  assign burst_offset_o      = offset;
  assign burst_bytes_o       = ends_run ? cut_left_q[12:0] : limit_bytes;
  assign burst_beats_o       = ends_run ? 9'(end_offset >> OffsetWidth) + 1'b1 : 9'(limit_beats);
  assign burst_last_of_run_o = ends_run;
  assign burst_last_o        = ends_run && cut_last_q;
  assign busy_o              = loops_valid_q || cut_valid_q;

  assign run_free = !cut_valid_q || (burst_ready_i && ends_run);

  always_comb begin
    cut_valid_d   = cut_valid_q;
    cut_address_d = cut_address_q;
    cut_left_d    = cut_left_q;
    cut_last_d    = cut_last_q;
    if (cut_valid_q && burst_ready_i) begin
      cut_valid_d   = !ends_run;
      cut_address_d = cut_address_q + AddressWidth'(limit_bytes);
      cut_left_d    = cut_left_q - 32'(limit_bytes);
    end
    if (take_run) begin
      cut_valid_d   = 1'b1;
      cut_address_d = start_q[0];
      cut_left_d    = run_q;
      cut_last_d    = last_run;
    end
    if (flush_i) cut_valid_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      loops_valid_q <= 1'b0;
      cut_valid_q   <= 1'b0;
    end else begin
      loops_valid_q <= loops_valid_d;
      cut_valid_q   <= cut_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take_transfer || take_run) begin
      run_q        <= run_d;
      count_q      <= count_d;
      turns_left_q <= turns_left_d;
      stride_q     <= stride_d;
      start_q      <= start_d;
    end
    if (take_run || burst_ready_i) begin
      cut_address_q <= cut_address_d;
      cut_left_q    <= cut_left_d;
      cut_last_q    <= cut_last_d;
    end
  end

  `ASSERT(RunNotEmpty, !take_transfer || (transfer_i.run != '0 &&
      (!transfer_i.merge || transfer_i.merged_run != '0)))
  `ASSERT(CountsNotZero, !take_transfer ||
      (transfer_i.count[0] != '0 && transfer_i.count[1] != '0 &&
       transfer_i.count[2] != '0 && transfer_i.count[3] != '0))
  `ASSERT(BeatsInRange, !burst_valid_o ||
      (burst_beats_o != '0 && 32'(burst_beats_o) <= MaxBurstBeats))
  `ASSERT(StaysInPage, !burst_valid_o ||
      32'(burst_address_o[11:0]) + 32'(burst_beats_o) * BusBytes <= 4096)
  `ASSERT_NEXT(BurstHolds, burst_valid_o && !burst_ready_i && !flush_i, burst_valid_o)

endmodule

`default_nettype wire
