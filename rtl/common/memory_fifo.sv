// First-in first-out queue in block memory, valid/ready on both sides: for few wide words, which as
// registers or LUT memory would cost logic by the bit.
//
// A word taken in cycle t is at the output from cycle t + 2. One word a cycle from Depth 3 on. No
// combinational path from one side to the other. `flush_i` empties it in one cycle and wins over a
// word that is offered meanwhile.
//
// Width >= 1, Depth >= 1.
`include "systolith_assert.svh"
`default_nettype none

module memory_fifo #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 2
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
    input  logic             ready_i,

    output logic             held_o    // a word is in the queue, at its output or not yet
);

  if (Width < 1) begin : gen_bad_width
    $error("memory_fifo: Width must be at least 1");
  end
  if (Depth < 1) begin : gen_bad_depth
    $error("memory_fifo: Depth must be at least 1");
  end

  localparam int unsigned Places = (Depth > 1) ? Depth : 2;
  localparam int unsigned IndexWidth = $clog2(Places);
  localparam int unsigned CountWidth = $clog2(Depth + 1);
  typedef logic [IndexWidth-1:0] index_t;

  function automatic index_t next_index(index_t index);
    return (index == IndexWidth'(Places - 1)) ? '0 : index + 1'b1;
  endfunction

  index_t write_index_q, write_index_d;
  index_t read_index_q, read_index_d;
  logic [CountWidth-1:0] unread_q, unread_d;   // words that have not left the memory
  logic valid_q, valid_d;                      // the memory's output holds a word
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
    valid_d       = read || (valid_q && !pop);
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
      valid_q       <= 1'b0;
    end else begin
      write_index_q <= write_index_d;
      read_index_q  <= read_index_d;
      unread_q      <= unread_d;
      valid_q       <= valid_d;
    end
  end

  logic unused_corrected, unused_uncorrected;
  memory #(.Width(Width), .Depth(Places), .Granule(Width), .AllowCollision(1'b0)) u_memory (
      .clk_i, .rst_ni,
      .write_valid_i(push), .write_index_i(write_index_q), .write_strobe_i('1),
      .write_data_i(data_i),
      .read_valid_i(read), .read_index_i(read_index_q), .read_data_o(data_o),
      .corrected_o(unused_corrected), .uncorrected_o(unused_uncorrected)
  );

  `ASSERT(CountInRange, 32'(unread_q) + 32'(valid_q) <= Depth)
  `ASSERT_NEXT(HoldsWhileNotReady, valid_o && !ready_i && !flush_i, valid_o)

endmodule

`default_nettype wire
