// store_unit keeps the rules of AXI4 on its write channels, for any command that decode passes (raw lines of the scratchpad
// and raw rows of the accumulators, of small counts), any semaphores, back-pressure, errors, halt and queue reset.
`include "systolith_assert.svh"
`default_nettype none

module store_unit_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic               clk_i,
  // command
  input logic               command_valid_i,
  input sync_t [1:0]        waits_i,
  input sync_t [1:0]        signals_i,
  input address_t           base_i,
  input logic [7:0]         run_i,
  input logic               merge_i,
  input logic [3:0][1:0]    count_i,
  input address_t [3:0]     stride_i,
  input logic               accumulators_i,
  // semaphores, report, control
  input logic [1:0]         grant_i,
  input logic [1:0]         signal_ready_i,
  input logic [1:0]         overflow_i,
  input logic               report_ready_i,
  input logic               halt_i,
  input logic               abandon_i,
  input logic               flush_i,
  // local memories
  input logic [32*Cols-1:0] row_i,
  input logic [1:0]         row_tag_i,
  input logic               row_error_i,
  input logic               line_error_i,
  input line_t              line_i,
  input logic               line_grant_i,
  // memory system
  input logic               aw_ready_i,
  input logic               w_ready_i,
  input logic               b_valid_i,
  input logic               b_error_i
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  // ---- command, as decode passes it on ----
  store_command_t command;
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
  logic halt_q, flush_q, halt, flush, owed, line_valid;
  word_t row [Cols];

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

  for (genvar c = 0; c < Cols; c++) begin : gen_row
    assign row[c] = row_i[32*c+:32];
  end

  logic aw_valid, w_valid, w_last, b_ready;
  address_t aw_address;
  logic [8:0] aw_beats;
  bus_data_t w_data;
  bus_strobe_t w_strobe;

  store_unit u_store (
    .clk_i, .rst_ni,
    .command_valid_i, .command_i(command), .command_ready_o(),
    .wait_valid_o(wait_valid), .wait_o(), .wait_grant_i(grant_i & wait_valid),
    .signal_valid_o(signal_valid), .signal_o(), .signal_ready_i(signal_ready_i & signal_valid),
    .signal_overflow_i(overflow_i & signal_ready_i & signal_valid),
    .report_valid_o(), .report_o(), .report_ready_i,
    .cycle_i('0), .halt_i(halt), .abandon_i(abandon_i && halt), .flush_i(flush),
    .busy_o(), .owed_o(owed), .owed_address_o(), .owed_index_o(), .blocked_o(), .fault_o(),
    .drain_read_valid_o(), .drain_read_row_o(), .drain_read_data_i(row), .drain_read_tag_i(row_tag_i),
    .drain_read_error_i(row_error_i), .scratchpad_read_error_i(line_error_i),
    .scratchpad_read_valid_o(line_valid), .scratchpad_read_line_o(),
    .scratchpad_read_grant_i(line_grant_i && line_valid), .scratchpad_read_data_i(line_i),
    .aw_valid_o(aw_valid), .aw_address_o(aw_address), .aw_beats_o(aw_beats), .aw_ready_i,
    .w_valid_o(w_valid), .w_data_o(w_data), .w_strobe_o(w_strobe), .w_last_o(w_last), .w_ready_i,
    .b_valid_i, .b_error_i, .b_ready_o(b_ready)
  );

  logic write_done, write_id;

  axi_manager #(
    .BusBytes(BusBytes), .AddressWidth(AddressWidth), .MaxBurstBeats(MaxBurstBeats),
    .Reads(1), .Writes(WritesOutstanding)
  ) u_manager (
    .clk_i, .rst_ni,
    .ar_valid_i('0), .ar_ready_i('0), .ar_id_i('0), .ar_address_i('0), .ar_beats_i('0),
    .r_valid_i('0), .r_ready_i('0), .r_last_i('0),
    .aw_valid_i(aw_valid), .aw_ready_i, .aw_id_i('0), .aw_address_i(aw_address), .aw_beats_i(aw_beats),
    .w_valid_i(w_valid), .w_ready_i, .w_data_i(w_data), .w_strobe_i(w_strobe), .w_last_i(w_last),
    .b_valid_i, .b_ready_i(b_ready), .write_done_o(write_done), .write_id_o(write_id)
  );

  axi_subordinate #(.Bursts(1)) u_subordinate (
    .clk_i, .rst_ni,
    .ar_valid_i('0), .ar_ready_i('0), .ar_id_i('0), .ar_beats_i('0),
    .r_valid_i('0), .r_ready_i('0), .r_id_i('0), .r_error_i('0), .r_last_i('0),
    .aw_valid_i(aw_valid), .aw_ready_i, .aw_id_i('0), .write_done_i(write_done), .write_id_i(write_id),
    .b_valid_i, .b_ready_i(b_ready), .b_id_i('0), .b_error_i
  );

endmodule

`default_nettype wire
