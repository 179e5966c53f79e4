// Receives bytes of an asynchronous line: 8 data bits, no parity, one stop bit, least significant bit first.
//
// A start bit is a low line; it and every bit after it is looked at in its middle. A start bit that is high there
// was noise. With a low stop bit the byte is dropped, `line_error_o` pulses, and the line must be high again before
// the next start bit. The next start bit may follow from the middle of the stop bit on.
// Handshake: `valid_o` is a pulse with `data_o`; there is no back-pressure.
// Latency: three cycles from the middle of the stop bit. Throughput: bytes without gaps, at 16 clocks a bit with a
// sender wrong by 3 % either way.
//
// ClockHz >= 8 x Baud, Baud >= 1: bits of ClockHz / Baud clocks, whole or not; the mean of a byte's is exact.
`include "systolith_assert.svh"
`default_nettype none

module uart_receiver
  import link_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       uart_rx_i,      // asynchronous
  output logic       valid_o,        // pulse
  output logic [7:0] data_o,
  output logic       line_error_o,   // pulse
  output logic       receiving_o     // a byte is on the line
);

  if (Baud < 1 || 64'(ClockHz) < 64'd8 * 64'(Baud)) begin : gen_bad_rate
    $error("uart_receiver: ClockHz must be at least 8 times Baud");
  end

  // A bit is Modulus / Step clocks.
  localparam int unsigned Divisor = greatest_common_divisor(ClockHz, Baud);
  localparam int unsigned Step = Baud / Divisor;
  localparam int unsigned Modulus = ClockHz / Divisor;
  localparam int unsigned PhaseWidth = $clog2(Modulus + Step);
  typedef logic [PhaseWidth-1:0] phase_t;

  typedef enum logic [1:0] {Idle, Bits, WaitHigh} state_t;
  state_t state_q, state_d;

  logic meta_q, line_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      meta_q <= 1'b1;
      line_q <= 1'b1;
    end else begin
      meta_q <= uart_rx_i;
      line_q <= meta_q;
    end
  end

  // From half a bit on, so that it overflows in the middle of bits.
  phase_t phase_q, phase_d, phase_sum;
  logic middle;
  assign phase_sum = phase_q + phase_t'(Step);
  assign middle = phase_sum >= phase_t'(Modulus);
  assign phase_d = (state_q != Bits) ? phase_t'(Modulus / 2) : middle ? phase_sum - phase_t'(Modulus) : phase_sum;

  logic [3:0] bit_q, bit_d;    // 0 start, 1 to 8 data, 9 stop
  logic [7:0] data_q, data_d;
  logic valid_q, valid_d, line_error_q, line_error_d;

  always_comb begin
    state_d = state_q;
    bit_d = bit_q;
    data_d = data_q;
    valid_d = 1'b0;
    line_error_d = 1'b0;
    unique case (state_q)
      Idle: begin
        bit_d = '0;
        if (!line_q) state_d = Bits;
      end
      Bits: begin
        if (middle) begin
          bit_d = bit_q + 4'd1;
          if (bit_q == 4'd9) begin
            valid_d = line_q;
            line_error_d = !line_q;
            state_d = line_q ? Idle : WaitHigh;
          end else if (bit_q != 4'd0) begin
            data_d = {line_q, data_q[7:1]};
          end else if (line_q) begin
            state_d = Idle;
          end
        end
      end
      WaitHigh: if (line_q) state_d = Idle;
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      phase_q <= '0;
      bit_q <= '0;
      data_q <= '0;
      valid_q <= 1'b0;
      line_error_q <= 1'b0;
    end else begin
      state_q <= state_d;
      phase_q <= phase_d;
      bit_q <= bit_d;
      data_q <= data_d;
      valid_q <= valid_d;
      line_error_q <= line_error_d;
    end
  end

  assign valid_o = valid_q;
  assign data_o = data_q;
  assign line_error_o = line_error_q;
  assign receiving_o = state_q == Bits;

  `ASSERT(BitInRange, bit_q <= 4'd10)
  `ASSERT(PhaseInRange, 64'(phase_q) < 64'(Modulus))
  `ASSERT(OneOutcome, !(valid_o && line_error_o))
  `ASSERT_NEXT(Pulse, valid_o, !valid_o)

endmodule

`default_nettype wire
