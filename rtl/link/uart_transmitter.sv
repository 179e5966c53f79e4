// Sends bytes on an asynchronous line: 8 data bits, no parity, one stop bit, least significant bit first, idle high.
//
// Handshake: a byte is taken when `valid_i` and `ready_o`; `ready_o` is high while nothing is sent and in the last
// cycle of a stop bit, and does not depend on `valid_i`.
// Latency: the start bit begins in the cycle after the byte was taken. Throughput: no gaps between bytes that wait.
// The line is a flip-flop.
//
// ClockHz >= 8 x Baud, Baud >= 1: bits of ClockHz / Baud clocks, whole or not; the mean over bytes without a gap is
// exact.
`include "systolith_assert.svh"
`default_nettype none

module uart_transmitter
  import link_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       valid_i,
  input  logic [7:0] data_i,
  output logic       ready_o,
  output logic       uart_tx_o,
  output logic       sending_o    // a byte is on the line
);

  if (Baud < 1 || 64'(ClockHz) < 64'd8 * 64'(Baud)) begin : gen_bad_rate
    $error("uart_transmitter: ClockHz must be at least 8 times Baud");
  end

  // A bit is Modulus / Step clocks.
  localparam int unsigned Divisor = greatest_common_divisor(ClockHz, Baud);
  localparam int unsigned Step = Baud / Divisor;
  localparam int unsigned Modulus = ClockHz / Divisor;
  localparam int unsigned PhaseWidth = $clog2(Modulus + Step);
  typedef logic [PhaseWidth-1:0] phase_t;

  logic sending_q, sending_d;
  logic [3:0] bit_q, bit_d;    // 0 start, 1 to 8 data, 9 stop
  logic [8:0] line_q, line_d;  // bit on the line and those after it; ones behind them are stop bit and idle line
  phase_t phase_q, phase_d, phase_sum;
  logic bit_end;

  assign phase_sum = phase_q + phase_t'(Step);
  assign bit_end = phase_sum >= phase_t'(Modulus);
  assign phase_d = !sending_q ? '0 : bit_end ? phase_sum - phase_t'(Modulus) : phase_sum;

  assign ready_o = !sending_q || (bit_end && bit_q == 4'd9);

  always_comb begin
    sending_d = sending_q;
    bit_d = bit_q;
    line_d = line_q;
    if (ready_o) begin
      sending_d = valid_i;
      bit_d = '0;
      if (valid_i) line_d = {data_i, 1'b0};
    end else if (bit_end) begin
      bit_d = bit_q + 4'd1;
      line_d = {1'b1, line_q[8:1]};
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sending_q <= 1'b0;
      bit_q <= '0;
      line_q <= '1;
      phase_q <= '0;
    end else begin
      sending_q <= sending_d;
      bit_q <= bit_d;
      line_q <= line_d;
      phase_q <= phase_d;
    end
  end

  assign uart_tx_o = line_q[0];
  assign sending_o = sending_q;

  `ASSERT(BitInRange, bit_q <= 4'd9)
  `ASSERT(PhaseInRange, 64'(phase_q) < 64'(Modulus))
  `ASSERT(IdleIsHigh, sending_q || uart_tx_o)

endmodule

`default_nettype wire
