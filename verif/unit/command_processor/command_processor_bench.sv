// The command processor with stub units, flattened for C++: plain ports of fixed widths, commands as fields.
`default_nettype none

module command_processor_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // what was built
  output int unsigned rows_o, cols_o, line_bytes_o, scratchpad_lines_o, accumulator_rows_o,
  output int unsigned address_width_o, semaphores_o, windows_o, bus_bytes_o, max_burst_beats_o,
  output int unsigned fetch_buffer_o, queue_depth_o,
  output logic        bf16_o, int8_o,

  // registers
  input  logic [31:0] bus_timeout_i,
  input  logic [31:0] semaphore_timeout_i,
  input  logic [63:0] window_base_i [8],
  input  logic [63:0] window_last_i [8],
  input  logic [1:0]  window_permit_i [8],
  input  logic [63:0] ring_i,
  input  logic [4:0]  ring_size_i,
  input  logic [63:0] record_i,
  input  logic        enable_i,
  output logic        enable_clear_o,
  output logic        enabled_o,
  input  logic        doorbell_valid_i,
  input  logic [31:0] doorbell_i,
  input  logic        queue_reset_i,
  output logic [31:0] completed_o,
  output logic        busy_o, faulted_o, stuck_o,
  output logic [7:0]  fault_cause_o, fault_unit_o,
  output logic [31:0] fault_index_o,
  output logic [63:0] fault_address_o,
  output logic        irq_command_o, irq_fault_o, irq_idle_o, irq_reset_done_o,
  output logic        reset_request_o, resetting_o, command_done_o,
  output logic [63:0] binding_o [2],      // two bits a semaphore
  output logic [63:0] cycle_o,
  output logic        halt_o, abandon_o, flush_o,

  // bus
  output logic         ar_valid_o,
  output logic [63:0]  ar_address_o,
  output logic [8:0]   ar_beats_o,
  input  logic         ar_ready_i,
  input  logic         r_valid_i,
  input  logic [511:0] r_data_i,
  input  logic         r_error_i, r_last_i,
  output logic         r_ready_o,
  output logic         aw_valid_o,
  output logic [63:0]  aw_address_o,
  output logic [8:0]   aw_beats_o,
  input  logic         aw_ready_i,
  output logic         w_valid_o,
  output logic [511:0] w_data_o,
  output logic [63:0]  w_strobe_o,
  output logic         w_last_o,
  input  logic         w_ready_i,
  input  logic         b_valid_i, b_error_i,
  output logic         b_ready_o,

  // stub units: load, matrix, store
  input  logic        single_row_i,     // commands have one row
  input  logic        no_syncs_i,       // and neither waits nor signals
  input  logic [2:0]  advance_i, fail_i, debt_i, beat_i,
  input  logic [63:0] debt_address_i, fail_address_i,
  input  logic [31:0] debt_index_i,
  output logic [2:0]  started_o, unit_busy_o,
  output logic [31:0] started_index_o [3],

  // commands, at the handshake with the unit
  output logic [2:0]  taken_o,
  output logic [31:0] header_index_o [3],
  output logic [31:0] sync_o [12],           // unit x {wait 0, wait 1, signal 0, signal 1}
  output logic [2:0]  record_o, raise_irq_o,
  output logic [63:0] base_o [2], stride_o [8],
  output logic [31:0] run_o [2], merged_run_o [2], count_o [8], transfer_rows_o [2], local_base_o [2],
  output logic [31:0] local_pitch_o [2],
  output logic [1:0]  merge_o, accumulators_o,
  output logic [1:0]  tag_o, conversion_o,
  output logic        relu_o, per_column_o,
  output logic [31:0] scale_o, scale_line_o,
  output logic        int8_command_o, accumulate_o, strip_outer_o,
  output logic [31:0] m_o, blocks_o, strips_o, last_k_o, last_n_o,
  output logic [31:0] a_base_o, a_pitch_o, b_base_o, b_pitch_o, c_base_o, c_pitch_o,

  // memories
  output logic        memory_clear_o,
  input  logic        memory_clear_busy_i
);

  assign rows_o = Rows;
  assign cols_o = Cols;
  assign line_bytes_o = LineBytes;
  assign scratchpad_lines_o = ScratchpadLines;
  assign accumulator_rows_o = AccumulatorRows;
  assign address_width_o = AddressWidth;
  assign semaphores_o = Semaphores;
  assign windows_o = Windows;
  assign bus_bytes_o = BusBytes;
  assign max_burst_beats_o = MaxBurstBeats;
  assign fetch_buffer_o = FetchBuffer;
  assign queue_depth_o = UnitQueueDepth;
  assign bf16_o = FormatBf16;
  assign int8_o = FormatInt8;

  logic [Windows-1:0][63:0] window_base, window_last;
  logic [Windows-1:0][1:0]  window_permit;
  always_comb begin
    for (int unsigned w = 0; w < Windows; w++) begin
      window_base[w] = window_base_i[w];
      window_last[w] = window_last_i[w];
      window_permit[w] = window_permit_i[w];
    end
  end

  logic [2:0] command_valid, command_ready, report_valid, report_ready, busy, blocked, fault;
  load_command_t   load_command;
  matrix_command_t matrix_command;
  store_command_t  store_command;
  logic  [2:0][1:0] wait_valid, wait_grant, signal_valid, signal_ready, signal_overflow;
  sync_t [2:0][1:0] waits, signals;
  report_t [2:0]   report;
  logic [2:0][SemaphoreWidth-1:0] blocked_semaphore;
  cycle_t   cycle;
  address_t ar_address, aw_address;
  bus_data_t w_data;
  bus_strobe_t w_strobe;
  logic [Semaphores-1:0][1:0] binding;
  logic [127:0] bindings;
  logic unused_corrected;

  // Each unit owes at another place for another command.
  address_t [2:0] owed_address;
  logic [2:0][31:0] owed_index;
  always_comb begin
    for (int unsigned u = 0; u < 3; u++) begin
      owed_address[u] = address_t'(debt_address_i) + address_t'(u * 64);
      owed_index[u] = debt_index_i + u;
    end
  end

  command_processor u_command_processor (
    .clk_i, .rst_ni,
    .bus_timeout_i, .semaphore_timeout_i,
    .window_base_i(window_base), .window_last_i(window_last), .window_permit_i(window_permit),
    .ring_i, .ring_size_i, .record_i, .enable_i, .enable_clear_o, .enabled_o,
    .doorbell_valid_i, .doorbell_i, .queue_reset_i,
    .completed_o, .busy_o, .faulted_o, .stuck_o,
    .fault_cause_o, .fault_unit_o, .fault_index_o, .fault_address_o,
    .irq_command_o, .irq_fault_o, .irq_idle_o, .irq_reset_done_o, .reset_request_o,
    .resetting_o, .command_done_o, .corrected_o(unused_corrected), .binding_signal_unit_o(binding),
    .ar_valid_o, .ar_address_o(ar_address), .ar_beats_o, .ar_ready_i,
    .r_valid_i, .r_data_i(bus_data_t'(r_data_i)), .r_error_i, .r_last_i, .r_ready_o,
    .aw_valid_o, .aw_address_o(aw_address), .aw_beats_o, .aw_ready_i,
    .w_valid_o, .w_data_o(w_data), .w_strobe_o(w_strobe), .w_last_o, .w_ready_i,
    .b_valid_i, .b_error_i, .b_ready_o,
    .load_command_valid_o(command_valid[0]), .load_command_o(load_command),
    .load_command_ready_i(command_ready[0]),
    .matrix_command_valid_o(command_valid[1]), .matrix_command_o(matrix_command),
    .matrix_command_ready_i(command_ready[1]),
    .store_command_valid_o(command_valid[2]), .store_command_o(store_command),
    .store_command_ready_i(command_ready[2]),
    .wait_valid_i(wait_valid), .wait_i(waits), .wait_grant_o(wait_grant),
    .signal_valid_i(signal_valid), .signal_i(signals), .signal_ready_o(signal_ready),
    .signal_overflow_o(signal_overflow),
    .report_valid_i(report_valid), .report_i(report), .report_ready_o(report_ready),
    .cycle_o(cycle), .halt_o, .abandon_o, .flush_o,
    .unit_busy_i(busy), .unit_owed_i(debt_i), .unit_beat_i(beat_i),
    .unit_owed_address_i(owed_address), .unit_owed_index_i(owed_index),
    .bus_owed_i('1),
    .unit_blocked_i(blocked), .unit_fault_i(fault),
    .unit_blocked_semaphore_i(blocked_semaphore),
    .memory_clear_o, .memory_clear_busy_i
  );

  logic unused_inputs;
  assign unused_inputs = ^{r_data_i, debt_address_i};
  assign ar_address_o = 64'(ar_address);
  assign aw_address_o = 64'(aw_address);
  assign w_data_o = 512'(w_data);
  assign w_strobe_o = 64'(w_strobe);
  assign cycle_o = 64'(cycle);
  assign bindings = 128'(binding);
  assign binding_o[0] = bindings[63:0];
  assign binding_o[1] = bindings[127:64];
  assign unit_busy_o = busy;

  header_t [2:0] headers;
  logic [2:0][31:0] unit_rows;
  assign headers = {store_command.header, matrix_command.header, load_command.header};
  assign unit_rows = {32'(store_command.transfer.rows),
                      32'(matrix_command.m) * 32'(matrix_command.blocks) * 32'(matrix_command.strips),
                      32'(load_command.transfer.rows)};

  for (genvar u = 0; u < 3; u++) begin : gen_units
    header_t header;
    always_comb begin
      header = headers[u];
      if (no_syncs_i) begin
        header.waits = '0;
        header.signals = '0;
      end
    end
    stub_unit #(.Unit(8'(u + 1))) u_unit (
      .clk_i, .rst_ni,
      .command_valid_i(command_valid[u]), .header_i(header),
      .rows_i(single_row_i ? 32'd1 : unit_rows[u]),
      .command_ready_o(command_ready[u]),
      .wait_valid_o(wait_valid[u]), .wait_o(waits[u]), .wait_grant_i(wait_grant[u]),
      .signal_valid_o(signal_valid[u]), .signal_o(signals[u]),
      .signal_ready_i(signal_ready[u]), .signal_overflow_i(signal_overflow[u]),
      .report_valid_o(report_valid[u]), .report_o(report[u]), .report_ready_i(report_ready[u]),
      .cycle_i(cycle), .halt_i(halt_o), .abandon_i(abandon_o), .flush_i(flush_o),
      .busy_o(busy[u]), .blocked_o(blocked[u]), .fault_o(fault[u]), .blocked_semaphore_o(blocked_semaphore[u]),
      .advance_i(advance_i[u]), .fail_i(fail_i[u]), .debt_i(debt_i[u]), .fail_address_i,
      .started_o(started_o[u]), .index_o(started_index_o[u])
    );
    assign taken_o[u] = command_valid[u] && command_ready[u];
    assign header_index_o[u] = headers[u].index;
    assign record_o[u] = headers[u].record;
    assign raise_irq_o[u] = headers[u].raise_irq;
    for (genvar s = 0; s < 4; s++) begin : gen_syncs
      sync_t sync;
      assign sync = (s < 2) ? headers[u].waits[s % 2] : headers[u].signals[s % 2];
      // As in the command's word, for the test to compare.
      assign sync_o[4*u + s] = {2'b0, sync.by_rows, sync.rows_log2, 8'(sync.semaphore_index), sync.count};
    end
  end

  transfer_t [1:0] transfers;
  assign transfers = {store_command.transfer, load_command.transfer};
  for (genvar t = 0; t < 2; t++) begin : gen_transfers
    assign base_o[t] = 64'(transfers[t].base);
    assign run_o[t] = 32'(transfers[t].run);
    assign merge_o[t] = transfers[t].merge;
    assign merged_run_o[t] = transfers[t].merged_run;
    assign transfer_rows_o[t] = 32'(transfers[t].rows);
    assign local_base_o[t] = 32'(transfers[t].local_base);
    assign local_pitch_o[t] = 32'(transfers[t].local_pitch);
    for (genvar d = 0; d < 4; d++) begin : gen_loops
      assign count_o[4*t + d] = 32'(transfers[t].count[d]);
      assign stride_o[4*t + d] = 64'(transfers[t].stride[d]);
    end
  end
  assign accumulators_o = {store_command.accumulators, load_command.accumulators};
  assign tag_o = load_command.tag;
  assign conversion_o = store_command.conversion;
  assign relu_o = store_command.relu;
  assign per_column_o = store_command.scale_per_column;
  assign scale_o = store_command.scale;
  assign scale_line_o = 32'(store_command.scale_line);
  assign int8_command_o = matrix_command.int8;
  assign accumulate_o = matrix_command.accumulate;
  assign strip_outer_o = matrix_command.strip_outer;
  assign m_o = 32'(matrix_command.m);
  assign blocks_o = 32'(matrix_command.blocks);
  assign strips_o = 32'(matrix_command.strips);
  assign last_k_o = 32'(matrix_command.last_k);
  assign last_n_o = 32'(matrix_command.last_n);
  assign a_base_o = 32'(matrix_command.a_base);
  assign a_pitch_o = 32'(matrix_command.a_pitch);
  assign b_base_o = 32'(matrix_command.b_base);
  assign b_pitch_o = 32'(matrix_command.b_pitch);
  assign c_base_o = 32'(matrix_command.c_base);
  assign c_pitch_o = 32'(matrix_command.c_pitch);

endmodule

`default_nettype wire
