// Finds frames in a line's bytes and hands on the contents of those that are right.
//
// COBS off, CRC checked and stripped; a content is in the ring but not seen behind it until the frame has ended and is
// known to be right. Dropped whole are frames that were cut short, whose CRC is wrong, or whose content is
// shorter than a header or too long (`bad_o`), and right ones for which there is no room (`lost_o`).
// Handshake: bytes come as pulses, without back-pressure; the read side is byte_ring's.
// Latency: three cycles from the zero to the content's first byte. Throughput: a byte a cycle.
//
// Payload 16 to 1008: contents of 16 to Payload + 18 bytes.
`include "systolith_assert.svh"
`default_nettype none

module frame_receiver
  import link_pkg::*;
#(
  parameter int unsigned Payload = 512
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  // bytes of the line
  input  logic       valid_i,
  input  logic [7:0] data_i,
  // what became of a frame: pulses
  output logic       right_o,
  output logic       bad_o,
  output logic       lost_o,
  // contents
  output logic       valid_o,
  output logic [7:0] data_o,
  output logic       last_o,      // of the content
  input  logic       read_i,
  input  logic       release_i,
  input  logic       rewind_i
);

  if (Payload < 16 || Payload > MaxPayload) begin : gen_bad_payload
    $error("frame_receiver: Payload must be 16 to 1008");
  end

  localparam int unsigned Shortest = HeaderBytes + CrcBytes;
  localparam int unsigned Longest = longest_content(Payload) + CrcBytes;
  localparam int unsigned CountWidth = $clog2(Longest + 2);
  typedef logic [CountWidth-1:0] count_t;

  logic byte_valid, frame_end, empty, cut;
  logic [7:0] byte_data;

  cobs_decoder u_decoder (
    .clk_i, .rst_ni,
    .valid_i, .data_i,
    .valid_o(byte_valid), .data_o(byte_data), .end_o(frame_end), .empty_o(empty), .cut_o(cut)
  );

  // The last four bytes may be the CRC, and the one before them the content's last.
  localparam int unsigned Held = CrcBytes + 1;
  logic [Held-1:0][7:0] held_q, held_d;   // oldest first
  count_t count_q, count_d;               // decoded bytes, one more than the longest stays
  logic [31:0] crc_q, crc_d;
  logic no_room_q, no_room_d;
  logic bad, full, write;

  assign bad = cut || crc_q != CrcRight || count_q < count_t'(Shortest) || count_q > count_t'(Longest);
  assign right_o = frame_end && !empty && !bad && !no_room_d;
  assign bad_o = frame_end && !empty && bad;
  assign lost_o = frame_end && !empty && !bad && no_room_d;

  // The oldest one goes when another comes; at the end only if the frame is right.
  assign write = (byte_valid && count_q >= count_t'(Held)) || (frame_end && !empty && !bad);

  always_comb begin
    held_d = held_q;
    count_d = count_q;
    crc_d = crc_q;
    no_room_d = no_room_q || (write && full);
    if (byte_valid) begin
      held_d = {byte_data, held_q[Held-1:1]};
      crc_d = crc_step(crc_q, byte_data);
      if (count_q <= count_t'(Longest)) count_d = count_q + count_t'(1);
    end
    if (frame_end) begin
      count_d = '0;
      crc_d = CrcStart;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      held_q <= '0;
      count_q <= '0;
      crc_q <= CrcStart;
      no_room_q <= 1'b0;
    end else begin
      held_q <= held_d;
      count_q <= count_d;
      crc_q <= crc_d;
      no_room_q <= no_room_d && !frame_end;
    end
  end

  byte_ring #(.Depth(RingBytes)) u_ring (
    .clk_i, .rst_ni,
    .write_i(write && !no_room_d), .data_i(held_q[0]), .last_i(frame_end),
    .commit_i(right_o), .rollback_i(frame_end && !right_o), .full_o(full),
    .valid_o, .data_o, .last_o, .read_i, .release_i, .rewind_i
  );

  `ASSERT(OneOutcome, $onehot0({right_o, bad_o, lost_o}))
  `ASSERT(EmptyIsNothing, !(frame_end && empty) || (count_q == '0 && !no_room_q))

endmodule

`default_nettype wire
