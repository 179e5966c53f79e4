// Scratchpad with its sizes on ports.
`default_nettype none

module scratchpad_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  output logic [31:0] lines_o,
  output logic [31:0] banks_o,
  output logic [31:0] line_bytes_o,
  output logic [31:0] bus_bytes_o,
  output logic [31:0] latency_o,
  output logic        secded_o,
  input  logic                      write_valid_i,
  input  line_index_t               write_line_i,
  input  logic [WordIndexWidth-1:0] write_word_i,
  input  bus_data_t                 write_data_i,
  input  bus_strobe_t               write_strobe_i,
  input  logic [2:0]  read_valid_i,        // stationary, store, operand
  input  line_index_t read_line_i [3],
  output logic [2:0]  read_grant_o,
  output line_t       read_data_o [3],
  output logic [2:0]  read_error_o,
  output logic        corrected_o,
  input  logic clear_i,
  output logic clear_busy_o
);

  assign lines_o = ScratchpadLines;
  assign banks_o = ScratchpadBanks;
  assign line_bytes_o = LineBytes;
  assign bus_bytes_o = BusBytes;
  assign latency_o = MemoryLatency;
  assign secded_o = MemorySecded;

  scratchpad u_scratchpad (
    .clk_i, .rst_ni,
    .scratchpad_write_valid_i(write_valid_i), .scratchpad_write_line_i(write_line_i),
    .scratchpad_write_word_i(write_word_i), .scratchpad_write_data_i(write_data_i),
    .scratchpad_write_strobe_i(write_strobe_i),
    .stationary_read_valid_i(read_valid_i[0]), .stationary_read_line_i(read_line_i[0]),
    .stationary_read_grant_o(read_grant_o[0]), .stationary_read_data_o(read_data_o[0]),
    .stationary_read_error_o(read_error_o[0]),
    .store_read_valid_i(read_valid_i[1]), .store_read_line_i(read_line_i[1]),
    .store_read_grant_o(read_grant_o[1]), .store_read_data_o(read_data_o[1]),
    .store_read_error_o(read_error_o[1]),
    .operand_read_valid_i(read_valid_i[2]), .operand_read_line_i(read_line_i[2]),
    .operand_read_grant_o(read_grant_o[2]), .operand_read_data_o(read_data_o[2]),
    .operand_read_error_o(read_error_o[2]),
    .clear_i, .clear_busy_o, .corrected_o
  );

endmodule

`default_nettype wire
