// Ring of bytes in a block RAM, each with a flag `last`, that takes whole frames and can be read twice.
//
// Write side: a byte is taken in the cycle of `write_i`, which must not come while `full_o`. What has been written is
// seen by the reader from its `commit_i` on, which may come with the last byte; `rollback_i` drops all since the last
// commit. The number of frames is not limited.
// Read side: `valid_o` with a byte; `read_i` goes on to the next, `release_i` frees all that has been read (the byte
// of this cycle's `read_i` included), `rewind_i` goes back to the first that was not freed and wins over `read_i`.
// Latency: a byte is at the output two cycles after its commit. Throughput: a byte a cycle each way.
//
// Depth a power of two, 2048 fills a block RAM of an ECP5.
`include "systolith_assert.svh"
`default_nettype none

module byte_ring #(
  parameter int unsigned Depth = 2048
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  // write
  input  logic       write_i,
  input  logic [7:0] data_i,
  input  logic       last_i,
  input  logic       commit_i,
  input  logic       rollback_i,
  output logic       full_o,
  // read
  output logic       valid_o,
  output logic [7:0] data_o,
  output logic       last_o,
  input  logic       read_i,
  input  logic       release_i,
  input  logic       rewind_i
);

  if (Depth < 2 || (Depth & (Depth - 1)) != 0) begin : gen_bad_depth
    $error("byte_ring: Depth must be a power of two, at least 2");
  end

  localparam int unsigned IndexWidth = $clog2(Depth);
  typedef logic [IndexWidth:0] place_t;   // one bit more tells full from empty

  // Oldest first: freed up to here, read, committed, written.
  place_t freed_q, freed_d, read_q, read_d, commit_q, commit_d, write_q, write_d, write_next;

  assign write_next = write_q + place_t'(write_i);
  assign write_d = rollback_i ? commit_q : write_next;
  assign commit_d = commit_i ? write_next : commit_q;
  assign read_d = rewind_i ? freed_q : read_q + place_t'(read_i);
  assign freed_d = release_i ? read_d : freed_q;

  assign full_o = (write_q ^ freed_q) == place_t'(Depth);

  (* no_rw_check, ram_style = "block" *) logic [8:0] mem [Depth];
  logic [8:0] word_q;
  logic valid_q, valid_d;
  assign valid_d = read_d != commit_q;

  always_ff @(posedge clk_i) begin
    if (write_i) mem[write_q[IndexWidth-1:0]] <= {last_i, data_i};
  end
  always_ff @(posedge clk_i) begin
    if (valid_d) word_q <= mem[read_d[IndexWidth-1:0]];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      freed_q <= '0;
      read_q <= '0;
      commit_q <= '0;
      write_q <= '0;
      valid_q <= 1'b0;
    end else begin
      freed_q <= freed_d;
      read_q <= read_d;
      commit_q <= commit_d;
      write_q <= write_d;
      valid_q <= valid_d;
    end
  end

  assign valid_o = valid_q;
  assign data_o = word_q[7:0];
  assign last_o = word_q[8];

  `ASSERT(NeverOver, !(write_i && full_o))
  `ASSERT(NeverUnder, !(read_i && !valid_o))
  `ASSERT(OneEnd, !(commit_i && rollback_i))
  `ASSERT(InOrder, place_t'(read_q - freed_q) <= place_t'(commit_q - freed_q)
      && place_t'(commit_q - freed_q) <= place_t'(write_q - freed_q)
      && place_t'(write_q - freed_q) <= place_t'(Depth))
  `ASSERT(NoCollision, !(write_i && valid_d && write_q[IndexWidth-1:0] == read_d[IndexWidth-1:0]))

endmodule

`default_nettype wire
