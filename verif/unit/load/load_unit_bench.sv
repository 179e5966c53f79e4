// load_unit with plain ports of fixed width, for the tests beside it.
`default_nettype none

module load_unit_bench
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
    input  logic              clk_i,
    input  logic              rst_ni,

    // command; a sync is by_rows [29], rows_log2 [28:24], semaphore [23:16], count [15:0]
    input  logic              command_valid_i,
    input  logic [31:0]       index_i,
    input  logic              record_i,
    input  logic              raise_irq_i,
    input  logic [7:0]        opcode_i,
    input  logic [1:0][31:0]  waits_i,
    input  logic [1:0][31:0]  signals_i,
    input  logic [63:0]       base_i,
    input  logic [31:0]       run_i,
    input  logic              merge_i,
    input  logic [31:0]       merged_run_i,
    input  logic [3:0][31:0]  count_i,
    input  logic [3:0][63:0]  stride_i,
    input  logic [31:0]       rows_i,
    input  logic [31:0]       local_base_i,
    input  logic [31:0]       local_pitch_i,
    input  logic              accumulators_i,
    input  logic [1:0]        tag_i,
    output logic              command_ready_o,

    // semaphores
    output logic [1:0]        wait_valid_o,
    output logic [1:0][31:0]  wait_o,
    input  logic [1:0]        wait_grant_i,
    output logic [1:0]        signal_valid_o,
    output logic [1:0][31:0]  signal_o,
    input  logic [1:0]        signal_ready_i,
    input  logic [1:0]        signal_overflow_i,

    // report
    output logic              report_valid_o,
    output logic [31:0]       report_index_o,
    output logic              report_record_o,
    output logic              report_raise_irq_o,
    output logic [7:0]        report_unit_o,
    output logic [7:0]        report_opcode_o,
    output logic [7:0]        report_state_o,
    output logic [7:0]        report_cause_o,
    output logic [63:0]       report_address_o,
    output logic [63:0]       report_start_o,
    input  logic              report_ready_i,

    // control
    input  logic [63:0]       cycle_i,
    input  logic              halt_i,
    input  logic              abandon_i,
    input  logic              flush_i,
    output logic              busy_o,
    output logic              owed_o,
    output logic [63:0]       owed_address_o,
    output logic [31:0]       owed_index_o,
    output logic              beat_o,
    output logic              dropped_beats_o,
    output logic              blocked_o,
    output logic              fault_o,

    // local memories
    output logic              scratchpad_write_valid_o,
    output logic [31:0]       scratchpad_write_line_o,
    output logic [31:0]       scratchpad_write_word_o,
    output logic [511:0]      scratchpad_write_data_o,
    output logic [63:0]       scratchpad_write_strobe_o,
    output logic              accumulator_write_valid_o,
    input  logic              accumulator_write_ready_i,
    output logic [31:0]       accumulator_write_row_o,
    output logic [31:0]       accumulator_write_word_o,
    output logic [511:0]      accumulator_write_data_o,
    output logic [15:0]       accumulator_write_strobe_o,
    output logic [1:0]        accumulator_write_tag_o,

    // AXI read channels
    output logic              ar_valid_o,
    output logic [63:0]       ar_address_o,
    output logic [8:0]        ar_beats_o,
    input  logic              ar_ready_i,
    input  logic              r_valid_i,
    input  logic [511:0]      r_data_i,
    input  logic              r_error_i,
    input  logic              r_last_i,
    output logic              r_ready_o,

    // configuration of this build
    output logic [31:0]       bus_bytes_o,
    output logic [31:0]       max_burst_beats_o,
    output logic [31:0]       address_width_o,
    output logic [31:0]       reads_outstanding_o,
    output logic [31:0]       line_bytes_o,
    output logic [31:0]       scratchpad_lines_o,
    output logic [31:0]       accumulator_rows_o,
    output logic [31:0]       columns_o
);

  function automatic sync_t sync_of(logic [31:0] bits);
    sync_t s;
    s.by_rows         = |bits[31:29];
    s.rows_log2       = bits[28:24];
    s.semaphore_index = SemaphoreWidth'(bits[23:16]);
    s.count           = bits[15:0];
    return s;
  endfunction

  function automatic logic [31:0] bits_of(sync_t s);
    return {2'b0, s.by_rows, s.rows_log2, 8'(s.semaphore_index), s.count};
  endfunction

  load_command_t command;
  sync_t [1:0] waits, signals;
  report_t report;
  address_t owed_address, ar_address;
  line_index_t line;
  logic [WordIndexWidth-1:0] word;
  bus_data_t data, accumulator_data;
  bus_strobe_t strobe;
  accumulator_index_t row;
  logic [AccumulatorWordWidth-1:0] accumulator_word;
  logic [ColumnsPerWord-1:0] accumulator_strobe;
  logic unused_high_bits;

  always_comb begin
    command.header.index         = index_i;
    command.header.record        = record_i;
    command.header.raise_irq     = raise_irq_i;
    command.header.opcode        = opcode_i;
    command.transfer.base        = AddressWidth'(base_i);
    command.transfer.run         = RunWidth'(run_i);
    command.transfer.merge       = merge_i;
    command.transfer.merged_run  = merged_run_i;
    command.transfer.rows        = RowsWidth'(rows_i);
    command.transfer.local_base  = LocalWidth'(local_base_i);
    command.transfer.local_pitch = LocalWidth'(local_pitch_i);
    command.accumulators         = accumulators_i;
    command.tag                  = tag_i;
    for (int unsigned i = 0; i < 2; i++) begin
      command.header.waits[i]   = sync_of(waits_i[i]);
      command.header.signals[i] = sync_of(signals_i[i]);
      wait_o[i]                 = bits_of(waits[i]);
      signal_o[i]               = bits_of(signals[i]);
    end
    for (int unsigned i = 0; i < 4; i++) begin
      command.transfer.count[i]  = RowsWidth'(count_i[i]);
      command.transfer.stride[i] = AddressWidth'(stride_i[i]);
    end
  end

  assign unused_high_bits = ^{waits_i, signals_i, base_i, run_i, rows_i, count_i, stride_i,
                              local_base_i, local_pitch_i, cycle_i, r_data_i};

  load_unit u_load (
      .command_i                 (command),
      .wait_o                    (waits),
      .signal_o                  (signals),
      .report_o                  (report),
      .cycle_i                   (TimeWidth'(cycle_i)),
      .owed_address_o            (owed_address),
      .owed_index_o,
      .scratchpad_write_line_o   (line),
      .scratchpad_write_word_o   (word),
      .scratchpad_write_data_o   (data),
      .scratchpad_write_strobe_o (strobe),
      .accumulator_write_row_o   (row),
      .accumulator_write_word_o  (accumulator_word),
      .accumulator_write_data_o  (accumulator_data),
      .accumulator_write_strobe_o(accumulator_strobe),
      .ar_address_o              (ar_address),
      .r_data_i                  ((8 * BusBytes)'(r_data_i)),
      .*
  );

  assign report_index_o     = report.index;
  assign report_record_o    = report.record;
  assign report_raise_irq_o = report.raise_irq;
  assign report_unit_o      = report.unit;
  assign report_opcode_o    = report.opcode;
  assign report_state_o     = report.state;
  assign report_cause_o     = report.cause;
  assign report_address_o   = report.address;
  assign report_start_o     = 64'(report.start);

  assign owed_address_o             = 64'(owed_address);
  assign ar_address_o               = 64'(ar_address);
  assign scratchpad_write_line_o    = 32'(line);
  assign scratchpad_write_word_o    = 32'(word);
  assign scratchpad_write_data_o    = 512'(data);
  assign scratchpad_write_strobe_o  = 64'(strobe);
  assign accumulator_write_row_o    = 32'(row);
  assign accumulator_write_word_o   = 32'(accumulator_word);
  assign accumulator_write_data_o   = 512'(accumulator_data);
  assign accumulator_write_strobe_o = 16'(accumulator_strobe);

  assign bus_bytes_o         = BusBytes;
  assign max_burst_beats_o   = MaxBurstBeats;
  assign address_width_o     = AddressWidth;
  assign reads_outstanding_o = ReadsOutstanding;
  assign line_bytes_o        = LineBytes;
  assign scratchpad_lines_o  = ScratchpadLines;
  assign accumulator_rows_o  = AccumulatorRows;
  assign columns_o           = Cols;

endmodule

`default_nettype wire
