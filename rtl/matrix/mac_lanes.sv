`default_nettype none
module mac_lanes
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     running_i,
  input  moving_t                  operand_i [Rows],
  input  logic                     stationary_valid_i,
  input  logic [RowIndexWidth-1:0] stationary_row_i,
  input  moving_t                  stationary_i [Cols],
  input  word_t                    sum_i [Cols],
  input  sum_flags_t               sum_flags_i [Cols],
  output word_t                    sum_o [Cols],
  output sum_flags_t               sum_flags_o [Cols]
);

  localparam int unsigned Lanes = Rows * Cols;
  localparam bit CutAlign = MacDepth >= 4;
  localparam bit CutZeros = MacDepth >= 5;
  localparam bit CutSwap = MacDepth >= 6;

  moving_t operand_q [Lanes], operand_d [Lanes];
  lane_operand_t shadow_q [Rows][Cols];
  lane_operand_t active_q [Lanes], active_d [Lanes];
  product_t product_q [Lanes], product_d [Lanes];
  product_flags_t product_flags_q [Lanes], product_flags_d [Lanes];
  logic [27:0] sum_q [Lanes], sum_d [Lanes];
  sum_state_t state_q [Lanes], state_d [Lanes];
  word_t result_q [Lanes], result_d [Lanes], above [Lanes];
  sum_flags_t flags_q [Lanes], flags_d [Lanes], above_flags [Lanes];
  logic swapping;
  lane_operand_t stationary_value [Cols];
  always_comb for (int unsigned c = 0; c < Cols; c++) stationary_value[c] = stationary_i[c].value;

  always_comb begin
    swapping = 1'b0;
    for (int unsigned i = 1; i < Lanes; i++) operand_d[i] = operand_q[i-1];
    for (int unsigned r = 0; r < Rows; r++) operand_d[r*Cols] = operand_i[r];
    for (int unsigned i = 0; i < Lanes; i++) swapping = swapping | operand_d[i].swap;
  end
  always_comb begin
    active_d = active_q;
    if (swapping) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned c = 0; c < Cols; c++) begin
          active_d[r*Cols + c] = operand_d[r*Cols + c].swap ? shadow_q[r][c] : active_q[r*Cols + c];
        end
      end
    end
  end
  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      above[c] = sum_i[c];
      above_flags[c] = sum_flags_i[c];
      sum_o[c] = result_q[Lanes - Cols + c];
      sum_flags_o[c] = flags_q[Lanes - Cols + c];
    end
    for (int unsigned i = Cols; i < Lanes; i++) begin
      above[i] = result_q[i-Cols];
      above_flags[i] = flags_q[i-Cols];
    end
  end

  always_comb begin : multiply
    moving_t a;
    lane_operand_t w;
    logic skip;
    logic [21:0] magnitude;
    logic signed [16:0] dot;
    logic a_nan, w_nan, a_inf, w_inf, a_zero, w_zero;
    a = '0; w = '0; skip = '0; magnitude = '0; dot = '0; a_nan = '0; w_nan = '0; a_inf = '0; w_inf = '0; a_zero = '0; w_zero = '0;
    for (int unsigned i = 0; i < Lanes; i++) begin
      a = operand_q[i];
      w = active_q[i];
      dot = 17'($signed(a[7:0])) * 17'($signed(w[7:0])) + 17'($signed(a[15:8])) * 17'($signed(w[15:8]));
      magnitude = a.int8 ? {{5{dot[16]}}, dot}
          : {11'd0, a.value.nonzero, a.value.fraction} * {11'd0, w.nonzero, w.fraction};
      skip = ~a.value.special & ~a.value.nonzero & a.value.exponent[0];
      a_nan = a.value.special & a.value.nonzero;
      a_inf = a.value.special & ~a.value.nonzero;
      a_zero = ~a.value.special & ~a.value.nonzero;
      w_nan = w.special & w.nonzero;
      w_inf = w.special & ~w.nonzero;
      w_zero = ~w.special & ~w.nonzero;
      product_d[i] = {{1'b0, a.value.exponent} + {1'b0, w.exponent}, magnitude};
      product_flags_d[i] = {a.int8, skip | (a.value.negative ^ w.negative),
        ~skip & (a_nan | w_nan | (a_inf & w_zero) | (a_zero & w_inf)),
        ~skip & (a.value.special | w.special)};
    end
  end

  always_comb begin : add
    product_t p;
    product_flags_t pf;
    word_t c;
    sum_flags_t cf;
    logic normal, larger, sub, neg, sticky;
    logic [7:0] ce;
    logic [10:0] difference;
    logic [9:0] distance;
    logic [23:0] cm;
    logic [23:0] anchor;
    logic [26:0] moved, shifted;
    logic [4:0] amount;
    logic far;
    logic [8:0] exponent;
    logic sign, inf, nan, isign;
    logic [27:0] y;
    logic [28:0] total;
    p = '0; pf = '0; c = '0; cf = '0; normal = '0; larger = '0; sub = '0; neg = '0; sticky = '0; ce = '0; difference = '0; distance = '0;
    cm = '0; anchor = '0; moved = '0; shifted = '0; amount = '0; far = '0; exponent = '0; sign = '0; inf = '0; nan = '0; isign = '0; y = '0; total = '0;
    for (int unsigned i = 0; i < Lanes; i++) begin
      p = product_q[i];
      pf = product_flags_q[i];
      c = above[i];
      cf = above_flags[i];
      normal = c[30:23] != 8'd0;
      ce = c[30:23] | {7'd0, ~normal};
      difference = {1'b0, p.exponent} - {2'b01, ce[7], ~ce[7], ce[6:0]};
      larger = difference[10] | pf.int8;
      distance = difference[9:0] ^ {10{difference[10]}};
      far = (distance[9:5] != 5'd0) & ~pf.int8;
      amount = pf.int8 ? 5'd0 : distance[4:0];
      cm = {pf.int8 ? c[0] : normal, c[22:0]};
      anchor = larger ? cm : {p.magnitude, 2'd0};
      moved = larger ? {1'b0, p.magnitude, 4'd0} : {cm, 3'd0};
      exponent = pf.int8 ? {1'b0, c[31:24]} : larger ? {1'b0, ce} : {p.exponent[8:7] - 2'd1, p.exponent[6:0]};
      sub = (pf.negative ^ c[31]) & ~pf.int8;
      inf = pf.special | cf.infinite;
      nan = pf.invalid | cf.invalid | (pf.special & cf.infinite & sub);
      sign = pf.special ? pf.negative : (cf.infinite | larger) ? c[31] : pf.negative;
      isign = pf.int8 & p.magnitude[21];
`ifdef STAGED
      sticky = 1'b0;
      shifted = moved;
      sticky = amount[1] & (1'b0);
      shifted = amount[0] ? shifted >> 1 : shifted;
      sticky = sticky | (amount[1] & (shifted[1:0] != 2'd0));
      shifted = amount[1] ? shifted >> 2 : shifted;
      sticky = sticky | (amount[2] & (shifted[3:0] != 4'd0));
      shifted = amount[2] ? shifted >> 4 : shifted;
      sticky = sticky | (amount[3] & (shifted[7:0] != 8'd0));
      shifted = amount[3] ? shifted >> 8 : shifted;
      sticky = sticky | (amount[4] & (shifted[15:0] != 16'd0));
      shifted = amount[4] ? shifted >> 16 : shifted;
      sticky = sticky | (far & (shifted != 27'd0));
      shifted = far ? 27'd0 : shifted;
`else
      sticky = (moved & (far ? 27'h7ffffff : ~(27'h7ffffff << amount))) != 27'd0;
      shifted = far ? 27'd0 : moved >> amount;
`endif
      y = {isign, shifted[26] | isign, shifted[25:0]} ^ {28{sub}};
      total = {1'b0, pf.int8 & c[23], anchor, 3'd0} + {1'b0, y} + {28'd0, sub & ~sticky};
      neg = sub & total[27];
      sum_d[i] = total[27:0];
      state_d[i] = {pf.int8, sub, neg, sticky, sign ^ (neg & ~inf), nan, inf,
        pf.int8 ? {1'b0, exponent[7:0] + {8{isign}} + {7'd0, total[28]}} : exponent};
    end
  end

  always_comb begin : normalise
    logic [27:0] sum, magnitude, fraction;
    logic [31:0] x, rounded;
    sum_state_t s;
    logic z16, z8, z4, z2, z1, zero, up, fill, sign;
    logic [4:0] zeros, amount;
    logic [8:0] exponent;
    sum = '0; magnitude = '0; fraction = '0; x = '0; rounded = '0; s = '0; z16 = '0; z8 = '0; z4 = '0; z2 = '0; z1 = '0; zero = '0;
    up = '0; zeros = '0; amount = '0; exponent = '0; fill = '0; sign = '0;
    for (int unsigned i = 0; i < Lanes; i++) begin
      sum = sum_q[i];
      s = state_q[i];
      magnitude = sum ^ {28{s.negate}};
      x = {magnitude, 4'hf};
      z16 = x[31:16] == 16'd0;
      x = z16 ? {x[15:0], 16'd0} : x;
      z8 = x[31:24] == 8'd0;
      x = z8 ? {x[23:0], 8'd0} : x;
      z4 = x[31:28] == 4'd0;
      x = z4 ? {x[27:0], 4'd0} : x;
      z2 = x[31:30] == 2'd0;
      x = z2 ? {x[29:0], 2'd0} : x;
      z1 = ~x[31];
      zeros = {z16, z8, z4, z2, z1};
      amount = (s.exponent < {4'd0, zeros}) ? s.exponent[4:0] : zeros;
      zero = s.subtract & ~s.sticky & z16 & z8 & z4;
      fill = s.negate & ~s.sticky;
      sign = s.negative & ~(zero & ~s.infinite);
      fraction = (sum << amount) ^ {28{s.negate}};
      exponent = (s.exponent - {4'd0, amount}) & {9{~zero}};
      up = fraction[3] ? ((fraction[2:0] != 3'd0) | s.sticky | fraction[4] | fill) : (fill & fraction[4] & (fraction[2:0] == 3'd7));
      rounded = {exponent + {8'd0, fraction[27]}, fraction[26:4]} + {31'd0, up};
      result_d[i] = s.int8 ? {s.exponent[7:0], sum[27], sum[25:4], sum[26]} : {sign, rounded[30:0]};
      flags_d[i] = {s.int8, s.invalid, s.infinite | (~s.int8 & (rounded[31:23] >= 9'd255))};
    end
  end

  always_ff @(posedge clk_i) begin
    if (running_i) begin
      operand_q <= operand_d;
      active_q <= active_d;
      product_q <= product_d;
      product_flags_q <= product_flags_d;
      sum_q <= sum_d;
      state_q <= state_d;
      result_q <= result_d;
      flags_q <= flags_d;
    end
  end
  for (genvar r = 0; r < Rows; r++) begin : gen_shadow
    always_ff @(posedge clk_i) begin
      if (stationary_valid_i && stationary_row_i == RowIndexWidth'(r)) begin
        shadow_q[r] <= stationary_value;
      end
    end
  end

endmodule
`default_nettype wire
