// Brings words from the chip's pins together into R beats.
//
// `read_i` goes with the decision of a READ; its word is in the input flip-flop CasLatency + CaptureCycles + 1 cycles
// later, and a beat on R one cycle after its last word's capture. A tag with `error` is a whole beat, of zeros and
// with DECERR. R is never late to take: `room_o` says that a beat that is claimed now (`claim_i`) has its place, until
// it leaves on R.
//
// Words 4 to 32; Depth >= 2 beats.
`include "systolith_assert.svh"
`default_nettype none

module sdram_read_return
  import sdram_pkg::*;
#(
  parameter int unsigned Words = 8,
  parameter int unsigned CasLatency = 2,
  parameter int unsigned CaptureCycles = 0,
  parameter int unsigned Depth = 16
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  output logic                room_o,
  input  logic                claim_i,
  input  read_tag_t           read_i,
  input  logic [15:0]         dq_i,
  // R
  output logic                valid_o,
  output logic [1:0]          id_o,
  output logic [16*Words-1:0] data_o,
  output logic                error_o,
  output logic                last_o,
  input  logic                ready_i
);

  localparam int unsigned Delay = CasLatency + CaptureCycles;   // of the word behind the command's pins
  localparam int unsigned IndexWidth = $clog2(Words);
  localparam int unsigned CountWidth = $clog2(Depth + 1);

  // ---- room ----
  logic [CountWidth-1:0] room_q;
  logic give_back;
  assign room_o = room_q != '0;
  assign give_back = valid_o && ready_i;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) room_q <= CountWidth'(Depth);
    else room_q <= room_q + CountWidth'(give_back) - CountWidth'(claim_i);
  end

  // ---- capture ----
  logic [15:0] dq_q;
  always_ff @(posedge clk_i) dq_q <= dq_i;

  read_tag_t [Delay:0] tags_q;
  read_tag_t tag;
  logic error_after;   // the next tag is an error's
  assign tag = tags_q[Delay];
  assign error_after = tags_q[Delay-1].valid && tags_q[Delay-1].error;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) tags_q <= '0;
    else tags_q <= {tags_q[Delay-1:0], read_i};
  end

  // ---- words to beats ----
  logic [Words-2:0][15:0] words_q;    // all but the last
  logic [IndexWidth-1:0] index_q;
  logic beat_valid, beat_taken;

  assign beat_valid = tag.valid && tag.beat_end;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) index_q <= '0;
    else if (beat_valid) index_q <= '0;
    else if (tag.valid) index_q <= index_q + 1'b1;
  end
  always_ff @(posedge clk_i) begin
    for (int unsigned w = 0; w < Words - 1; w++) begin
      // An error's beat is of zeros; the words of the beat before it leave in this cycle.
      if (error_after) words_q[w] <= '0;
      else if (tag.valid && index_q == IndexWidth'(w)) words_q[w] <= dq_q;
    end
  end

  typedef struct packed {
    logic [1:0]          id;
    logic                error;
    logic                last;
    logic [16*Words-1:0] data;
  } r_beat_t;

  r_beat_t beat, r;
  logic [CountWidth-1:0] held;
  assign beat = '{
    id: tag.id,
    error: tag.error,
    last: tag.last,
    data: {dq_q & {16{!tag.error}}, words_q}
  };

  stream_fifo #(.Width($bits(r_beat_t)), .Depth(Depth)) u_beats (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(beat_valid), .data_i(beat), .ready_o(beat_taken),
    .valid_o, .data_o(r), .ready_i, .count_o(held)
  );
  assign id_o = r.id;
  assign error_o = r.error;
  assign last_o = r.last;
  assign data_o = r.data;

  logic unused_bits;
  assign unused_bits = ^held ^ beat_taken;

  `ASSERT(RoomForEachBeat, !beat_valid || beat_taken)
  `ASSERT(ClaimsWithRoom, !claim_i || room_o)

endmodule

`default_nettype wire
