// The store unit with its local memories, and its structures taken apart for C++.
//
// Memories are filled through `poke`, a 32-bit word a clock. Their outputs carry noise whenever no
// read is due.
`default_nettype none
// C++ hands over whole words, of which a field may take a part.
// verilator lint_off UNUSEDSIGNAL

module store_unit_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Sizes of the configuration.
  output logic [31:0] cols_o,
  output logic [31:0] bus_bytes_o,
  output logic [31:0] line_bytes_o,
  output logic [31:0] lines_o,
  output logic [31:0] accumulator_rows_o,
  output logic [31:0] max_burst_beats_o,
  output logic [31:0] writes_outstanding_o,
  output logic [31:0] drain_lanes_o,
  output logic [31:0] memory_latency_o,
  output logic [31:0] address_width_o,

  // Contents: space 0 scratchpad, 1 accumulators, 2 tags.
  input  logic        poke_valid_i,
  input  logic [1:0]  poke_space_i,
  input  logic [31:0] poke_index_i,   // line or row
  input  logic [31:0] poke_word_i,    // 32-bit word in it; of space 3, who is wrong: 0 line, 1 row
  input  logic [31:0] poke_data_i,

  // Command.
  input  logic        command_valid_i,
  output logic        command_ready_o,
  input  logic [31:0] index_i,
  input  logic [31:0] wait_i [2],     // as in the command's encoding
  input  logic [31:0] signal_i [2],
  input  logic [63:0] base_i,
  input  logic [31:0] run_i,
  input  logic        merge_i,
  input  logic [31:0] count_i [4],
  input  logic [63:0] stride_i [4],
  input  logic [31:0] rows_i,
  input  logic [31:0] local_base_i,
  input  logic [31:0] local_pitch_i,
  input  logic        accumulators_i,
  input  logic [1:0]  conversion_i,
  input  logic        relu_i,
  input  logic        scale_per_column_i,
  input  logic [31:0] scale_i,
  input  logic [31:0] scale_line_i,

  // Semaphores.
  output logic [1:0]  wait_valid_o,
  output logic [31:0] wait_o [2],
  input  logic [1:0]  wait_grant_i,
  output logic [1:0]  signal_valid_o,
  output logic [31:0] signal_o [2],
  input  logic [1:0]  signal_ready_i,
  input  logic [1:0]  signal_overflow_i,

  // Report.
  output logic        report_valid_o,
  output logic [31:0] report_index_o,
  output logic        report_record_o,
  output logic [7:0]  report_unit_o,
  output logic [7:0]  report_opcode_o,
  output logic [7:0]  report_state_o,
  output logic [7:0]  report_cause_o,
  output logic [63:0] report_address_o,
  output logic [63:0] report_start_o,
  input  logic        report_ready_i,

  // Control.
  input  logic [63:0] cycle_i,
  input  logic        halt_i,
  input  logic        abandon_i,
  input  logic        flush_i,
  output logic        busy_o,
  output logic        owed_o,
  output logic [63:0] owed_address_o,
  output logic [31:0] owed_index_o,
  output logic        blocked_o,
  output logic        fault_o,

  // Scratchpad.
  output logic        scratchpad_read_valid_o,
  input  logic        scratchpad_permit_i,

  // AXI.
  output logic        aw_valid_o,
  output logic [63:0] aw_address_o,
  output logic [8:0]  aw_beats_o,
  input  logic        aw_ready_i,
  output logic        w_valid_o,
  output logic [31:0] w_data_o [BusBytes/4],
  output logic [63:0] w_strobe_o,
  output logic        w_last_o,
  input  logic        w_ready_i,
  input  logic        b_valid_i,
  input  logic        b_error_i,
  output logic        b_ready_o
);

  assign cols_o               = Cols;
  assign bus_bytes_o          = BusBytes;
  assign line_bytes_o         = LineBytes;
  assign lines_o              = ScratchpadLines;
  assign accumulator_rows_o   = AccumulatorRows;
  assign max_burst_beats_o    = MaxBurstBeats;
  assign writes_outstanding_o = WritesOutstanding;
  assign drain_lanes_o        = DrainLanes;
  assign memory_latency_o     = MemoryLatency;
  assign address_width_o      = AddressWidth;

  function automatic sync_t decode_sync(logic [31:0] word);
    return '{by_rows: word[29], rows_log2: word[28:24],
             semaphore_index: word[16+:SemaphoreWidth], count: word[15:0]};
  endfunction

  function automatic logic [31:0] encode_sync(sync_t sync);
    return {2'b0, sync.by_rows, sync.rows_log2, 8'(sync.semaphore_index), sync.count};
  endfunction

  // ---- structures ----
  store_command_t command;
  report_t report;
  sync_t [1:0] waits, signals;
  bus_data_t w_data;

  always_comb begin
    command = '0;
    command.header.index = index_i;
    command.header.record = index_i[0];
    command.header.opcode = command_pkg::OpcodeStore;
    for (int unsigned i = 0; i < 2; i++) begin
      command.header.waits[i] = decode_sync(wait_i[i]);
      command.header.signals[i] = decode_sync(signal_i[i]);
    end
    command.transfer.base = AddressWidth'(base_i);
    command.transfer.run = RunWidth'(run_i);
    command.transfer.merge = merge_i;
    command.transfer.merged_run = run_i * count_i[0];
    for (int unsigned i = 0; i < 4; i++) begin
      command.transfer.count[i] = RowsWidth'(count_i[i]);
      command.transfer.stride[i] = AddressWidth'(stride_i[i]);
    end
    command.transfer.rows = RowsWidth'(rows_i);
    command.transfer.local_base = LocalWidth'(local_base_i);
    command.transfer.local_pitch = LocalWidth'(local_pitch_i);
    command.accumulators = accumulators_i;
    command.conversion = conversion_i;
    command.relu = relu_i;
    command.scale_per_column = scale_per_column_i;
    command.scale = scale_i;
    command.scale_line = LocalWidth'(scale_line_i);
  end

  always_comb begin
    for (int unsigned i = 0; i < 2; i++) begin
      wait_o[i] = encode_sync(waits[i]);
      signal_o[i] = encode_sync(signals[i]);
    end
    for (int unsigned i = 0; i < BusBytes / 4; i++) w_data_o[i] = w_data[32*i+:32];
  end

  assign report_index_o   = report.index;
  assign report_record_o  = report.record;
  assign report_unit_o    = report.unit;
  assign report_opcode_o  = report.opcode;
  assign report_state_o   = report.state;
  assign report_cause_o   = report.cause;
  assign report_address_o = report.address;
  assign report_start_o   = 64'(report.start);

  // ---- local memories ----
  line_t scratchpad [ScratchpadLines];
  logic [32*Cols-1:0] accumulators [AccumulatorRows];
  logic [1:0] tags [AccumulatorRows];
  logic wrong_lines [ScratchpadLines];
  logic wrong_rows [AccumulatorRows];

  logic drain_read_valid, scratchpad_read_grant;
  accumulator_index_t drain_read_row;
  line_index_t scratchpad_read_line;
  logic [32*Cols-1:0] drain_pipe_q [MemoryLatency];
  logic [1:0] tag_pipe_q [MemoryLatency];
  line_t line_pipe_q [MemoryLatency];
  logic row_error_q [MemoryLatency];
  logic line_error_q [MemoryLatency];
  logic [31:0] noise_q;
  word_t drain_read_data [Cols];

  assign scratchpad_read_grant = scratchpad_read_valid_o && scratchpad_permit_i;

  always_ff @(posedge clk_i) begin
    if (poke_valid_i && poke_space_i == 2'd0) begin
      scratchpad[LineIndexWidth'(poke_index_i)][32*poke_word_i[15:0]+:32] <= poke_data_i;
    end
    if (poke_valid_i && poke_space_i == 2'd1) begin
      accumulators[AccumulatorIndexWidth'(poke_index_i)][32*poke_word_i[15:0]+:32] <= poke_data_i;
    end
    if (poke_valid_i && poke_space_i == 2'd2) begin
      tags[AccumulatorIndexWidth'(poke_index_i)] <= poke_data_i[1:0];
    end
    if (poke_valid_i && poke_space_i == 2'd3) begin
      if (poke_word_i == '0) wrong_lines[LineIndexWidth'(poke_index_i)] <= poke_data_i[0];
      else wrong_rows[AccumulatorIndexWidth'(poke_index_i)] <= poke_data_i[0];
    end
    noise_q <= noise_q * 32'd1664525 + 32'd1013904223;
    drain_pipe_q[0] <= drain_read_valid ? accumulators[drain_read_row] : {Cols{noise_q}};
    tag_pipe_q[0] <= drain_read_valid ? tags[drain_read_row] : noise_q[31:30];
    line_pipe_q[0] <= scratchpad_read_grant ? scratchpad[scratchpad_read_line]
                                            : {(LineBytes/4){noise_q}};
    row_error_q[0] <= drain_read_valid ? wrong_rows[drain_read_row] : noise_q[29];
    line_error_q[0] <= scratchpad_read_grant ? wrong_lines[scratchpad_read_line] : noise_q[28];
  end

  if (MemoryLatency == 2) begin : gen_second
    always_ff @(posedge clk_i) begin
      drain_pipe_q[1] <= drain_pipe_q[0];
      tag_pipe_q[1] <= tag_pipe_q[0];
      line_pipe_q[1] <= line_pipe_q[0];
      row_error_q[1] <= row_error_q[0];
      line_error_q[1] <= line_error_q[0];
    end
  end

  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) begin
      drain_read_data[c] = drain_pipe_q[MemoryLatency-1][32*c+:32];
    end
  end

  address_t aw_address, owed_address;
  bus_strobe_t w_strobe;
  assign aw_address_o = 64'(aw_address);
  assign owed_address_o = 64'(owed_address);
  assign w_strobe_o = 64'(w_strobe);

  store_unit u_store (
    .clk_i, .rst_ni,
    .command_valid_i, .command_i(command), .command_ready_o,
    .wait_valid_o, .wait_o(waits), .wait_grant_i, .signal_valid_o, .signal_o(signals),
    .signal_ready_i, .signal_overflow_i, .report_valid_o, .report_o(report), .report_ready_i,
    .cycle_i(cycle_i[TimeWidth-1:0]), .halt_i, .abandon_i, .flush_i, .busy_o, .owed_o,
    .owed_address_o(owed_address), .owed_index_o, .blocked_o, .fault_o,
    .drain_read_valid_o(drain_read_valid), .drain_read_row_o(drain_read_row),
    .drain_read_data_i(drain_read_data), .drain_read_tag_i(tag_pipe_q[MemoryLatency-1]),
    .drain_read_error_i(row_error_q[MemoryLatency-1]),
    .scratchpad_read_valid_o, .scratchpad_read_line_o(scratchpad_read_line),
    .scratchpad_read_grant_i(scratchpad_read_grant),
    .scratchpad_read_data_i(line_pipe_q[MemoryLatency-1]),
    .scratchpad_read_error_i(line_error_q[MemoryLatency-1]),
    .aw_valid_o, .aw_address_o(aw_address), .aw_beats_o, .aw_ready_i,
    .w_valid_o, .w_data_o(w_data), .w_strobe_o(w_strobe), .w_last_o, .w_ready_i,
    .b_valid_i, .b_error_i, .b_ready_o
  );

endmodule

`default_nettype wire
