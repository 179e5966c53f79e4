// Rows x Cols multiply-accumulate lanes with their edges: operands are masked, skewed and brought
// into the lanes' form, sums checked for NaN and infinity on the way in and made canonical on the
// way out.
//
// A row offered each cycle is taken each cycle; there is no stall, and a cycle without a row is a
// bubble. Format, swap of the stationary operand and valid lanes travel with the row. Timing of
// sums, results and stationary rows: `array_pkg`.
//
// Rows, Cols: 1..128; MacDepth: 3..6; at least one of the formats.
`include "systolith_assert.svh"
`default_nettype none
module systolic_array
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // moving operand
  input  logic                     operand_valid_i,
  input  operand_t                 operand_i [Rows],
  input  logic                     int8_i,
  input  logic [15:0]              k_valid_i,
  input  logic                     swap_i,
  // partial sums
  input  word_t                    sum_i [Cols],
  output word_t                    result_o [Cols],
  // shadow of the stationary operand
  input  logic                     stationary_valid_i,
  input  logic [RowIndexWidth-1:0] stationary_row_i,
  input  operand_t                 stationary_i [Cols],
  input  logic                     stationary_int8_i,
  // no row in the array and no stationary row on its way: the answer to what was offered before
  // this cycle
  output logic                     idle_o
);

  if (Rows < 1 || Rows > 128) begin : gen_rows_check
    $error("systolic_array: Rows must be 1..128");
  end
  if (Cols < 1 || Cols > 128) begin : gen_cols_check
    $error("systolic_array: Cols must be 1..128");
  end
  if (MacDepth < 3 || MacDepth > 6) begin : gen_depth_check
    $error("systolic_array: MacDepth must be 3..6");
  end
  if (!FormatBf16 && !FormatInt8) begin : gen_format_check
    $error("systolic_array: a format is needed");
  end

  // ---- cycles until the last row has left ----
  localparam int unsigned Flight = ResultOffset + Cols - 1;
  localparam int unsigned FlightWidth = $clog2(Flight + 1);

  logic [FlightWidth-1:0] flight_q, flight_d;
  logic running_q;

  always_comb begin
    flight_d = flight_q;
    if (operand_valid_i) flight_d = FlightWidth'(Flight);
    else if (running_q) flight_d = flight_q - FlightWidth'(1);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      // Out of reset it runs once through, so that no swap is left of what it powered up with.
      flight_q <= FlightWidth'(Flight);
      running_q <= 1'b1;
    end else begin
      flight_q <= flight_d;
      running_q <= (flight_d != '0);
    end
  end

  // ---- operand: steps past K are masked ----
  edge_operand_t entry_q [Rows], entry_d [Rows];
  logic entry_int8;
  logic entry_swap;

  assign entry_int8 = FormatInt8 && (!FormatBf16 || int8_i);
  assign entry_swap = operand_valid_i & swap_i;

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      if (entry_int8) begin
        entry_d[r] = {
          entry_swap, 1'b1, 1'b0,
          operand_i[r] & {{8{16'(2*r + 1) < k_valid_i}}, {8{16'(2*r) < k_valid_i}}}
        };
      end else begin
        entry_d[r] = {
          entry_swap, 1'b0, 16'(r) >= k_valid_i, operand_i[r] & {16{16'(r) < k_valid_i}}
        };
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (operand_valid_i || running_q) entry_q <= entry_d;
  end

  // ---- skew: row r waits r x RowLatency cycles ---- One line for all rows, row r's part at r (r -
  // 1) / 2 x RowLatency, so that it moves by a single shift.
  localparam int unsigned SkewPlaces = max2(RowLatency * Rows * (Rows - 1) / 2, 1);

  edge_operand_t skew_q [SkewPlaces], skew_d [SkewPlaces];
  edge_operand_t skewed [Rows];

  always_comb begin
    skew_d[0] = entry_q[0];
    for (int unsigned i = 1; i < SkewPlaces; i++) skew_d[i] = skew_q[i-1];
    skewed[0] = entry_q[0];
    for (int unsigned r = 1; r < Rows; r++) begin
      skew_d[RowLatency * r * (r - 1) / 2] = entry_q[r];
      skewed[r] = skew_q[RowLatency * r * (r + 1) / 2 - 1];
    end
  end

  // Not enabled: an enable here slows simulation, and an idle array's entry stands still anyway.
  always_ff @(posedge clk_i) skew_q <= skew_d;

  moving_t moving [Rows];

  operand_edge #(
    .Lanes(Rows),
    .FormatBf16(FormatBf16),
    .FormatInt8(FormatInt8),
    .MultiplierBlocks(MultiplierBlocks)
  ) u_operand_edge (
    .operand_i(skewed),
    .operand_o(moving)
  );

  // ---- stationary operand ----
  logic                     stationary_entry_valid_q, stationary_valid_q;
  logic [RowIndexWidth-1:0] stationary_entry_row_q, stationary_row_q;
  edge_operand_t            stationary_entry_q [Cols], stationary_entry_d [Cols];
  moving_t                  stationary_edge [Cols];
  lane_operand_t            stationary_q [Cols], stationary_d [Cols];

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      stationary_entry_d[c] = {
        1'b0, FormatInt8 && (!FormatBf16 || stationary_int8_i), 1'b0, stationary_i[c]
      };
      stationary_d[c] = stationary_edge[c].value;
    end
  end

  operand_edge #(
    .Lanes(Cols),
    .FormatBf16(FormatBf16),
    .FormatInt8(FormatInt8),
    .MultiplierBlocks(MultiplierBlocks)
  ) u_stationary_edge (
    .operand_i(stationary_entry_q),
    .operand_o(stationary_edge)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      stationary_entry_valid_q <= 1'b0;
      stationary_valid_q <= 1'b0;
    end else begin
      stationary_entry_valid_q <= stationary_valid_i;
      stationary_valid_q <= stationary_entry_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (stationary_valid_i) begin
      stationary_entry_row_q <= stationary_row_i;
      stationary_entry_q <= stationary_entry_d;
    end
    if (stationary_entry_valid_q) begin
      stationary_row_q <= stationary_entry_row_q;
      stationary_q <= stationary_d;
    end
  end

  // ---- sums ----
  logic [Cols-1:0] sum_int8_q;    // format of the row whose sum comes in at each column
  word_t           seed_q [Cols], seed_d [Cols];
  sum_flags_t      seed_flags_q [Cols], seed_flags_d [Cols];
  word_t           foot [Cols];
  sum_flags_t      foot_flags [Cols];

  always_ff @(posedge clk_i) sum_int8_q <= Cols'({sum_int8_q, entry_q[0].int8});

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      if (sum_int8_q[c]) begin
        seed_d[c] = {sum_i[c][31:23], sum_i[c][21:0], sum_i[c][22]};
        seed_flags_d[c] = '0;
      end else begin
        seed_d[c] = sum_i[c];
        seed_flags_d[c] = {
          29'd0, 1'b0,
          (sum_i[c][30:23] == 8'hff) && (sum_i[c][22:0] != 23'd0),
          (sum_i[c][30:23] == 8'hff) && (sum_i[c][22:0] == 23'd0)
        };
      end
    end
  end

  always_ff @(posedge clk_i) begin
    seed_q <= seed_d;
    seed_flags_q <= seed_flags_d;
  end

  mac_lanes u_mac_lanes (
    .clk_i,
    .rst_ni,
    .running_i(running_q),
    .operand_i(moving),
    .stationary_valid_i(stationary_valid_q),
    .stationary_row_i(stationary_row_q),
    .stationary_i(stationary_q),
    .sum_i(seed_q),
    .sum_flags_i(seed_flags_q),
    .sum_o(foot),
    .sum_flags_o(foot_flags)
  );

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      if (foot_flags[c].int8) result_o[c] = {foot[c][31:23], foot[c][0], foot[c][22:1]};
      else if (foot_flags[c].invalid) result_o[c] = CanonicalNan;
      else if (foot_flags[c].infinite) result_o[c] = {foot[c][31], 8'hff, 23'd0};
      else result_o[c] = foot[c];
    end
  end

  assign idle_o = ~running_q & ~stationary_entry_valid_q & ~stationary_valid_q;

  `ASSERT(StationaryRowExists, !stationary_valid_i || 32'(stationary_row_i) < Rows)

endmodule
`default_nettype wire
