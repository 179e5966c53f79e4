// Turns beats of memory into words whose first byte is in lane 0.
//
//   beats:  ....abcd efghijkl mno.....   word = bytes from `position` of {next, held beat}
//   words:  abcdefgh ijklmno.
//
// The reader says how many bytes it wants in the next word (1 .. BusBytes) and whether the word
// ends its run of memory. After the end of a run what is left of the beats that it reached is
// dropped, and the next beat starts at its `beat_offset_i` (which is 0 for a beat that goes on
// within a run).
//
// Handshakes: a beat is taken when `beat_valid_i && beat_ready_o`; ready does not depend on valid.
// A word leaves when `word_valid_o && word_ready_i`; `word_data_o`, a combinational rotation, has
// rubbish past the wanted bytes. `clear_i` drops the held beat.
//
// Timing: a beat is held from the cycle after it was taken and leaves as a word from then on. One
// beat a cycle as long as each beat is wanted in one word: runs of any alignment, one after the
// other; a beat with parts of n words takes n cycles.
//
// BusBytes: power of two, 8..64.
`include "systolith_assert.svh"
`default_nettype none

module realigner #(
    parameter int unsigned BusBytes = systolith_config_pkg::BusBytes,
    localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   clear_i,

    // beats of memory
    input  logic                   beat_valid_i,
    input  logic [8*BusBytes-1:0]  beat_data_i,
    input  logic [OffsetWidth-1:0] beat_offset_i,
    output logic                   beat_ready_o,

    // words
    input  logic [OffsetWidth:0]   word_bytes_i,
    input  logic                   word_ends_run_i,
    output logic                   word_valid_o,
    output logic [8*BusBytes-1:0]  word_data_o,
    input  logic                   word_ready_i,

    output logic                   empty_o        // no beat is held
);

  if (BusBytes < 8 || BusBytes > 64 || (BusBytes & (BusBytes - 1)) != 0) begin : gen_bad_bus
    $error("realigner: BusBytes must be a power of two, 8 to 64");
  end

  logic held_valid_q, held_valid_d;
  logic [8*BusBytes-1:0] held_q;
  logic [OffsetWidth-1:0] position_q, position_d;

  logic [OffsetWidth:0] end_position;  // modulo 2 beats: at most 2 x BusBytes - 1
  logic reaches_next;                  // the word has bytes of the incoming beat
  logic finishes_held;                 // nothing of the held beat is wanted after it
  logic word_leaves, load;

  assign end_position  = {1'b0, position_q} + word_bytes_i;
  assign reaches_next  = end_position > (OffsetWidth + 1)'(BusBytes);
  assign finishes_held = end_position >= (OffsetWidth + 1)'(BusBytes) || word_ends_run_i;

  assign word_valid_o = held_valid_q && (!reaches_next || beat_valid_i);
  assign word_leaves  = word_valid_o && word_ready_i;
  assign beat_ready_o = !held_valid_q || (word_ready_i && finishes_held);
  assign empty_o      = !held_valid_q;

  always_comb begin
    held_valid_d = held_valid_q;
    position_d   = position_q;
    load         = 1'b0;
    if (word_leaves) begin
      if (!finishes_held) begin
        position_d = end_position[OffsetWidth-1:0];
      end else begin
        // The beat that the word reached into goes with the run's end.
        held_valid_d = 1'b0;
        if (beat_valid_i && !(reaches_next && word_ends_run_i)) begin
          held_valid_d = 1'b1;
          load         = 1'b1;
          position_d   = reaches_next ? end_position[OffsetWidth-1:0] : beat_offset_i;
        end
      end
    end else if (!held_valid_q && beat_valid_i) begin
      held_valid_d = 1'b1;
      load         = 1'b1;
      position_d   = beat_offset_i;
    end
    if (clear_i) held_valid_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) held_valid_q <= 1'b0;
    else held_valid_q <= held_valid_d;
  end

  always_ff @(posedge clk_i) begin
    position_q <= position_d;
    if (load) held_q <= beat_data_i;
  end

  assign word_data_o = (8 * BusBytes)'({beat_data_i, held_q} >> {position_q, 3'b000});

  `ASSERT(WordNotEmpty, !word_valid_o || !word_ready_i || word_bytes_i != '0)
  `ASSERT(WordInRange, !word_ready_i || word_bytes_i <= (OffsetWidth + 1)'(BusBytes))

endmodule

`default_nettype wire
