// Makes frames of contents: appends the CRC, keeps them in a ring, puts COBS on and ends them with a zero.
//
// Handshake: valid/ready on both sides, `last_i` with a content's last byte; a content has at least one byte.
// `valid_o` stays with its byte until `ready_i`.
// Latency: the first run's bytes twice and 6 cycles. Throughput: a byte a cycle in; out without gaps on a line where a
// byte takes 80 cycles or more, as long as content comes as fast. No parameters.
`include "systolith_assert.svh"
`default_nettype none

module frame_transmitter
  import link_pkg::*;
(
  input  logic       clk_i,
  input  logic       rst_ni,
  // contents
  input  logic       valid_i,
  input  logic [7:0] data_i,
  input  logic       last_i,
  output logic       ready_o,
  // bytes for the line
  output logic       valid_o,
  output logic [7:0] data_o,
  input  logic       ready_i
);

  logic in_crc_q, in_crc_d;           // the content is in the ring, its CRC follows
  logic [1:0] crc_byte_q, crc_byte_d;
  logic [31:0] crc_q, crc_d;
  logic full, write, frame_last;

  assign ready_o = !full && !in_crc_q;
  assign write = !full && (in_crc_q || valid_i);
  assign frame_last = in_crc_q && crc_byte_q == 2'(CrcBytes - 1);

  always_comb begin
    in_crc_d = in_crc_q;
    crc_byte_d = crc_byte_q;
    crc_d = crc_q;
    if (write) begin
      crc_d = crc_step(crc_q, in_crc_q ? crc_q[7:0] : data_i);
      if (in_crc_q) crc_byte_d = crc_byte_q + 2'd1;
      else in_crc_d = last_i;
      if (frame_last) begin
        in_crc_d = 1'b0;
        crc_d = CrcStart;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_crc_q <= 1'b0;
      crc_byte_q <= '0;
      crc_q <= CrcStart;
    end else begin
      in_crc_q <= in_crc_d;
      crc_byte_q <= crc_byte_d;
      crc_q <= crc_d;
    end
  end

  logic ring_valid, ring_last, ring_read, ring_release, ring_rewind;
  logic [7:0] ring_data;
  byte_ring #(.Depth(RingBytes)) u_ring (
    .clk_i, .rst_ni,
    .write_i(write), .data_i(in_crc_q ? ~crc_q[7:0] : data_i), .last_i(frame_last),
    .commit_i(1'b1), .rollback_i(1'b0), .full_o(full),
    .valid_o(ring_valid), .data_o(ring_data), .last_o(ring_last),
    .read_i(ring_read), .release_i(ring_release), .rewind_i(ring_rewind)
  );

  logic coded_valid, coded_ready;
  logic [7:0] coded_data;
  cobs_encoder u_encoder (
    .clk_i, .rst_ni,
    .valid_i(ring_valid), .data_i(ring_data), .last_i(ring_last),
    .read_o(ring_read), .release_o(ring_release), .rewind_o(ring_rewind),
    .valid_o(coded_valid), .data_o(coded_data), .ready_i(coded_ready)
  );

  // For the time in which the encoder counts a run.
  localparam int unsigned LineDepth = 4;
  logic [$clog2(LineDepth+1)-1:0] held;
  logic unused_bits;
  assign unused_bits = ^held;
  stream_fifo #(.Width(8), .Depth(LineDepth)) u_line (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(coded_valid), .data_i(coded_data), .ready_o(coded_ready),
    .valid_o, .data_o, .ready_i, .count_o(held)
  );

  `ASSERT_NEXT(Held, valid_o && !ready_i, valid_o && $stable(data_o))

endmodule

`default_nettype wire
