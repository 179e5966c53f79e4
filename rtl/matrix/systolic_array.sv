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
  // no row in the array and no stationary row on its way: the answer to what was offered before this cycle
  output logic                     idle_o
);

  // ---- operands: masked and registered, skewed, brought into the lanes' form ----
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
      flight_q <= '0;
      running_q <= 1'b0;
    end else begin
      flight_q <= flight_d;
      running_q <= flight_d != '0;
    end
  end

  edge_operand_t raw_q [Rows], raw_d [Rows];
  logic is_int8;
  assign is_int8 = FormatInt8 && (!FormatBf16 || int8_i);
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      raw_d[r] = {operand_valid_i & swap_i, is_int8, 16'(r) >= k_valid_i, operand_i[r]};
      if (is_int8) begin
        raw_d[r] = {operand_valid_i & swap_i, is_int8, 1'b0, operand_i[r] & {{8{16'(2*r + 1) < k_valid_i}}, {8{16'(2*r) < k_valid_i}}}};
      end
    end
  end
  always_ff @(posedge clk_i) if (operand_valid_i | running_q) raw_q <= raw_d;

  localparam int unsigned Delays = RowLatency * (Rows * (Rows - 1)) / 2;
  localparam int unsigned Stored = (Delays > 0) ? Delays : 1;
  edge_operand_t delay_q [Stored], delay_d [Stored], skewed [Rows];
  always_comb begin
    for (int unsigned i = 0; i < Stored; i++) delay_d[i] = (i > 0) ? delay_q[(i > 0) ? i - 1 : 0] : raw_q[0];
    for (int unsigned r = 1; r < Rows; r++) delay_d[RowLatency * (r * (r - 1)) / 2] = raw_q[r];
    skewed[0] = raw_q[0];
    for (int unsigned r = 1; r < Rows; r++) skewed[r] = delay_q[RowLatency * (r * (r + 1)) / 2 - 1];
  end
  always_ff @(posedge clk_i) if (running_q) delay_q <= delay_d;

  moving_t operand [Rows];
  operand_edge #(.Lanes(Rows), .FormatBf16(FormatBf16), .FormatInt8(FormatInt8)) u_operand_edge (.operand_i(skewed), .operand_o(operand));

  // ---- stationary ----
  logic write_raw_q, write_q;
  logic [RowIndexWidth-1:0] row_raw_q, row_q;
  edge_operand_t stationary_raw_q [Cols], stationary_raw_d [Cols];
  moving_t stationary_q [Cols], stationary_d [Cols];
  always_comb for (int unsigned c = 0; c < Cols; c++) stationary_raw_d[c] = {1'b0, FormatInt8 && (!FormatBf16 || stationary_int8_i), 1'b0, stationary_i[c]};
  operand_edge #(.Lanes(Cols), .FormatBf16(FormatBf16), .FormatInt8(FormatInt8)) u_stationary_edge (.operand_i(stationary_raw_q), .operand_o(stationary_d));
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_raw_q <= 1'b0;
      write_q <= 1'b0;
    end else begin
      write_raw_q <= stationary_valid_i;
      write_q <= write_raw_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (stationary_valid_i) begin
      row_raw_q <= stationary_row_i;
      stationary_raw_q <= stationary_raw_d;
    end
    if (write_raw_q) begin
      row_q <= row_raw_q;
      stationary_q <= stationary_d;
    end
  end

  // ---- sums ----
  logic [Cols-1:0] format_q;
  word_t seed_q [Cols], seed_d [Cols];
  sum_flags_t seed_flags_q [Cols], seed_flags_d [Cols];
  always_ff @(posedge clk_i) format_q <= Cols'({format_q, raw_q[0].int8});
  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      seed_d[c] = format_q[c] ? {sum_i[c][31:23], sum_i[c][21:0], sum_i[c][22]} : sum_i[c];
      seed_flags_d[c] = format_q[c] ? 3'd0 : {1'b0, (&sum_i[c][30:23]) & (sum_i[c][22:0] != 23'd0), (&sum_i[c][30:23]) & (sum_i[c][22:0] == 23'd0)};
    end
  end
  always_ff @(posedge clk_i) if (running_q) begin
    seed_q <= seed_d;
    seed_flags_q <= seed_flags_d;
  end
  word_t foot [Cols];
  sum_flags_t foot_flags [Cols];
  mac_lanes u_lanes (
    .clk_i, .running_i(running_q), .operand_i(operand),
    .stationary_valid_i(write_q), .stationary_row_i(row_q), .stationary_i(stationary_q),
    .sum_i(seed_q), .sum_flags_i(seed_flags_q), .sum_o(foot), .sum_flags_o(foot_flags));
  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      result_o[c] = foot_flags[c].int8 ? {foot[c][31:23], foot[c][0], foot[c][22:1]}
          : foot_flags[c].invalid ? 32'h7fc00000
          : foot_flags[c].infinite ? {foot[c][31], 8'hff, 23'd0} : foot[c];
    end
  end
  assign idle_o = ~running_q & ~write_raw_q & ~write_q;
endmodule
`default_nettype wire
