// Matrix unit with its memories and the semaphores; C++ takes the place of the command processor,
// load and store unit.
`default_nettype none

module matrix_unit_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  // sizes
  output logic [31:0] rows_o,
  output logic [31:0] cols_o,
  output logic [31:0] row_latency_o,
  output logic [31:0] memory_latency_o,
  output logic [31:0] line_bytes_o,
  output logic [31:0] bus_bytes_o,
  output logic [31:0] lines_o,
  output logic [31:0] banks_o,
  output logic [31:0] accumulator_rows_o,
  output logic [31:0] issue_to_visible_o,
  // command
  input  logic        command_valid_i,
  output logic        command_ready_o,
  input  logic [31:0] index_i,
  input  logic [31:0] wait_word_i [2],     // as in the command
  input  logic [31:0] signal_word_i [2],
  input  logic        int8_i,
  input  logic        accumulate_i,
  input  logic        strip_outer_i,
  input  logic [31:0] m_i,
  input  logic [31:0] n_i,
  input  logic [31:0] k_i,
  input  logic [31:0] a_base_i,
  input  logic [31:0] a_pitch_i,
  input  logic [31:0] b_base_i,
  input  logic [31:0] b_pitch_i,
  input  logic [31:0] c_base_i,
  input  logic [31:0] c_pitch_i,
  // the other units' semaphore ports
  input  logic        give_i,
  input  logic [7:0]  give_semaphore_i,
  input  logic [15:0] give_count_i,
  input  logic        take_i,
  input  logic [7:0]  take_semaphore_i,
  input  logic [15:0] take_count_i,
  output logic        taken_o,
  output logic [1:0]  granted_o,
  output logic [1:0]  signalled_o,
  // control
  input  logic halt_i,
  input  logic abandon_i,
  input  logic flush_i,
  output logic busy_o,
  output logic owed_o,
  output logic blocked_o,
  output logic fault_o,
  // report
  output logic        report_valid_o,
  input  logic        report_ready_i,
  output logic [31:0] report_index_o,
  output logic [7:0]  report_state_o,
  output logic [7:0]  report_cause_o,
  output logic [63:0] report_address_o,
  // scratchpad
  input  logic        write_valid_i,
  input  logic [31:0] write_line_i,
  input  logic [31:0] write_word_i,
  input  bus_data_t   write_data_i,
  input  bus_strobe_t write_strobe_i,
  input  logic        store_read_valid_i,
  input  logic [31:0] store_read_line_i,
  output logic        store_read_grant_o,
  output line_t       store_read_data_o,
  // accumulators
  input  logic        load_valid_i,
  output logic        load_ready_o,
  input  logic [31:0] load_row_i,
  input  logic [31:0] load_word_i,
  input  bus_data_t   load_data_i,
  input  logic [ColumnsPerWord-1:0] load_strobe_i,
  input  logic [1:0]  load_tag_i,
  input  logic        drain_valid_i,
  input  logic [31:0] drain_row_i,
  output word_t       drain_data_o [Cols],
  output logic [1:0]  drain_tag_o,
  output logic        hole_o,
  // clear
  input  logic clear_i,
  output logic clear_busy_o,
  // counters
  output logic        issue_o,
  output logic [15:0] issue_lanes_o,
  output logic [15:0] issue_columns_o,
  output logic        has_command_o,
  output logic        in_flight_o,
  output logic        lost_wait_o,
  output logic [7:0]  lost_wait_semaphore_o,
  output logic        lost_reentry_o,
  output logic        lost_fill_o
);

  assign rows_o = Rows;
  assign cols_o = Cols;
  assign row_latency_o = RowLatency;
  assign memory_latency_o = MemoryLatency;
  assign line_bytes_o = LineBytes;
  assign bus_bytes_o = BusBytes;
  assign lines_o = ScratchpadLines;
  assign banks_o = ScratchpadBanks;
  assign accumulator_rows_o = AccumulatorRows;
  assign issue_to_visible_o = matrix_pkg::IssueToVisible;

  function automatic sync_t sync_of(logic [29:0] word);
    sync_t result;
    result.count = word[15:0];
    result.semaphore_index = SemaphoreWidth'(word[23:16]);
    result.rows_log2 = word[28:24];
    result.by_rows = word[29];
    return result;
  endfunction

  // What the decoder derives.
  matrix_command_t command;
  logic [31:0] block;
  always_comb begin
    block = int8_i ? BlockKInt8 : BlockKBf16;
    command = '0;
    command.header.index = index_i;
    command.header.record = 1'b1;
    command.header.opcode = command_pkg::OpcodeMatrix;
    for (int unsigned i = 0; i < 2; i++) begin
      command.header.waits[i] = sync_of(wait_word_i[i][29:0]);
      command.header.signals[i] = sync_of(signal_word_i[i][29:0]);
    end
    command.int8 = int8_i;
    command.accumulate = accumulate_i;
    command.strip_outer = strip_outer_i;
    command.m = RowsWidth'(m_i);
    command.blocks = 16'((k_i + block - 1) / block);
    command.strips = 16'((n_i + Cols - 1) / Cols);
    command.last_k = 16'((k_i - 1) % block + 1);
    command.last_n = 16'((n_i - 1) % Cols + 1);
    command.a_base = LocalWidth'(a_base_i);
    command.a_pitch = LocalWidth'(a_pitch_i);
    command.b_base = LocalWidth'(b_base_i);
    command.b_pitch = LocalWidth'(b_pitch_i);
    command.c_base = LocalWidth'(c_base_i);
    command.c_pitch = LocalWidth'(c_pitch_i);
  end

  logic [1:0][1:0] wait_valid, wait_grant, signal_valid, signal_ready, signal_overflow;
  sync_t [1:0][1:0] wait_sync, signal_sync;   // unit 0 the matrix unit, 1 the bench
  assign wait_valid[1] = {1'b0, take_i};
  assign wait_sync[1][0] = sync_of({6'h00, take_semaphore_i, take_count_i});
  assign wait_sync[1][1] = '0;
  assign signal_valid[1] = {1'b0, give_i};
  assign signal_sync[1][0] = sync_of({6'h00, give_semaphore_i, give_count_i});
  assign signal_sync[1][1] = '0;
  assign taken_o = wait_grant[1][0];
  assign granted_o = wait_grant[0];
  assign signalled_o = signal_ready[0] & ~signal_overflow[0];

  semaphores #(.Units(2)) u_semaphores (
    .clk_i, .rst_ni, .clear_i,
    .wait_valid_i(wait_valid), .wait_i(wait_sync), .wait_grant_o(wait_grant),
    .signal_valid_i(signal_valid), .signal_i(signal_sync), .signal_ready_o(signal_ready),
    .signal_overflow_o(signal_overflow)
  );

  cycle_t cycle_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cycle_q <= '0;
    else cycle_q <= cycle_q + 1'b1;
  end

  logic operand_valid, operand_grant, stationary_valid, stationary_grant;
  line_index_t operand_line, stationary_line;
  line_t operand_data, stationary_data;
  logic sum_valid, result_valid;
  accumulator_index_t sum_row, result_row;
  word_t sum_data [Cols];
  word_t result_data [Cols];
  logic [1:0] sum_tag, result_tag;
  logic scratchpad_clear_busy, accumulators_clear_busy;
  logic operand_error, stationary_error, sum_tag_error, sum_error;
  logic unused_store_error, unused_drain_error;
  logic [1:0] unused_corrected;
  accumulator_index_t sum_error_row;
  report_t report;
  logic [SemaphoreWidth-1:0] lost_wait_semaphore;
  assign lost_wait_semaphore_o = 8'(lost_wait_semaphore);

  matrix_unit u_matrix (
    .clk_i, .rst_ni,
    .command_valid_i, .command_i(command), .command_ready_o,
    .wait_valid_o(wait_valid[0]), .wait_o(wait_sync[0]), .wait_grant_i(wait_grant[0]),
    .signal_valid_o(signal_valid[0]), .signal_o(signal_sync[0]),
    .signal_ready_i(signal_ready[0]), .signal_overflow_i(signal_overflow[0]),
    .report_valid_o, .report_o(report), .report_ready_i,
    .cycle_i(cycle_q), .halt_i, .abandon_i, .flush_i, .busy_o, .owed_o, .blocked_o, .fault_o,
    .operand_read_valid_o(operand_valid), .operand_read_line_o(operand_line),
    .operand_read_grant_i(operand_grant), .operand_read_data_i(operand_data),
    .operand_read_error_i(operand_error),
    .stationary_read_valid_o(stationary_valid), .stationary_read_line_o(stationary_line),
    .stationary_read_grant_i(stationary_grant), .stationary_read_data_i(stationary_data),
    .stationary_read_error_i(stationary_error),
    .accumulator_read_valid_o(sum_valid), .accumulator_read_row_o(sum_row),
    .accumulator_read_data_i(sum_data), .accumulator_read_tag_i(sum_tag),
    .accumulator_read_tag_error_i(sum_tag_error), .accumulator_read_error_i(sum_error),
    .accumulator_read_error_row_i(sum_error_row),
    .accumulator_write_valid_o(result_valid), .accumulator_write_row_o(result_row),
    .accumulator_write_tag_o(result_tag), .accumulator_write_data_o(result_data),
    .accumulator_hole_i(hole_o),
    .issue_o, .issue_lanes_o, .issue_columns_o, .has_command_o, .in_flight_o,
    .lost_wait_o, .lost_wait_semaphore_o(lost_wait_semaphore), .lost_reentry_o, .lost_fill_o
  );

  assign report_index_o = report.index;
  assign report_state_o = report.state;
  assign report_cause_o = report.cause;
  assign report_address_o = report.address;

  scratchpad u_scratchpad (
    .clk_i, .rst_ni,
    .scratchpad_write_valid_i(write_valid_i),
    .scratchpad_write_line_i(LineIndexWidth'(write_line_i)),
    .scratchpad_write_word_i(WordIndexWidth'(write_word_i)),
    .scratchpad_write_data_i(write_data_i), .scratchpad_write_strobe_i(write_strobe_i),
    .stationary_read_valid_i(stationary_valid), .stationary_read_line_i(stationary_line),
    .stationary_read_grant_o(stationary_grant), .stationary_read_data_o(stationary_data),
    .stationary_read_error_o(stationary_error), .store_read_error_o(unused_store_error),
    .operand_read_error_o(operand_error), .corrected_o(unused_corrected[0]),
    .store_read_valid_i, .store_read_line_i(LineIndexWidth'(store_read_line_i)),
    .store_read_grant_o, .store_read_data_o,
    .operand_read_valid_i(operand_valid), .operand_read_line_i(operand_line),
    .operand_read_grant_o(operand_grant), .operand_read_data_o(operand_data),
    .clear_i, .clear_busy_o(scratchpad_clear_busy)
  );

  accumulators u_accumulators (
    .clk_i, .rst_ni,
    .read_valid_i(sum_valid), .read_row_i(sum_row), .read_data_o(sum_data), .read_tag_o(sum_tag),
    .read_tag_error_o(sum_tag_error), .read_error_o(sum_error), .read_error_row_o(sum_error_row),
    .drain_read_error_o(unused_drain_error), .corrected_o(unused_corrected[1]),
    .write_valid_i(result_valid), .write_row_i(result_row), .write_tag_i(result_tag),
    .write_data_i(result_data), .hole_o,
    .accumulator_write_valid_i(load_valid_i), .accumulator_write_ready_o(load_ready_o),
    .accumulator_write_row_i(AccumulatorIndexWidth'(load_row_i)),
    .accumulator_write_word_i(AccumulatorWordWidth'(load_word_i)),
    .accumulator_write_data_i(load_data_i), .accumulator_write_strobe_i(load_strobe_i),
    .accumulator_write_tag_i(load_tag_i),
    .drain_read_valid_i(drain_valid_i),
    .drain_read_row_i(AccumulatorIndexWidth'(drain_row_i)),
    .drain_read_data_o(drain_data_o), .drain_read_tag_o(drain_tag_o),
    .clear_i, .clear_busy_o(accumulators_clear_busy)
  );

  assign clear_busy_o = scratchpad_clear_busy || accumulators_clear_busy;

  logic unused;
  assign unused = ^{wait_word_i[0], wait_word_i[1], signal_word_i[0], signal_word_i[1], wait_grant,
                    signal_ready, signal_overflow, report, a_base_i, a_pitch_i, b_base_i, b_pitch_i, c_base_i,
                    c_pitch_i,
                    m_i, write_line_i, write_word_i, store_read_line_i, load_row_i, load_word_i,
                    drain_row_i, give_semaphore_i, take_semaphore_i, command};

endmodule

`default_nettype wire
