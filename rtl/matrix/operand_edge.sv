// Brings operands into the form that the lanes take: BF16 by way of E8M10, with subnormals
// normalised; INT8 pairs as they are. Combinational, one lane as the next.
`default_nettype none
module operand_edge
  import systolith_pkg::*;
  import array_pkg::*;
#(
  parameter int unsigned Lanes = 16,
  parameter bit FormatBf16 = 1'b1,
  parameter bit FormatInt8 = 1'b1,
  parameter bit MultiplierBlocks = 1'b0
) (
  input  edge_operand_t operand_i [Lanes],
  output moving_t       operand_o [Lanes]
);

  // The zeros above a value are not used.
  // verilator lint_off UNUSEDSIGNAL

  always_comb begin : widen
    int unsigned i;
    lane_t value, int8, exponent, fraction, zero, special;
    lane_t eight, four, two, one;
    lane_t fraction_8, fraction_4, fraction_2, fraction_1;
    lane_t normal, float, pair;
    value = '0;
    int8 = '0;
    exponent = '0;
    fraction = '0;
    zero = '0;
    special = '0;
    eight = '0;
    four = '0;
    two = '0;
    one = '0;
    fraction_8 = '0;
    fraction_4 = '0;
    fraction_2 = '0;
    fraction_1 = '0;
    normal = '0;
    float = '0;
    pair = '0;
    i = 0;
    for (i = 0; i < Lanes; i++) begin
      value = {16'd0, operand_i[i].value};
      int8 = {31'd0, FormatInt8 && (!FormatBf16 || operand_i[i].int8)};
      exponent = {24'd0, value[14:7]};
      fraction = {22'd0, value[6:0], 3'd0};
      zero = {31'd0, value[14:0] == 15'd0};
      special = {31'd0, exponent[7:0] == 8'hff};

      // A subnormal's leading one goes to the implicit place: leading zeros by halves, then one
      // shift more.
      eight = {28'd0, fraction[9:2] == 8'd0, 3'd0};
      fraction_8 = eight[3] ? {22'd0, fraction[1:0], 8'd0} : fraction;
      four = {29'd0, fraction_8[9:6] == 4'd0, 2'd0};
      fraction_4 = four[2] ? {22'd0, fraction_8[5:0], 4'd0} : fraction_8;
      two = {30'd0, fraction_4[9:8] == 2'd0, 1'd0};
      fraction_2 = two[1] ? {22'd0, fraction_4[7:0], 2'd0} : fraction_4;
      one = {31'd0, ~fraction_2[9]};
      fraction_1 = one[0] ? {22'd0, fraction_2[7:0], 2'd0} : {22'd0, fraction_2[8:0], 1'd0};

      // Exponents are biased by 384: 257 more than in E8M10.
      if (exponent[7:0] == 8'd0) begin
        normal = {
          13'd0, 9'd257 - {5'd0, eight[3], four[2], two[1], one[0]}, fraction_1[9:0]
        };
      end else begin
        normal = {13'd0, 9'd257 + {1'b0, exponent[7:0]}, fraction[9:0]};
      end
      if (zero[0]) begin
        float = {10'd0, value[15], 10'd0, operand_i[i].skip, 10'd0};
      end else begin
        float = {
          10'd0, value[15], special[0], ~special[0] | (fraction[9:0] != 10'd0), normal[18:0]
        };
      end
      pair = MultiplierBlocks
          ? {12'd0, value[15], 1'b0, value[7:0], {2{value[15]}}, value[15:8]} : value;
      operand_o[i] = {operand_i[i].swap, int8[0], int8[0] ? pair[21:0] : float[21:0]};
    end
  end

  // verilator lint_on UNUSEDSIGNAL

endmodule
`default_nettype wire
