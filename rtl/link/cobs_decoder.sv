// Takes the byte stuffing (COBS) off a line's bytes and finds the ends of frames.
//
// Handshake: pulses without back-pressure. A byte gives at most one decoded byte, in the same cycle: a data byte
// itself, a code byte the zero that it follows. A zero gives `end_o`, with `empty_o`: no byte since the last
// zero, and `cut_o`: the zero came before the bytes that the code had announced. After it a frame begins.
// Latency 0. Throughput: a byte a cycle. No parameters.
`include "systolith_assert.svh"
`default_nettype none

module cobs_decoder (
  input  logic       clk_i,
  input  logic       rst_ni,
  // bytes of the line
  input  logic       valid_i,
  input  logic [7:0] data_i,
  // decoded
  output logic       valid_o,
  output logic [7:0] data_o,
  output logic       end_o,
  output logic       empty_o,   // with end_o
  output logic       cut_o      // with end_o
);

  logic [7:0] left_q, left_d;       // data bytes that the code has announced and that are to come
  logic zero_due_q, zero_due_d;     // a zero follows them if the frame goes on
  logic started_q, started_d;
  logic is_zero, is_code;

  assign is_zero = data_i == 8'h00;
  assign is_code = left_q == 8'd0;

  always_comb begin
    left_d = left_q;
    zero_due_d = zero_due_q;
    started_d = started_q;
    if (valid_i) begin
      started_d = !is_zero;
      if (is_zero) begin
        left_d = '0;
        zero_due_d = 1'b0;
      end else if (is_code) begin
        left_d = data_i - 8'd1;
        zero_due_d = data_i != 8'hFF;
      end else begin
        left_d = left_q - 8'd1;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q <= '0;
      zero_due_q <= 1'b0;
      started_q <= 1'b0;
    end else begin
      left_q <= left_d;
      zero_due_q <= zero_due_d;
      started_q <= started_d;
    end
  end

  assign valid_o = valid_i && !is_zero && (!is_code || zero_due_q);
  assign data_o = is_code ? 8'h00 : data_i;
  assign end_o = valid_i && is_zero;
  assign empty_o = !started_q;
  assign cut_o = !is_code;

  `ASSERT(EmptyIsWhole, started_q || (is_code && !zero_due_q))
  `ASSERT(EndAlone, !(end_o && valid_o))

endmodule

`default_nettype wire
