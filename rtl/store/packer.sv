// Aligns pieces of runs to memory: bytes move to their lanes, and full or ending bus words leave as
// beats with strobes.
//
// A burst is announced by its first byte's offset in a beat (0 unless it is the first of its run)
// and its beats, in order, not before its address is offered to the bus. A word leaves only for an
// announced burst, so data never precede their address.
//
// Timing: combinational from a piece to the beat; a piece a cycle, and a beat a cycle, except that
// a piece which ends a run and crosses into a further beat takes that beat's cycle too: one beat a
// cycle is sustained in all cases.
// `clear_i` forgets bytes that are held and the burst under way.
//
// BusBytes: power of two from 8 on.
`include "systolith_assert.svh"
`default_nettype none

module packer #(
  parameter int unsigned BusBytes = 16,
  localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   clear_i,

  // Bursts whose data may leave.
  input  logic                   burst_valid_i,
  input  logic [OffsetWidth-1:0] burst_offset_i,
  input  logic [8:0]             burst_beats_i,
  output logic                   burst_done_o,    // its last beat leaves

  // Pieces: bytes from byte 0 on.
  input  logic                   piece_valid_i,
  input  logic [8*BusBytes-1:0]  piece_data_i,
  input  logic [OffsetWidth:0]   piece_bytes_i,   // 1 .. BusBytes
  input  logic                   piece_last_i,    // ends the run
  input  logic                   piece_void_i,    // its bytes are not to be written
  output logic                   piece_ready_o,

  // Beats.
  output logic                   w_valid_o,
  output logic [8*BusBytes-1:0]  w_data_o,
  output logic [BusBytes-1:0]    w_strobe_o,
  output logic                   w_last_o,
  input  logic                   w_ready_i
);

  if (BusBytes < 8 || (BusBytes & (BusBytes - 1)) != 0) begin : gen_bad_bus
    $error("packer: BusBytes must be a power of two from 8 on");
  end

  logic start_q, start_d;                        // the next piece begins a run
  logic tail_q, tail_d;                          // the held bytes are the run's last beat
  logic [OffsetWidth-1:0] fill_q, fill;          // lane of the next byte
  logic [8*BusBytes-1:0] held_q, held;
  logic [BusBytes-1:0] held_strobe_q, held_strobe;
  logic [8:0] beat_q, beat_d;                    // of the burst

  logic [16*BusBytes-1:0] window;
  logic [2*BusBytes-1:0] window_strobe;
  logic [8*BusBytes-1:0] piece_masked;
  logic [BusBytes-1:0] piece_mask;
  logic [OffsetWidth+1:0] total;
  logic full, take, emit;

  assign fill        = start_q ? burst_offset_i : fill_q;
  assign held        = start_q ? '0 : held_q;
  assign held_strobe = start_q ? '0 : held_strobe_q;

  always_comb begin
    piece_mask = '0;
    piece_masked = '0;
    if (piece_valid_i) begin
      for (int unsigned b = 0; b < BusBytes; b++) begin
        if (b < 32'(piece_bytes_i)) begin
          piece_mask[b] = 1'b1;
          piece_masked[8*b+:8] = piece_data_i[8*b+:8];
        end
      end
    end
    window        = {(8*BusBytes)'(0), held} | ({(8*BusBytes)'(0), piece_masked} << {fill, 3'b000});
    window_strobe = {BusBytes'(0), held_strobe} |
                    ({BusBytes'(0), piece_void_i ? BusBytes'(0) : piece_mask} << fill);
    total         = (OffsetWidth+2)'(fill) + (OffsetWidth+2)'(piece_bytes_i);
  end

  assign full = total >= (OffsetWidth+2)'(BusBytes);
  assign emit = burst_valid_i && (tail_q || (piece_valid_i && (full || piece_last_i)));
  assign take = burst_valid_i && !tail_q && piece_valid_i && (w_ready_i || !(full || piece_last_i));

  assign piece_ready_o = burst_valid_i && !tail_q && (w_ready_i || !(full || piece_last_i));
  assign w_valid_o     = emit;
  assign w_data_o      = tail_q ? held_q : window[8*BusBytes-1:0];
  assign w_strobe_o    = tail_q ? held_strobe_q : window_strobe[BusBytes-1:0];
  assign w_last_o      = beat_q + 1'b1 == burst_beats_i;
  assign burst_done_o  = emit && w_ready_i && w_last_o;

  always_comb begin
    start_d = start_q;
    tail_d  = tail_q;
    beat_d  = beat_q;
    if (take) begin
      tail_d  = piece_last_i && total > (OffsetWidth+2)'(BusBytes);
      start_d = piece_last_i && !tail_d;
    end
    if (tail_q && emit && w_ready_i) begin
      tail_d  = 1'b0;
      start_d = 1'b1;
    end
    if (emit && w_ready_i) beat_d = w_last_o ? '0 : beat_q + 1'b1;
    if (clear_i) begin
      start_d = 1'b1;
      tail_d  = 1'b0;
      beat_d  = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      start_q <= 1'b1;
      tail_q  <= 1'b0;
      beat_q  <= '0;
    end else begin
      start_q <= start_d;
      tail_q  <= tail_d;
      beat_q  <= beat_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      fill_q        <= total[OffsetWidth-1:0];
      held_q        <= full ? window[8*BusBytes+:8*BusBytes] : window[8*BusBytes-1:0];
      held_strobe_q <= full ? window_strobe[BusBytes+:BusBytes] : window_strobe[BusBytes-1:0];
    end
  end

  // Bursts and runs end together.
  `ASSERT(RunEndsWithBurst, !(emit && w_ready_i && !clear_i) || !start_d || w_last_o)
  `ASSERT(RunStartsBurst, !start_q || beat_q == '0)

endmodule

`default_nettype wire
