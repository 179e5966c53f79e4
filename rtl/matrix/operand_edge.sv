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

  always_comb begin : widen
    int unsigned i;
    logic        is_int8;
    logic [18:0] e8m10;
    logic        subnormal;
    logic        special;
    logic        zero;
    logic        eight, four, two, one;
    logic [9:0]  fraction_8, fraction_4, fraction_2, fraction_1;
    logic [18:0] normal;
    logic [21:0] float, pair;
    logic [15:0] value;
    is_int8 = '0;
    e8m10 = '0;
    subnormal = '0;
    special = '0;
    zero = '0;
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
    value = '0;
    i = 0;
    for (i = 0; i < Lanes; i++) begin
      value = operand_i[i].value;
      is_int8 = FormatInt8 && (!FormatBf16 || operand_i[i].int8);
      e8m10 = {value, 3'b0};
      subnormal = (e8m10[17:10] == 8'd0);
      special = (e8m10[17:10] == 8'hff);
      zero = (e8m10[17:0] == 18'd0);

      // A subnormal's leading one goes to the implicit place: leading zeros by halves, then one
      // shift more.
      eight = (e8m10[9:2] == 8'd0);
      fraction_8 = eight ? {e8m10[1:0], 8'd0} : e8m10[9:0];
      four = (fraction_8[9:6] == 4'd0);
      fraction_4 = four ? {fraction_8[5:0], 4'd0} : fraction_8;
      two = (fraction_4[9:8] == 2'd0);
      fraction_2 = two ? {fraction_4[7:0], 2'd0} : fraction_4;
      one = ~fraction_2[9];
      fraction_1 = one ? {fraction_2[7:0], 2'd0} : {fraction_2[8:0], 1'd0};

      // Exponents are biased by 384: 257 more than in E8M10.
      normal = subnormal ? {9'd257 - {5'd0, eight, four, two, one}, fraction_1}
          : {9'd257 + {1'b0, e8m10[17:10]}, e8m10[9:0]};
      float = {
        e8m10[18],
        special & ~zero,
        zero ? 1'b0 : ~special | (e8m10[9:0] != 10'd0),
        zero ? {8'd0, operand_i[i].skip, 10'd0} : normal
      };
      pair = MultiplierBlocks
          ? {2'd0, value[15], 1'b0, value[7:0], {2{value[15]}}, value[15:8]} : {6'd0, value};
      operand_o[i] = {operand_i[i].swap, is_int8, is_int8 ? pair : float};
    end
  end

endmodule
`default_nettype wire
