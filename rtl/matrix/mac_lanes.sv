// The multiply-accumulate lanes of the array, all in one module: z = fma(a, w, c) in binary32, or c
// + a0 x w0 + a1 x w1 in int32. Lane (r, c) is number r x Cols + c.
//
// Moving operands enter at column 0 and go right one column a cycle; sums enter at the top and go
// down one row each RowLatency cycles. The steps of a lane and the registers behind them:
//
//   multiply   always
//   align      the lesser of product and sum is chosen (MacDepth 6) and shifted (MacDepth 4 or more)
//   add        always
//   normalise  leading zeros are counted (MacDepth 5 or more)
//   round      always
//
// The product's 22 bits fit the sum's 24, so this is a binary32 addition with one exact operand of
// wider exponent range. Each step is one loop over flat arrays of at most 32 bits with its
// temporaries outside: that is what lets a compiled simulation use the host's vectors. `running_i`
// low holds every register but the shadow's: in the values that the registers take, not in their
// clocking, so that simulation copies whole arrays without a condition.
`include "systolith_assert.svh"
`default_nettype none
module mac_lanes
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     running_i,
  // moving operands, lane (r, 0)
  input  moving_t                  operand_i [Rows],
  // a row of the shadow operand
  input  logic                     stationary_valid_i,
  input  logic [RowIndexWidth-1:0] stationary_row_i,
  input  lane_operand_t            stationary_i [Cols],
  // sums into the first row and out of the last
  input  word_t                    sum_i [Cols],
  input  sum_flags_t               sum_flags_i [Cols],
  output word_t                    sum_o [Cols],
  output sum_flags_t               sum_flags_o [Cols]
);

  localparam int unsigned Lanes = Rows * Cols;

  // Registers that a deeper lane has, and how many lanes have them.
  localparam bit CutAlign = MacDepth >= 4;
  localparam bit CutCount = MacDepth >= 5;
  localparam bit CutChoice = MacDepth >= 6;
  localparam int unsigned AlignLanes = CutAlign ? Lanes : 1;
  localparam int unsigned CountLanes = CutCount ? Lanes : 1;
  localparam int unsigned ChoiceLanes = CutChoice ? Lanes : 1;

  // Structures are held as plain vectors: whole-array assignments of structures are slow in
  // simulation.
  localparam int unsigned OperandWidth = $bits(lane_operand_t);
  localparam int unsigned MovingWidth = $bits(moving_t);
  localparam int unsigned SwapBit = MovingWidth - 1;
  localparam int unsigned Int8Bit = MovingWidth - 2;
  localparam int unsigned FlagsWidth = $bits(sum_flags_t);
  localparam int unsigned StateWidth = $bits(sum_state_t);

  // The zeros above a value are not used.
  // verilator lint_off UNUSEDSIGNAL
  // Loops assign every element, which this check does not see; Yosys finds no latch.
  // verilator lint_off LATCH

  // ---- operands ----
  logic [MovingWidth-1:0] operand_q [Lanes], operand_d [Lanes];
  logic [OperandWidth-1:0] shadow_q [Lanes], shadow_d [Lanes];
  logic [OperandWidth-1:0] active_q [Lanes], active_d [Lanes];

  always_comb begin : move
    int unsigned i;
    i = 0;
    if (running_i) begin
      for (i = 1; i < Lanes; i++) operand_d[i] = operand_q[i-1];
      for (i = 0; i < Rows; i++) operand_d[i*Cols] = operand_i[i];
    end else begin
      operand_d = operand_q;
    end
  end

  always_comb begin : write
    int unsigned i;
    i = 0;
    shadow_d = shadow_q;
    if (stationary_valid_i) begin
      for (i = 0; i < Cols; i++) shadow_d[32'(stationary_row_i)*Cols + i] = stationary_i[i];
    end
  end

  // A row is not written while a swap is on its way through it: columns to come would take the new
  // operand too soon.
  logic crossed;

  always_comb begin : check
    int unsigned i;
    i = 0;
    crossed = 1'b0;
    if (stationary_valid_i) begin
      crossed = (Cols > 1) && operand_i[stationary_row_i].swap;
      for (i = 0; i + 2 < Cols; i++) begin
        crossed = crossed | operand_q[32'(stationary_row_i)*Cols + i][SwapBit];
      end
    end
  end

  logic swapping;

  always_comb begin : look
    int unsigned i;
    logic [MovingWidth-1:0] any;
    i = 0;
    any = '0;
    for (i = 0; i < Lanes; i++) any = any | operand_d[i];
    swapping = any[SwapBit];
  end

  always_comb begin : swap
    int unsigned i;
    i = 0;
    active_d = active_q;
    if (swapping) begin
      for (i = 0; i < Lanes; i++) begin
        active_d[i] = operand_d[i][SwapBit] ? shadow_q[i] : active_q[i];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (stationary_valid_i) shadow_q <= shadow_d;
    operand_q <= operand_d;
    active_q <= active_d;
  end

  // ---- sums down the columns ----
  logic [31:0] result_q [Lanes], result_d [Lanes], above [Lanes];
  logic [FlagsWidth-1:0] result_flags_q [Lanes], result_flags_d [Lanes], above_flags [Lanes];

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      above[c] = sum_i[c];
      above_flags[c] = sum_flags_i[c];
      sum_o[c] = result_q[Lanes - Cols + c];
      sum_flags_o[c] = result_flags_q[Lanes - Cols + c];
    end
    for (int unsigned i = Cols; i < Lanes; i++) begin
      above[i] = result_q[i-Cols];
      above_flags[i] = result_flags_q[i-Cols];
    end
  end

  // ---- multiply ----
  logic [$bits(product_t)-1:0] product_q [Lanes], product_d [Lanes];
  logic [$bits(product_flags_t)-1:0] product_flags_q [Lanes], product_flags_d [Lanes];

  always_comb begin : multiply
    int unsigned i;
    lane_operand_t a, w;
    lane_t int8, skip;
    lane_t a_significand, w_significand;
    lane_t sign_7, byte_1, rows_1, rows_2, corner;
    logic [16:0] high;
    logic [21:0] low;
    logic [21:0] magnitude;
    logic signed [11:0] a_wide, w_wide;
    logic signed [21:0] wide;
    logic signed [15:0] narrow;
    a_wide = '0;
    w_wide = '0;
    wide = '0;
    narrow = '0;
    sign_7 = '0;
    byte_1 = '0;
    rows_1 = '0;
    rows_2 = '0;
    corner = '0;
    high = '0;
    low = '0;
    i = 0;
    a = '0;
    w = '0;
    int8 = '0;
    skip = '0;
    a_significand = '0;
    w_significand = '0;
    magnitude = '0;
    if (running_i) begin
      for (i = 0; i < Lanes; i++) begin
        a = operand_q[i][OperandWidth-1:0];
        w = active_q[i];
        int8 = {31'd0, FormatInt8 && (!FormatBf16 || operand_q[i][Int8Bit])};
        a_significand = {21'd0, a.nonzero, a.fraction};
        w_significand = {21'd0, w.nonzero, w.fraction};
        if (MultiplierBlocks) begin
          // Significands, or bytes 1; and bytes 0.
          a_wide = {a.nonzero & int8[0], a.nonzero, a.fraction};
          w_wide = {w.nonzero & int8[0], w.nonzero, w.fraction};
          wide = a_wide * w_wide;
          narrow = $signed(a.exponent[7:0]) * $signed(w.exponent[7:0]);
          magnitude = wide + ({{6{narrow[15]}}, narrow} & {22{int8[0]}});
        end else begin
          // One array of partial products serves both formats. `low` is the product of bytes 0, or
          // of the low eight bits of the significands. `high` is the product of bytes 1, or of what
          // then is missing from 11 x 11 bits, eight places up: a[10:8] x w[7:0], a[10:3] x w[10:8]
          // and the corner a[2:0] x w[10:8]. Signed bytes by Baugh and Wooley: the terms with one
          // sign bit are inverted and a constant is added; so those of bits 7 stand by themselves.
          sign_7 = {25'd0, {7{int8[0]}}};
          byte_1 = int8[0] ? {24'd0, a[15:8]} : {26'd0, w_significand[10:8], a_significand[10:8]};
          rows_1 = {24'd0, int8[0] ? w[15:8] : w_significand[7:0]};
          rows_2 = {24'd0, int8[0] ? w[15:8] : a_significand[10:3]};
          corner = {29'd0, w_significand[10:8] & {3{~int8[0]}}};
          high = {14'd0, byte_1[2:0]} * {10'd0, rows_1[6:0]}
              + {10'd0, byte_1[6:3], 3'd0} * {10'd0, rows_2[6:0]}
              + {2'd0, (byte_1[7:0] & {{5{rows_2[7]}}, {3{rows_1[7]}}}) ^ sign_7[7:0], 7'd0}
              + {3'd0, (rows_2[6:0] & {7{byte_1[7]}}) ^ sign_7[6:0], 7'd0}
              + {14'd0, a_significand[2:0] & {3{corner[0]}}}
              + {13'd0, a_significand[2:0] & {3{corner[1]}}, 1'd0}
              + {12'd0, a_significand[2:0] & {3{corner[2]}}, 2'd0};
          low = {15'd0, a[6:0]} * {15'd0, w[6:0]}
              + {7'd0, (a[7:0] & {8{w[7]}}) ^ sign_7[7:0], 7'd0}
              + {8'd0, (w[6:0] & {7{a[7]}}) ^ sign_7[6:0], 7'd0};
          magnitude = low + (int8[0] ? {5'd0, high} : {high[13:0], 8'd0})
              + {{6{int8[0]}}, 6'd0, int8[0], 9'd0};
        end
        // A zero whose exponent is 1 stands for a step past K: its product is -0, whatever w.
        skip = {31'd0, ~a.special & ~a.nonzero & a.exponent[0]};
        product_d[i] = {{1'b0, a.exponent} + {1'b0, w.exponent}, magnitude};
        product_flags_d[i] = {
          28'd0,
          int8[0],
          skip[0] | (a.negative ^ w.negative),
          // NaN, or infinity times zero
          ~skip[0] & ((a.special & a.nonzero) | (w.special & w.nonzero)
              | ((a.special ^ w.special) & ~a.nonzero & ~w.nonzero)),
          ~skip[0] & (a.special | w.special)
        };
      end
    end else begin
      product_d = product_q;
      product_flags_d = product_flags_q;
    end
  end

  always_ff @(posedge clk_i) begin
    product_q <= product_d;
    product_flags_q <= product_flags_d;
  end

  // ---- align, add ----
  logic [24:0] choice_anchor_q [ChoiceLanes], choice_anchor_d [ChoiceLanes];
  logic [26:0] choice_moved_q [ChoiceLanes], choice_moved_d [ChoiceLanes];
  lane_t choice_distance_q [ChoiceLanes], choice_distance_d [ChoiceLanes];
  logic [StateWidth-1:0] choice_state_q [ChoiceLanes], choice_state_d [ChoiceLanes];
  logic [24:0] align_anchor_q [AlignLanes], align_anchor_d [AlignLanes];
  logic [27:0] align_moved_q [AlignLanes], align_moved_d [AlignLanes];
  logic [StateWidth-1:0] align_state_q [AlignLanes], align_state_d [AlignLanes];
  logic [27:0] sum_q [Lanes], sum_d [Lanes];
  logic [StateWidth-1:0] state_q [Lanes], state_d [Lanes];

  always_comb begin : add
    int unsigned i;
    product_t product;
    product_flags_t flags;
    word_t c;
    sum_flags_t c_flags;
    lane_t int8;
    lane_t c_normal, c_anchors, c_exponent;
    logic [23:0] c_significand;
    lane_t difference, distance, right;
    logic [24:0] anchor;
    logic [26:0] moved;
    lane_t subtract, sticky, negate, int8_negative;
    sum_state_t state;
    logic [27:0] addend;
    logic [28:0] sum;
    i = 0;
    product = '0;
    flags = '0;
    c = '0;
    c_flags = '0;
    int8 = '0;
    c_normal = '0;
    c_anchors = '0;
    c_exponent = '0;
    c_significand = '0;
    difference = '0;
    distance = '0;
    right = '0;
    anchor = '0;
    moved = '0;
    subtract = '0;
    sticky = '0;
    negate = '0;
    int8_negative = '0;
    state = '0;
    addend = '0;
    sum = '0;
    choice_anchor_d = choice_anchor_q;
    choice_moved_d = choice_moved_q;
    choice_distance_d = choice_distance_q;
    choice_state_d = choice_state_q;
    align_anchor_d = align_anchor_q;
    align_moved_d = align_moved_q;
    align_state_d = align_state_q;
    if (running_i) begin
      for (i = 0; i < Lanes; i++) begin
        // Choice: the one of the greater exponent anchors the sum, the other moves right. The
        // product's exponent is biased by 640 more than the sum's. A negative difference is only
        // complemented: the one that it lacks is wired into the product's place in `moved`. With
        // INT8 the sum's bits 23:0 are the anchor and the product does not move.
        product = product_q[i];
        flags = product_flags_q[i];
        c = above[i];
        c_flags = above_flags[i];
        int8 = {31'd0, FormatInt8 && (!FormatBf16 || flags.int8)};
        c_normal = {31'd0, c[30:23] != 8'd0};
        c_exponent = {24'd0, c[30:23] | {7'd0, ~c_normal[0]}};
        c_significand = {int8[0] ? c[0] : c_normal[0], c[22:0]};
        difference = {21'd0, {1'b0, product.exponent}
            - {2'b01, c_exponent[7], ~c_exponent[7], c_exponent[6:0]}};
        c_anchors = {31'd0, difference[10] | int8[0]};
        distance = {22'd0, difference[9:0] ^ {10{difference[10]}}};
        right = int8[0] ? 32'd0 : {26'd0, distance[9:5] != 5'd0, distance[4:0]};
        anchor = {int8[0] & c[23], c_anchors[0] ? c_significand : {product.magnitude, 2'd0}};
        moved = c_anchors[0] ? {1'b0, product.magnitude, 4'd0} : {c_significand, 3'd0};
        subtract = {31'd0, (flags.negative ^ c[31]) & ~int8[0]};
        state = {
          16'd0,
          int8[0],
          subtract[0],
          int8[0] & product.magnitude[21],    // until the addition: sign of the INT8 product
          1'b0,
          flags.special ? flags.negative
              : (c_flags.infinite | c_anchors[0]) ? c[31] : flags.negative,
          flags.invalid | c_flags.invalid | (flags.special & c_flags.infinite & subtract[0]),
          flags.special | c_flags.infinite,
          int8[0] ? {1'b0, c[31:24]}
              : c_anchors[0] ? {1'b0, c_exponent[7:0]}
              : {product.exponent[8:7] - 2'd1, product.exponent[6:0]}
        };
        if (CutChoice) begin
          choice_anchor_d[CutChoice ? i : 0] = anchor;
          choice_moved_d[CutChoice ? i : 0] = moved;
          choice_distance_d[CutChoice ? i : 0] = right;
          choice_state_d[CutChoice ? i : 0] = state;
          anchor = choice_anchor_q[CutChoice ? i : 0];
          moved = choice_moved_q[CutChoice ? i : 0];
          right = choice_distance_q[CutChoice ? i : 0];
          state = choice_state_q[CutChoice ? i : 0];
        end

        // Align: to the right, remembering whether a one is lost; three places lose none, as the
        // low bits are zero.
        moved = right[0] ? moved >> 1 : moved;
        moved = right[1] ? moved >> 2 : moved;
        sticky = {31'd0, right[2] & (moved[3:0] != 4'd0)};
        moved = right[2] ? moved >> 4 : moved;
        sticky = {31'd0, sticky[0] | (right[3] & (moved[7:0] != 8'd0))};
        moved = right[3] ? moved >> 8 : moved;
        sticky = {31'd0, sticky[0] | (right[4] & (moved[15:0] != 16'd0))};
        moved = right[4] ? moved >> 16 : moved;
        sticky = {31'd0, sticky[0] | (right[5] & (moved != 27'd0))};
        moved = right[5] ? 27'd0 : moved;
        int8_negative = {31'd0, state.negate};
        addend = {int8_negative[0], moved[26] | int8_negative[0], moved[25:0]};
        state = {
          16'd0, state.int8, state.subtract, 1'b0, sticky[0],
          state.negative, state.invalid, state.infinite, state.exponent
        };
        if (CutAlign) begin
          align_anchor_d[CutAlign ? i : 0] = anchor;
          align_moved_d[CutAlign ? i : 0] = addend;
          align_state_d[CutAlign ? i : 0] = state;
          anchor = align_anchor_q[CutAlign ? i : 0];
          addend = align_moved_q[CutAlign ? i : 0];
          state = align_state_q[CutAlign ? i : 0];
        end

        // Add: a negative sum keeps its ones' complement for the rounding to mend.
        int8 = {31'd0, FormatInt8 && (!FormatBf16 || state.int8)};
        sum = {1'b0, anchor, 3'd0} + {1'b0, addend ^ {28{state.subtract}}}
            + {28'd0, state.subtract & ~state.sticky};
        negate = {31'd0, state.subtract & sum[27]};
        sum_d[i] = sum[27:0];
        state_d[i] = {
          16'd0,
          int8[0],
          state.subtract,
          negate[0],
          state.sticky,
          state.negative ^ (negate[0] & ~state.infinite),
          state.invalid,
          state.infinite,
          int8[0] ? {1'b0, state.exponent[7:0] + {8{addend[27]}} + {7'd0, sum[28]}}
              : state.exponent
        };
      end
    end else begin
      sum_d = sum_q;
      state_d = state_q;
    end
  end

  always_ff @(posedge clk_i) begin
    choice_anchor_q <= choice_anchor_d;
    choice_moved_q <= choice_moved_d;
    choice_distance_q <= choice_distance_d;
    choice_state_q <= choice_state_d;
    align_anchor_q <= align_anchor_d;
    align_moved_q <= align_moved_d;
    align_state_q <= align_state_d;
    sum_q <= sum_d;
    state_q <= state_d;
  end

  // ---- normalise, round ----
  logic [27:0] count_sum_q [CountLanes], count_sum_d [CountLanes];
  lane_t count_left_q [CountLanes], count_left_d [CountLanes];
  logic [StateWidth-1:0] count_state_q [CountLanes], count_state_d [CountLanes];

  always_comb begin : round
    int unsigned i;
    logic [27:0] sum;
    sum_state_t state;
    lane_t int8;
    logic [27:0] magnitude;
    word_t search;
    lane_t sixteen, eight, four, two, one;
    lane_t left, zero, fill, up, exponent;
    logic [27:0] fraction;
    word_t rounded;
    i = 0;
    sum = '0;
    state = '0;
    int8 = '0;
    magnitude = '0;
    search = '0;
    sixteen = '0;
    eight = '0;
    four = '0;
    two = '0;
    one = '0;
    left = '0;
    zero = '0;
    fill = '0;
    up = '0;
    fraction = '0;
    exponent = '0;
    rounded = '0;
    count_sum_d = count_sum_q;
    count_left_d = count_left_q;
    count_state_d = count_state_q;
    if (running_i) begin
      for (i = 0; i < Lanes; i++) begin
        // Count the leading zeros, by halves, but no further than the exponent allows: so
        // subnormals come by themselves.
        sum = sum_q[i];
        state = state_q[i];
        magnitude = sum ^ {28{state.negate}};
        search = {magnitude, 4'hf};
        sixteen = {31'd0, search[31:16] == 16'd0};
        search = sixteen[0] ? {search[15:0], 16'd0} : search;
        eight = {31'd0, search[31:24] == 8'd0};
        search = eight[0] ? {search[23:0], 8'd0} : search;
        four = {31'd0, search[31:28] == 4'd0};
        search = four[0] ? {search[27:0], 4'd0} : search;
        two = {31'd0, search[31:30] == 2'd0};
        search = two[0] ? {search[29:0], 2'd0} : search;
        one = {31'd0, ~search[31]};
        left = {27'd0, sixteen[0], eight[0], four[0], two[0], one[0]};
        left = (state.exponent[8:5] == 4'd0 && state.exponent[4:0] < left[4:0])
            ? {27'd0, state.exponent[4:0]} : left;
        zero = {31'd0, state.subtract & ~state.negate & ~state.sticky & sixteen[0] & eight[0] & four[0]};
        state = {
          16'd0,
          state.int8,
          zero[0],                         // from here on in place of `subtract`
          state.negate,
          state.sticky,
          state.negative & ~(zero[0] & ~state.infinite),
          state.invalid,
          state.infinite,
          state.exponent
        };
        if (CutCount) begin
          count_sum_d[CutCount ? i : 0] = sum;
          count_left_d[CutCount ? i : 0] = left;
          count_state_d[CutCount ? i : 0] = state;
          sum = count_sum_q[CutCount ? i : 0];
          left = count_left_q[CutCount ? i : 0];
          state = count_state_q[CutCount ? i : 0];
        end

        // Shift, then round to nearest, ties to even. Complementing after the shift fills with
        // ones, which carry the complement's missing one up to the rounding.
        int8 = {31'd0, FormatInt8 && (!FormatBf16 || state.int8)};
        fraction = (sum << left[4:0]) ^ {28{state.negate}};
        exponent = {23'd0, (state.exponent - {4'd0, left[4:0]}) & {9{~state.subtract}}};
        fill = {31'd0, state.negate & ~state.sticky};
        up = {
          31'd0,
          fraction[3]
              ? fraction[4] | fraction[2] | fraction[1] | fraction[0] | state.sticky | fill[0]
              : fraction[4] & fraction[2] & fraction[1] & fraction[0] & fill[0]
        };
        rounded = {exponent[8:0], 23'd0} + {8'd0, fraction[27:4]} + {31'd0, up[0]};
        result_d[i] = int8[0] ? {state.exponent[7:0], sum[27], sum[25:4], sum[26]}
            : {state.negative, rounded[30:0]};
        result_flags_d[i] = {
          29'd0, int8[0], state.invalid,
          state.infinite | (~int8[0] & (rounded[31:23] >= 9'd255))
        };
      end
    end else begin
      result_d = result_q;
      result_flags_d = result_flags_q;
    end
  end

  always_ff @(posedge clk_i) begin
    count_sum_q <= count_sum_d;
    count_left_q <= count_left_d;
    count_state_q <= count_state_d;
    result_q <= result_d;
    result_flags_q <= result_flags_d;
  end

  // verilator lint_on LATCH
  // verilator lint_on UNUSEDSIGNAL

  `ASSERT(StationaryNotWrittenInSwap, !crossed)

endmodule
`default_nettype wire
