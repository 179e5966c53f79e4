// Cuts a length into parts of a constant size: number of parts (rounded up) and size of the last.
//
// `start_i` takes `length_i`, at least 1; `done_o` is high from the cycle in which the answer is
// there until the next start. Latency: a cycle for a power of two, else Width + 1 cycles. Part: 1
// to 2^15; Width: 2 to 32.
`include "systolith_assert.svh"
`default_nettype none

module part_divider #(
  parameter int unsigned Part = 16,
  parameter int unsigned Width = 21
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             start_i,
  input  logic [Width-1:0] length_i,
  output logic             done_o,
  output logic [Width-1:0] parts_o,
  output logic [15:0]      last_o      // 1 .. Part
);

  if (Part < 1 || Part > 32768) begin : gen_bad_part
    $error("part_divider: Part must be 1 to 32768");
  end
  if (Width < 2 || Width > 32) begin : gen_bad_width
    $error("part_divider: Width must be 2 to 32");
  end

  // With length - 1 = quotient x Part + remainder: parts = quotient + 1, last = remainder + 1.
  logic [Width-1:0] quotient;
  logic [15:0]      remainder;

  if ((Part & (Part - 1)) == 0) begin : gen_shift
    localparam int unsigned Shift = $clog2(Part);
    logic [Width-1:0] less_q;
    always_ff @(posedge clk_i) begin
      if (start_i) less_q <= length_i - 1'b1;
    end
    assign quotient = less_q >> Shift;
    assign remainder = 16'(less_q & Width'(Part - 1));
    assign done_o = 1'b1;
    logic unused_reset;
    assign unused_reset = rst_ni;
  end else begin : gen_restoring
    localparam int unsigned StepWidth = $clog2(Width + 1);
    logic [StepWidth-1:0] steps_q, steps_d;
    logic [Width-1:0]     quotient_q, quotient_d;    // dividend out at the top, quotient in below
    logic [15:0]          remainder_q, remainder_d;
    logic [16:0]          trial;
    assign trial = {remainder_q, quotient_q[Width-1]};

    always_comb begin
      steps_d = steps_q;
      quotient_d = quotient_q;
      remainder_d = remainder_q;
      if (start_i) begin
        steps_d = StepWidth'(Width);
        quotient_d = length_i - 1'b1;
        remainder_d = '0;
      end else if (steps_q != '0) begin
        steps_d = steps_q - 1'b1;
        quotient_d = {quotient_q[Width-2:0], trial >= 17'(Part)};
        remainder_d = (trial >= 17'(Part)) ? 16'(trial - 17'(Part)) : trial[15:0];
      end
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) steps_q <= '0;
      else steps_q <= steps_d;
    end
    always_ff @(posedge clk_i) begin
      quotient_q <= quotient_d;
      remainder_q <= remainder_d;
    end
    assign quotient = quotient_q;
    assign remainder = remainder_q;
    assign done_o = steps_q == '0;
  end

  assign parts_o = quotient + 1'b1;
  assign last_o = remainder + 1'b1;

endmodule

`default_nettype wire
