// First-in first-out queue of registers, valid/ready on both sides.
//
// A word taken in cycle t is at the output from cycle t + 1. One word a cycle from Depth 2 on; with
// Depth 1 a word every other cycle. No combinational path from one side to the other: Depth 2
// serves as a skid buffer. `flush_i` empties it in one cycle and wins over a word that is offered
// meanwhile.
//
// Width >= 1, Depth >= 1 (meant for tens of words: storage is flops or LUT memory, not block
// memory).
`include "systolith_assert.svh"
`default_nettype none

module stream_fifo #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 2,
    localparam int unsigned CountWidth = $clog2(Depth + 1)
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  flush_i,

    // input
    input  logic                  valid_i,
    input  logic [Width-1:0]      data_i,
    output logic                  ready_o,

    // output
    output logic                  valid_o,
    output logic [Width-1:0]      data_o,
    input  logic                  ready_i,

    output logic [CountWidth-1:0] count_o  // words held
);

  if (Width < 1) begin : gen_bad_width
    $error("stream_fifo: Width must be at least 1");
  end
  if (Depth < 1) begin : gen_bad_depth
    $error("stream_fifo: Depth must be at least 1");
  end

  localparam int unsigned IndexWidth = (Depth > 1) ? $clog2(Depth) : 1;
  typedef logic [IndexWidth-1:0] index_t;

  function automatic index_t next_index(index_t index);
    return (index == IndexWidth'(Depth - 1)) ? '0 : index + 1'b1;
  endfunction

  logic [Width-1:0] storage_q [Depth];
  index_t write_index_q, write_index_d;
  index_t read_index_q, read_index_d;
  logic [CountWidth-1:0] count_q, count_d;
  logic push, pop;

  assign ready_o = count_q != CountWidth'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = storage_q[read_index_q];
  assign count_o = count_q;

  assign push = valid_i && ready_o;
  assign pop  = valid_o && ready_i;

  always_comb begin
    write_index_d = push ? next_index(write_index_q) : write_index_q;
    read_index_d  = pop ? next_index(read_index_q) : read_index_q;
    count_d       = count_q + CountWidth'(push) - CountWidth'(pop);
    if (flush_i) begin
      write_index_d = '0;
      read_index_d  = '0;
      count_d       = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_index_q <= '0;
      read_index_q  <= '0;
      count_q       <= '0;
    end else begin
      write_index_q <= write_index_d;
      read_index_q  <= read_index_d;
      count_q       <= count_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) storage_q[write_index_q] <= data_i;
  end

  `ASSERT(CountInRange, count_q <= CountWidth'(Depth))
  `ASSERT_NEXT(HoldsWhileNotReady, valid_o && !ready_i && !flush_i, valid_o)

endmodule

`default_nettype wire
