// INT32 to INT8, a column a lane: clamp(round_half_even(value * scale), -128, 127) with the exact
// product, so one rounding.
//
// A scale is a binary32, finite and greater than zero (checked before). Its exponent decides:
//   exponent >= 135 (scale >= 2^8)    every value but 0 saturates
//   94 .. 134                         product * 2^(exponent - 150), rounded
//   exponent <= 93, subnormals too    |value * scale| <= 2^31 * 2^-33 < 1/2: 0
//
// Latency: one cycle of `enable_i` (the register behind the multiplier); a group a cycle.
// Lanes >= 1.
`default_nettype none

module convert_int8 #(
  parameter int unsigned Lanes = 1
) (
  input  logic        clk_i,
  input  logic        enable_i,
  input  logic [31:0] value_i [Lanes],  // int32
  input  logic [31:0] scale_i [Lanes],
  input  logic        round_i,          // int8_o is looked at; else it is 0
  output logic [7:0]  int8_o  [Lanes]   // of the values taken with the last enable_i
);

  if (Lanes < 1) begin : gen_bad_lanes
    $error("convert_int8: Lanes must be at least 1");
  end

  localparam int unsigned ProductWidth = 57;  // 32 bits signed times 25 bits signed
  localparam logic [7:0] LeastExponent = 8'd94;
  localparam logic [7:0] GreatestExponent = 8'd134;
  localparam int unsigned FixedShift = 15;  // one less than at the greatest exponent: the half stays

  typedef logic signed [ProductWidth-1:0] product_t;

  product_t product_q [Lanes], product_d [Lanes];
  logic [5:0] shift_q [Lanes], shift_d [Lanes];   // past FixedShift
  logic zero_q [Lanes], zero_d [Lanes];
  logic saturate_q [Lanes], saturate_d [Lanes];

  always_comb begin
    product_d  = product_q;
    shift_d    = shift_q;
    zero_d     = zero_q;
    saturate_d = saturate_q;
    if (enable_i) begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        product_d[l] = ProductWidth'($signed(value_i[l])) *
                       ProductWidth'($signed({1'b0, scale_i[l][30:23] != '0, scale_i[l][22:0]}));
        shift_d[l] = 6'(GreatestExponent - scale_i[l][30:23]);
        zero_d[l] = scale_i[l][30:23] < LeastExponent;
        saturate_d[l] = scale_i[l][30:23] > GreatestExponent;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (enable_i) begin
      product_q  <= product_d;
      shift_q    <= shift_d;
      zero_q     <= zero_d;
      saturate_q <= saturate_d;
    end
  end

  localparam int unsigned ShiftedWidth = ProductWidth - FixedShift;

  always_comb begin : round
    logic signed [ShiftedWidth-1:0] upper, shifted;
    logic sticky, up, negative, outside;
    logic [7:0] rounded;
    upper = '0;
    shifted = '0;
    sticky = 1'b0;
    up = 1'b0;
    negative = 1'b0;
    outside = 1'b0;
    rounded = '0;
    for (int unsigned l = 0; l < Lanes; l++) int8_o[l] = '0;
    // A branch, not an and: simulation skips what nobody looks at.
    if (round_i) begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        upper = product_q[l][ProductWidth-1:FixedShift];
        negative = product_q[l][ProductWidth-1];
        shifted = upper >>> shift_q[l];  // floor and, in bit 0, the half
        sticky = (product_q[l][FixedShift-1:0] != '0) ||
                 ((upper & ~($signed({ShiftedWidth{1'b1}}) << shift_q[l])) != '0);
        up = shifted[0] && (sticky || shifted[1]);
        rounded = shifted[8:1] + 8'(up);
        // The floor is past a byte, or rounding up went from 127 to 128.
        outside = (shifted[ShiftedWidth-1:8] != '0 && shifted[ShiftedWidth-1:8] != '1) ||
                  (!negative && rounded[7]) || (saturate_q[l] && product_q[l] != '0);
        int8_o[l] = zero_q[l] ? 8'h00 : outside ? (negative ? 8'h80 : 8'h7F) : rounded;
      end
    end
  end

endmodule

`default_nettype wire
