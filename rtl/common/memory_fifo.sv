// First-in first-out queue in block memory, valid/ready on both sides: for few wide words, which as
// registers or LUT memory would cost logic by the bit.
//
// A word taken in cycle t is at the output from cycle t + 2. One word a cycle from Depth 3 on. No
// combinational path from one side to the other. `flush_i` empties it in one cycle and wins over a
// word that is offered meanwhile.
//
// `wrong_o`: the word at the output has flipped bits that its code cannot correct; `place_o` is
// where it was stored. `corrected_o` pulses when one was corrected, with the word's first cycle.
//
// Width >= 1, Depth >= 1.
`include "systolith_assert.svh"
`default_nettype none

module memory_fifo #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 2,
    parameter bit Secded = 1'b0,      // the memory's code
    localparam int unsigned Places = (Depth > 1) ? Depth : 2,
    localparam int unsigned IndexWidth = $clog2(Places)
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             flush_i,

    // input
    input  logic             valid_i,
    input  logic [Width-1:0] data_i,
    output logic             ready_o,

    // output
    output logic             valid_o,
    output logic [Width-1:0] data_o,
    output logic             wrong_o,
    output logic [IndexWidth-1:0] place_o,
    input  logic             ready_i,

    output logic             corrected_o,
    output logic             held_o    // a word is in the queue, at its output or not yet
);

  if (Width < 1) begin : gen_bad_width
    $error("memory_fifo: Width must be at least 1");
  end
  if (Depth < 1) begin : gen_bad_depth
    $error("memory_fifo: Depth must be at least 1");
  end

  // A word is whole code words.
  localparam int unsigned Stored = (Width > 64) ? 64 * ((Width + 63) / 64) : 1 << $clog2(Width);
  localparam int unsigned CountWidth = $clog2(Depth + 1);
  typedef logic [IndexWidth-1:0] index_t;

  function automatic index_t next_index(index_t index);
    return (index == IndexWidth'(Places - 1)) ? '0 : index + 1'b1;
  endfunction

  index_t write_index_q, write_index_d;
  index_t read_index_q, read_index_d;
  logic [CountWidth-1:0] unread_q, unread_d;   // words that have not left the memory
  index_t place_q, place_d;
  logic valid_q, valid_d;                      // the memory's output holds a word
  logic wrong_q, wrong_d;                      // it was found wrong in an earlier cycle
  logic push, pop, read;

  // The word at the output counts: so no more than Depth are held.
  assign ready_o = unread_q != CountWidth'(Depth) &&
      !(valid_q && unread_q == CountWidth'(Depth - 1));
  assign valid_o = valid_q;
  assign held_o  = valid_q || unread_q != '0;

  assign push = valid_i && ready_o;
  assign pop  = valid_o && ready_i;
  assign read = unread_q != '0 && (!valid_q || pop);

  always_comb begin
    write_index_d = push ? next_index(write_index_q) : write_index_q;
    read_index_d  = read ? next_index(read_index_q) : read_index_q;
    unread_d      = unread_q + CountWidth'(push) - CountWidth'(read);
    place_d       = read ? read_index_q : place_q;
    valid_d       = read || (valid_q && !pop);
    wrong_d       = wrong_o && !pop;
    if (flush_i) begin
      write_index_d = '0;
      read_index_d  = '0;
      unread_d      = '0;
      valid_d       = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_index_q <= '0;
      read_index_q  <= '0;
      unread_q      <= '0;
      place_q       <= '0;
      valid_q       <= 1'b0;
      wrong_q       <= 1'b0;
    end else begin
      write_index_q <= write_index_d;
      read_index_q  <= read_index_d;
      unread_q      <= unread_d;
      place_q       <= place_d;
      valid_q       <= valid_d;
      wrong_q       <= wrong_d;
    end
  end

  logic [Stored-1:0] stored;
  logic corrected, uncorrected;
  memory #(
      .Width(Stored), .Depth(Places), .Granule(Stored), .Secded(Secded), .AllowCollision(1'b0)
  ) u_memory (
      .clk_i, .rst_ni,
      .write_valid_i(push), .write_index_i(write_index_q), .write_strobe_i('1),
      .write_data_i(Stored'(data_i)),
      .read_valid_i(read), .read_index_i(read_index_q), .read_data_o(stored),
      .corrected_o(corrected), .uncorrected_o(uncorrected)
  );
  assign data_o = stored[Width-1:0];
  if (Stored > Width) begin : gen_padding
    logic unused_padding;
    assign unused_padding = ^stored[Stored-1:Width];
  end
  // After a flush the memory may still tell of a word that is no longer there.
  assign wrong_o = valid_q && (uncorrected || wrong_q);
  assign corrected_o = valid_q && corrected;
  assign place_o = place_q;

  `ASSERT(CountInRange, 32'(unread_q) + 32'(valid_q) <= Depth)
  `ASSERT_NEXT(HoldsWhileNotReady, valid_o && !ready_i && !flush_i, valid_o)

endmodule

`default_nettype wire
