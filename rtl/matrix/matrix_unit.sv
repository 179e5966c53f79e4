// Matrix unit: products of scratchpad blocks into the accumulators on the systolic array.
//
//   command -> wait gates -> pass_walker -> stationary_loader ------------> array (shadow)
//                                 |                                            |
//               (reentry_table) row_walker -> issue -> scratchpad (A) ------> array
//                                                                              |
//                 reports, signals <- command_tracker <- visible rows <- accumulators
//
// A command's passes are walked one ahead of the rows: as soon as a pass's first row has swapped
// its stationary block in, the next pass's block, of this command or the next one, is loaded behind
// the wave. One row issues a cycle when the waits allow it, its previous partial sum is written,
// its stationary block is in time, the scratchpad grants its read and no hole is asked for; from
// its issue on everything has fixed distances (`matrix_pkg`), so one shift register of issue bits
// times the unit.
//
// Unit contract, array and memory ports: docs/architecture.md. Wait units of the next command are
// asked for only once the current one has all of its own. A pass's stationary block is read only
// once its first row is allowed. A command that meets a fault (a type tag, a line or row that was
// read wrong) stops issuing; what is in the array is still written, but a row that a fault went
// into is not visible yet when the fault is known, so no signal tells of it.
`include "systolith_assert.svh"
`default_nettype none

module matrix_unit
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
  import matrix_pkg::*;
(
  input  logic            clk_i,
  input  logic            rst_ni,
  // commands
  input  logic            command_valid_i,
  input  matrix_command_t command_i,
  output logic            command_ready_o,
  // semaphores
  output logic [1:0]      wait_valid_o,
  output sync_t [1:0]     wait_o,
  input  logic [1:0]      wait_grant_i,
  output logic [1:0]      signal_valid_o,
  output sync_t [1:0]     signal_o,
  input  logic [1:0]      signal_ready_i,
  input  logic [1:0]      signal_overflow_i,
  // reports
  output logic            report_valid_o,
  output report_t         report_o,
  input  logic            report_ready_i,
  // control
  input  cycle_t          cycle_i,
  input  logic            halt_i,
  input  logic            abandon_i,
  input  logic            flush_i,
  output logic            busy_o,
  output logic            owed_o,
  output logic            blocked_o,
  output logic            fault_o,
  // scratchpad
  output logic            operand_read_valid_o,
  output line_index_t     operand_read_line_o,
  input  logic            operand_read_grant_i,
  input  line_t           operand_read_data_i,
  input  logic            operand_read_error_i,
  output logic            stationary_read_valid_o,
  output line_index_t     stationary_read_line_o,
  input  logic            stationary_read_grant_i,
  input  line_t           stationary_read_data_i,
  input  logic            stationary_read_error_i,
  // accumulators
  output logic               accumulator_read_valid_o,
  output accumulator_index_t accumulator_read_row_o,
  input  word_t              accumulator_read_data_i [Cols],
  input  logic [1:0]         accumulator_read_tag_i,
  input  logic               accumulator_read_tag_error_i,
  input  logic               accumulator_read_error_i,       // with the last column's data
  input  accumulator_index_t accumulator_read_error_row_i,
  output logic               accumulator_write_valid_o,
  output accumulator_index_t accumulator_write_row_o,
  output logic [1:0]         accumulator_write_tag_o,
  output word_t              accumulator_write_data_o [Cols],
  input  logic               accumulator_hole_i,
  // counters; of the lost ones exactly one with has_command_o and no issue
  output logic                      issue_o,
  output logic [15:0]               issue_lanes_o,
  output logic [15:0]               issue_columns_o,
  output logic                      has_command_o,
  output logic                      in_flight_o,
  output logic                      lost_wait_o,
  output logic [SemaphoreWidth-1:0] lost_wait_semaphore_o,
  output logic                      lost_reentry_o,
  output logic                      lost_fill_o
);

  if (SumOffset < 1) begin : gen_bad_offset
    $error("matrix_unit: SumOffset must be at least 1");
  end

  logic clear;                 // forget what has not issued
  logic stopped;               // a command ended early
  assign clear = flush_i || stopped;

  // ---- command: taken, rows counted, gates, start ----
  typedef enum logic [1:0] {Empty, Product, Gates, Running} state_e;

  state_e state_q, state_d;
  matrix_command_t command_q;
  logic [31:0] area_q, area_d;       // blocks x strips
  logic [31:0] rows_q, rows_d;       // all rows of the command
  logic asked_q, asked_d;            // its gates have been started
  // The gates' command: the held one or, until that one's gates start, the one before it.
  sync_t [1:0] gate_waits_q;
  logic [31:0] gate_rows_q;
  logic gate_running_q, gate_running_d;   // it has started
  slot_t gate_slot_q, gate_slot_d;

  logic command_take, gate_start, gate_clear, command_start, pass_next;
  logic [1:0] gate_asking;
  logic [32:0] allowed [2];
  slot_t slot;
  logic tracker_full;
  pass_t pass;
  logic pass_valid;

  assign command_ready_o = (state_q == Empty) && !halt_i && !clear;
  assign command_take = command_valid_i && command_ready_o;
  assign gate_start = (state_q == Gates) && !asked_q && gate_asking == '0;
  assign command_start = (state_q == Gates) && asked_q && allowed[0] != '0 && allowed[1] != '0 &&
      !halt_i && !clear && !tracker_full;

  always_comb begin
    state_d = state_q;
    area_d = area_q;
    rows_d = rows_q;
    asked_d = asked_q;
    gate_running_d = gate_running_q;
    gate_slot_d = gate_slot_q;
    gate_clear = clear;
    unique case (state_q)
      Empty: begin
        asked_d = 1'b0;
        if (command_take) begin
          state_d = Product;
          area_d = 32'(command_i.blocks) * 32'(command_i.strips);
        end
      end
      Product: begin
        state_d = Gates;
        rows_d = area_q * 32'(command_q.m);
      end
      Gates: begin
        if (gate_start) begin
          asked_d = 1'b1;
          gate_running_d = 1'b0;
        end
        if (command_start) begin
          state_d = Running;
          gate_running_d = 1'b1;
          gate_slot_d = slot;
        end
      end
      Running: begin
        if (pass_next && pass.last) state_d = Empty;
      end
    endcase
    if (halt_i && (state_q == Product || state_q == Gates)) begin
      state_d = Empty;
      gate_clear = clear || asked_q;
    end
    if (clear) begin
      state_d = Empty;
      gate_running_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Empty;
      area_q <= '0;
      rows_q <= '0;
      asked_q <= 1'b0;
      gate_running_q <= 1'b0;
      gate_slot_q <= '0;
    end else begin
      state_q <= state_d;
      area_q <= area_d;
      rows_q <= rows_d;
      asked_q <= asked_d;
      gate_running_q <= gate_running_d;
      gate_slot_q <= gate_slot_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (command_take) command_q <= command_i;
    if (gate_start) begin
      gate_waits_q <= command_q.header.waits;
      gate_rows_q <= rows_q;
    end
  end

  for (genvar w = 0; w < 2; w++) begin : gen_wait
    wait_gate u_gate (
      .clk_i, .rst_ni,
      .start_i(gate_start), .clear_i(gate_clear),
      .sync_i(gate_start ? command_q.header.waits[w] : gate_waits_q[w]),
      .rows_i(gate_start ? rows_q : gate_rows_q),
      .allowed_o(allowed[w]), .asking_o(gate_asking[w]),
      .wait_valid_o(wait_valid_o[w]), .wait_o(wait_o[w]), .wait_grant_i(wait_grant_i[w])
    );
  end

  // ---- passes: load of the stationary block, then to the row walker ----
  logic loader_ready, loader_in_time, loader_busy;
  logic [1:0] pass_refused;          // by a gate; the pass's command owns the gates
  logic pending_valid_q, pending_valid_d;
  pass_t pending_q;                  // its load has started, the row walker is busy
  logic rows_pass_ready;

  pass_walker u_pass_walker (
    .clk_i, .rst_ni,
    .start_i(command_start), .clear_i(clear), .command_i(command_q), .slot_i(slot),
    .valid_o(pass_valid), .pass_o(pass), .next_i(pass_next)
  );

  assign pass_refused[0] = {1'b0, pass.first_row} >= allowed[0];
  assign pass_refused[1] = {1'b0, pass.first_row} >= allowed[1];
  assign pass_next = pass_valid && pass_refused == '0 && loader_ready && !clear;

  always_comb begin
    pending_valid_d = !rows_pass_ready && (pending_valid_q || pass_next);
    if (clear) pending_valid_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) pending_valid_q <= 1'b0;
    else pending_valid_q <= pending_valid_d;
  end

  always_ff @(posedge clk_i) begin
    if (pass_next) pending_q <= pass;
  end

  // ---- rows ----
  logic row_valid, table_stall, walker_busy;
  row_t row;
  sequence_t written_q, written_d;   // rows numbered below may be read by a row that issues now

  row_walker u_row_walker (
    .clk_i, .rst_ni, .clear_i(clear),
    .pass_valid_i(pending_valid_q || pass_next), .pass_i(pending_valid_q ? pending_q : pass),
    .pass_ready_o(rows_pass_ready),
    .row_valid_o(row_valid), .row_o(row), .row_ready_i(issue_o),
    .written_i(written_q), .stall_table_o(table_stall), .busy_o(walker_busy)
  );

  // ---- issue ----
  logic [1:0] row_refused;           // by a gate
  logic row_gated, reentry;
  sequence_t ahead;

  // Rows of a command that no longer owns the gates are all allowed.
  assign row_gated = gate_running_q && row.slot == gate_slot_q;
  assign row_refused[0] = row_gated && {1'b0, row.number} >= allowed[0];
  assign row_refused[1] = row_gated && {1'b0, row.number} >= allowed[1];
  assign ahead = row.needs - written_q;
  assign reentry = row.depends && !ahead[SequenceWidth-1];

  assign operand_read_valid_o = row_valid && row_refused == '0 && !reentry &&
      (!row.swap || loader_in_time) && !accumulator_hole_i && !clear;
  assign operand_read_line_o = row.a_line;
  assign issue_o = operand_read_valid_o && operand_read_grant_i;
  assign issue_lanes_o = row.k_valid;
  assign issue_columns_o = row.columns;

  // Bit i: a row issued i + 1 cycles ago.
  localparam int unsigned HistoryWidth = IssueToVisible - 1;
  logic [HistoryWidth-1:0] history_q, history_d;
  assign history_d = flush_i ? '0 : HistoryWidth'({history_q, issue_o});
  assign written_d = flush_i ? '0 : written_q + SequenceWidth'(history_q[IssueToReissue-2]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      history_q <= '0;
      written_q <= '0;
    end else begin
      history_q <= history_d;
      written_q <= written_d;
    end
  end

  assign in_flight_o = (history_q != '0);

  // ---- operand: issue to array ----
  typedef struct packed {
    logic          valid;
    logic          int8;
    logic          swap;
    logic [15:0]   k_valid;
    operand_slot_t slot;
    slot_t         command;
    line_index_t   line;
  } operand_row_t;

  operand_row_t [MemoryLatency-1:0] operand_q;
  operand_row_t operand_issued, operand_row;
  always_comb begin
    operand_issued.valid = issue_o;
    operand_issued.int8 = row.int8;
    operand_issued.swap = row.swap;
    operand_issued.k_valid = row.k_valid;
    operand_issued.slot = row.a_slot;
    operand_issued.command = row.slot;
    operand_issued.line = row.a_line;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) operand_q <= '0;
    else operand_q <= ($bits(operand_row_t)*MemoryLatency)'({operand_q, operand_issued});
  end
  assign operand_row = operand_q[MemoryLatency-1];

  logic [OperandsPerLine-1:0][8*OperandBytes-1:0] operand_line;
  logic [8*OperandBytes-1:0] operand_bytes;
  operand_t operand [Rows];
  assign operand_line = operand_read_data_i;
  assign operand_bytes = operand_line[operand_row.slot];
  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) operand[r] = operand_bytes[16*r +: 16];
  end

  // ---- stationary operand ----
  logic stationary_valid, stationary_int8;
  logic [RowIndexWidth-1:0] stationary_row;
  operand_t stationary [Cols];
  fault_t stationary_fault;

  stationary_loader u_stationary_loader (
    .clk_i, .rst_ni, .clear_i(flush_i), .stop_i(stopped),
    .start_i(pass_next), .pass_i(pass), .ready_o(loader_ready),
    .swap_i(issue_o && row.swap), .in_time_o(loader_in_time), .busy_o(loader_busy),
    .read_valid_o(stationary_read_valid_o), .read_line_o(stationary_read_line_o),
    .read_data_i(stationary_read_data_i), .read_error_i(stationary_read_error_i),
    .stationary_valid_o(stationary_valid), .stationary_row_o(stationary_row),
    .stationary_o(stationary), .stationary_int8_o(stationary_int8), .fault_o(stationary_fault)
  );

  // ---- partial sums: the row's read, its tag and whether its chain starts from zero ----
  typedef struct packed {
    logic               read;    // continues a chain
    logic               int8;
    slot_t              slot;
    accumulator_index_t row;
  } sum_row_t;

  sum_row_t [IssueToTag-1:0] sum_q, sum_d;   // element i: issued i + 1 cycles ago
  sum_row_t sum_issued, sum_read, sum_row;
  always_comb begin
    sum_issued.read = issue_o && !row.seed_zero;
    sum_issued.int8 = row.int8;
    sum_issued.slot = row.slot;
    sum_issued.row = row.c_row;
    sum_d = ($bits(sum_row_t)*IssueToTag)'({sum_q, sum_issued});
    if (flush_i) sum_d = '0;
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) sum_q <= '0;
    else sum_q <= sum_d;
  end
  assign sum_read = sum_q[IssueToSumRead-1];   // its format and slot are used later
  assign sum_row = sum_q[IssueToTag-1];

  assign accumulator_read_valid_o = sum_read.read;
  assign accumulator_read_row_o = sum_read.row;

  function automatic logic [1:0] tag_of(logic int8);
    return int8 ? command_pkg::TagInt32 : command_pkg::TagFp32;
  endfunction

  // ---- faults of what was read ----
  fault_t tag_fault, sum_fault, operand_fault;
  slot_t [Cols-1:0] sum_slots, sum_slots_q;   // move along the columns with their rows

  assign sum_slots = ($bits(slot_t)*Cols)'({sum_slots_q, sum_row.slot});
  always_ff @(posedge clk_i) sum_slots_q <= sum_slots;

  always_comb begin
    tag_fault.valid = sum_row.read && !accumulator_read_tag_error_i &&
        accumulator_read_tag_i != command_pkg::TagNone &&
        accumulator_read_tag_i != tag_of(sum_row.int8);
    tag_fault.slot = sum_row.slot;
    tag_fault.cause = command_pkg::CauseTypeTag;
    tag_fault.address = 32'(sum_row.row);
    sum_fault.valid = accumulator_read_error_i;
    sum_fault.slot = sum_slots[Cols-1];
    sum_fault.cause = command_pkg::CauseMemory;
    sum_fault.address = 32'(accumulator_read_error_row_i);
    operand_fault.valid = operand_row.valid && operand_read_error_i;
    operand_fault.slot = operand_row.command;
    operand_fault.cause = command_pkg::CauseMemory;
    operand_fault.address = 32'(operand_row.line);
  end

  // A row's zero flag moves along the columns with it.
  logic [Cols-1:0] zero, zero_q;
  word_t sum [Cols];
  assign zero = Cols'({zero_q, !sum_row.read});
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) zero_q <= '0;
    else zero_q <= zero;
  end
  always_comb begin
    for (int unsigned c = 0; c < Cols; c++) sum[c] = zero[c] ? '0 : accumulator_read_data_i[c];
  end

  // ---- results: accumulator rows wait in order for the end of the array ----
  localparam int unsigned ResultIndexWidth = index_width(IssueToWrite);
  logic [AccumulatorIndexWidth:0] result_rows_q [1 << ResultIndexWidth];   // format, row
  logic [ResultIndexWidth-1:0] result_in_q, result_out_q;
  logic result_valid;
  assign result_valid = history_q[IssueToWrite-1];

  always_ff @(posedge clk_i) begin
    if (issue_o) result_rows_q[result_in_q] <= {row.int8, row.c_row};
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      result_in_q <= '0;
      result_out_q <= '0;
    end else if (flush_i) begin
      result_in_q <= '0;
      result_out_q <= '0;
    end else begin
      result_in_q <= result_in_q + ResultIndexWidth'(issue_o);
      result_out_q <= result_out_q + ResultIndexWidth'(result_valid);
    end
  end

  logic result_int8;
  assign {result_int8, accumulator_write_row_o} = result_rows_q[result_out_q];
  assign accumulator_write_valid_o = result_valid && !flush_i;
  assign accumulator_write_tag_o = tag_of(result_int8);

  logic unused_array_idle;   // issue bits say the same
  systolic_array u_array (
    .clk_i, .rst_ni,
    .operand_valid_i(operand_row.valid), .operand_i(operand), .int8_i(operand_row.int8),
    .k_valid_i(operand_row.k_valid), .swap_i(operand_row.swap),
    .sum_i(sum), .result_o(accumulator_write_data_o),
    .stationary_valid_i(stationary_valid), .stationary_row_i(stationary_row),
    .stationary_i(stationary), .stationary_int8_i(stationary_int8),
    .idle_o(unused_array_idle)
  );

  // ---- started commands ----
  logic abandon, tracker_busy, tracker_quiet;

  command_tracker #(.Faults(4)) u_tracker (
    .clk_i, .rst_ni, .clear_i(flush_i),
    .push_i(command_start), .push_header_i(command_q.header), .push_rows_i(rows_q),
    .push_start_i(cycle_i), .slot_o(slot), .full_o(tracker_full),
    .row_visible_i(history_q[HistoryWidth-1]), .drained_i(!in_flight_o),
    .faults_i({tag_fault, sum_fault, operand_fault, stationary_fault}),
    .abandon_i(abandon), .abandon_slot_i(gate_slot_q), .stopped_o(stopped),
    .signal_valid_o, .signal_o, .signal_ready_i, .signal_overflow_i,
    .report_valid_o, .report_o, .report_ready_i,
    .busy_o(tracker_busy), .quiet_o(tracker_quiet)
  );

  // ---- state and counters ----
  logic wait_row, wait_pass, wait_start;   // what the next row waits for, if it is a semaphore
  logic refused_first;                     // by wait 0

  always_comb begin
    wait_row = row_valid && row_refused != '0;
    wait_pass = !walker_busy && !pending_valid_q && pass_valid && pass_refused != '0;
    wait_start = !walker_busy && !pending_valid_q && !pass_valid &&
        state_q == Gates && asked_q && (allowed[0] == '0 || allowed[1] == '0);
    refused_first = wait_row ? row_refused[0] : wait_pass ? pass_refused[0] : allowed[0] == '0;
  end

  assign has_command_o = (state_q != Empty) || pending_valid_q || walker_busy;
  assign lost_wait_o = has_command_o && !issue_o && (wait_row || wait_pass || wait_start);
  assign lost_wait_semaphore_o = refused_first ? gate_waits_q[0].semaphore_index
                                            : gate_waits_q[1].semaphore_index;
  assign lost_reentry_o = has_command_o && !issue_o && !lost_wait_o &&
      (row_valid ? reentry : table_stall);
  assign lost_fill_o = has_command_o && !issue_o && !lost_wait_o && !lost_reentry_o;

  assign abandon = halt_i && abandon_i && (wait_row || wait_pass);
  assign busy_o = has_command_o || tracker_busy;
  assign owed_o = 1'b0;
  assign fault_o = stopped;
  assign blocked_o = lost_wait_o && !in_flight_o && !loader_busy && tracker_quiet;

  logic unused;
  assign unused = ^sum_read;

  `ASSERT(StationaryReadsAlwaysGranted, !stationary_read_valid_o || stationary_read_grant_i)
  `ASSERT(PendingPassKept, !(pass_next && pending_valid_q))
  `ASSERT(ReentryDistance, IssueToReissue >= 2)

endmodule

`default_nettype wire
