// load_unit keeps the rules of AXI4 on its read channels, for any command that decode passes (of small counts), any
// semaphores, back-pressure, errors, halt and queue reset.
`include "systolith_assert.svh"
`default_nettype none

module load_unit_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic            clk_i,
  // command
  input logic            command_valid_i,
  input sync_t [1:0]     waits_i,
  input sync_t [1:0]     signals_i,
  input address_t        base_i,
  input logic [7:0]      run_i,
  input logic            merge_i,
  input logic [3:0][1:0] count_i,
  input address_t [3:0]  stride_i,
  input logic            accumulators_i,
  // semaphores, report, control
  input logic [1:0]      grant_i,
  input logic [1:0]      signal_ready_i,
  input logic [1:0]      overflow_i,
  input logic            report_ready_i,
  input logic            halt_i,
  input logic            abandon_i,
  input logic            flush_i,
  input logic            accumulator_ready_i,
  // memory system
  input logic            ar_ready_i,
  input logic            r_valid_i,
  input bus_data_t       r_data_i,
  input logic            r_error_i,
  input logic            r_last_i
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  // ---- command, as decode passes it on ----
  load_command_t command;
  always_comb begin
    command = '0;
    command.header.waits = waits_i;
    command.header.signals = signals_i;
    command.transfer.base = base_i;
    command.transfer.run = RunWidth'(run_i);
    command.transfer.merge = merge_i;
    command.transfer.merged_run = 32'(10'(run_i) * 10'(count_i[0]));
    for (int unsigned i = 0; i < 4; i++) command.transfer.count[i] = RowsWidth'(count_i[i]);
    command.transfer.stride = stride_i;
    command.transfer.rows = RowsWidth'(8'(4'(count_i[0]) * 4'(count_i[1])) * 8'(4'(count_i[2]) * 4'(count_i[3])));
    command.accumulators = accumulators_i;
    command.tag = {1'b0, accumulators_i};
  end

  `ASSUME(RunNotEmpty, run_i != '0)
  `ASSUME(RunFitsAccumulators, !accumulators_i || (32'(run_i) <= 4 * Cols && run_i[1:0] == '0))
  for (genvar i = 0; i < 4; i++) begin : gen_count
    `ASSUME(CountNotZero, count_i[i] != '0)
  end
  for (genvar i = 0; i < 2; i++) begin : gen_wait
    `ASSUME(NoRowWaitsInMergedRuns, !(merge_i && waits_i[i].by_rows && waits_i[i].count != '0))
  end

  // ---- what surrounds it ----
  logic [1:0] wait_valid, signal_valid;
  logic halt_q, flush_q, halt, flush, owed;

  // Levels: halt until the reset, the reset until nothing is owed.
  assign flush = flush_i || (flush_q && owed);
  assign halt = halt_i || (halt_q && !flush_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      halt_q <= 1'b0;
      flush_q <= 1'b0;
    end else begin
      halt_q <= halt;
      flush_q <= flush;
    end
  end

  logic ar_valid, r_ready;
  address_t ar_address;
  logic [8:0] ar_beats;

  load_unit u_load (
    .clk_i, .rst_ni,
    .command_valid_i, .command_i(command), .command_ready_o(),
    .wait_valid_o(wait_valid), .wait_o(), .wait_grant_i(grant_i & wait_valid),
    .signal_valid_o(signal_valid), .signal_o(), .signal_ready_i(signal_ready_i & signal_valid),
    .signal_overflow_i(overflow_i & signal_ready_i & signal_valid),
    .report_valid_o(), .report_o(), .report_ready_i,
    .cycle_i('0), .halt_i(halt), .abandon_i(abandon_i && halt), .flush_i(flush),
    .busy_o(), .owed_o(owed), .owed_address_o(), .owed_index_o(), .beat_o(), .dropped_beats_o(),
    .blocked_o(), .fault_o(),
    .scratchpad_write_valid_o(), .scratchpad_write_line_o(), .scratchpad_write_word_o(),
    .scratchpad_write_data_o(), .scratchpad_write_strobe_o(),
    .accumulator_write_valid_o(), .accumulator_write_ready_i(accumulator_ready_i),
    .accumulator_write_row_o(), .accumulator_write_word_o(), .accumulator_write_data_o(),
    .accumulator_write_strobe_o(), .accumulator_write_tag_o(),
    .ar_valid_o(ar_valid), .ar_address_o(ar_address), .ar_beats_o(ar_beats), .ar_ready_i,
    .r_valid_i, .r_data_i, .r_error_i, .r_last_i, .r_ready_o(r_ready)
  );

  axi_manager #(
    .BusBytes(BusBytes), .AddressWidth(AddressWidth), .MaxBurstBeats(MaxBurstBeats),
    .Reads(ReadsOutstanding), .Writes(1)
  ) u_manager (
    .clk_i, .rst_ni,
    .ar_valid_i(ar_valid), .ar_ready_i, .ar_id_i('0), .ar_address_i(ar_address), .ar_beats_i(ar_beats),
    .r_valid_i, .r_ready_i(r_ready), .r_last_i,
    .aw_valid_i('0), .aw_ready_i('0), .aw_id_i('0), .aw_address_i('0), .aw_beats_i('0),
    .w_valid_i('0), .w_ready_i('0), .w_data_i('0), .w_strobe_i('0), .w_last_i('0),
    .b_valid_i('0), .b_ready_i('0), .write_done_o(), .write_id_o()
  );

  axi_subordinate #(.Bursts(ReadsOutstanding)) u_subordinate (
    .clk_i, .rst_ni,
    .ar_valid_i(ar_valid), .ar_ready_i, .ar_id_i('0), .ar_beats_i(ar_beats),
    .r_valid_i, .r_ready_i(r_ready), .r_id_i('0), .r_error_i, .r_last_i,
    .aw_valid_i('0), .aw_ready_i('0), .aw_id_i('0), .write_done_i('0), .write_id_i('0),
    .b_valid_i('0), .b_ready_i('0), .b_id_i('0), .b_error_i('0)
  );

endmodule

`default_nettype wire
