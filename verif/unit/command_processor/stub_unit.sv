// Stands in for a unit: keeps the unit contract with one command held, while the test decides pace, faults and debts.
//
// A command's rows pass one at a time, in cycles with `advance_i` and when both waits allow the row. With `fail_i` the
// next row fails the command, at its number with the bits of `fail_address_i` flipped. A failed command reports once
// `debt_i` has fallen.
`default_nettype none

module stub_unit
  import systolith_pkg::*;
  import command_pkg::*;
#(
  parameter logic [7:0] Unit = 8'd1
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        command_valid_i,
  input  header_t     header_i,
  input  logic [31:0] rows_i,
  output logic        command_ready_o,
  output logic [1:0]  wait_valid_o,
  output sync_t [1:0] wait_o,
  input  logic [1:0]  wait_grant_i,
  output logic [1:0]  signal_valid_o,
  output sync_t [1:0] signal_o,
  input  logic [1:0]  signal_ready_i,
  input  logic [1:0]  signal_overflow_i,
  output logic        report_valid_o,
  output report_t     report_o,
  input  logic        report_ready_i,
  input  cycle_t      cycle_i,
  input  logic        halt_i,
  input  logic        abandon_i,
  input  logic        flush_i,
  output logic        busy_o,
  output logic        blocked_o,
  output logic        fault_o,
  output logic [SemaphoreWidth-1:0] blocked_semaphore_o,

  // test
  input  logic        advance_i,
  input  logic        fail_i,
  input  logic        debt_i,
  input  logic [63:0] fail_address_i,
  output logic        started_o,       // pulse
  output logic [31:0] index_o
);

  typedef enum logic [2:0] { Free, Begin, Wait, Run, Pay, Report } state_e;
  state_e      state_q;
  header_t     header_q;
  logic [31:0] rows_q, row_q;
  logic [7:0]  result_q, cause_q;
  cycle_t      start_q;

  logic [1:0][32:0] allowed;
  logic [1:0]  asking, done, overflow;
  logic        allowed_now, row_done, clear;

  assign clear = flush_i || state_q == Free || state_q == Pay || state_q == Report;
  assign allowed_now = {1'b0, row_q} < allowed[0] && {1'b0, row_q} < allowed[1];
  assign row_done = state_q == Run && row_q != rows_q && allowed_now && advance_i && !fail_i;

  for (genvar g = 0; g < 2; g++) begin : gen_gates
    wait_gate u_wait (
      .clk_i, .rst_ni, .start_i(state_q == Begin), .clear_i(clear), .sync_i(header_q.waits[g]),
      .rows_i(rows_q), .allowed_o(allowed[g]), .asking_o(asking[g]),
      .wait_valid_o(wait_valid_o[g]), .wait_o(wait_o[g]), .wait_grant_i(wait_grant_i[g])
    );
    signal_gate u_signal (
      .clk_i, .rst_ni, .start_i(state_q == Begin), .clear_i(clear), .sync_i(header_q.signals[g]),
      .rows_i(rows_q), .rows_done_i(32'(row_done)), .done_o(done[g]), .overflow_o(overflow[g]),
      .signal_valid_o(signal_valid_o[g]), .signal_o(signal_o[g]), .signal_ready_i(signal_ready_i[g]),
      .signal_overflow_i(signal_overflow_i[g])
    );
  end

  assign command_ready_o = state_q == Free && !flush_i && !halt_i;
  assign busy_o = state_q != Free;
  assign blocked_o = (state_q == Wait || (state_q == Run && row_q != rows_q)) && !allowed_now &&
      wait_grant_i == '0;
  assign blocked_semaphore_o = (asking[1] && allowed[1] <= {1'b0, row_q} &&
                                !(asking[0] && allowed[0] <= {1'b0, row_q}))
      ? header_q.waits[1].semaphore_index : header_q.waits[0].semaphore_index;
  assign fault_o = (state_q == Pay || state_q == Report) && result_q == StateFailed && !flush_i;
  assign started_o = state_q == Wait && allowed_now && !halt_i && !flush_i;
  assign index_o = header_q.index;
  assign report_valid_o = state_q == Report && !flush_i;
  assign report_o = '{
    index: header_q.index, record: header_q.record, raise_irq: header_q.raise_irq, unit: Unit,
    opcode: header_q.opcode, state: result_q, cause: cause_q,
    address: (result_q == StateFailed) ? 64'(row_q) ^ fail_address_i : '0, start: start_q
  };

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Free;
      row_q <= '0;
    end else if (flush_i) begin
      state_q <= Free;
      row_q <= '0;
    end else begin
      unique case (state_q)
        Free: if (command_valid_i && command_ready_o) state_q <= Begin;
        Begin: begin
          row_q <= '0;
          state_q <= Wait;
        end
        Wait: begin
          if (halt_i) state_q <= Free;
          else if (allowed_now) state_q <= Run;
        end
        Run: begin
          if (overflow != '0) begin
            state_q <= Pay;
          end else if (row_q == rows_q) begin
            if (done == '1) state_q <= Report;
          end else if (allowed_now) begin
            if (advance_i && fail_i) state_q <= Pay;
            else if (advance_i) row_q <= row_q + 32'd1;
          end else if (halt_i && abandon_i) begin
            state_q <= Report;
          end
        end
        Pay: if (!debt_i) state_q <= Report;
        default: if (report_ready_i) state_q <= Free;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == Free) begin
      header_q <= header_i;
      rows_q <= rows_i;
    end
    if (started_o) start_q <= cycle_i;
    if (state_q == Run) begin
      result_q <= StateCompleted;
      cause_q <= CauseNone;
      if (overflow != '0) begin
        result_q <= StateFailed;
        cause_q <= CauseSemaphoreOverflow;
      end else if (row_q != rows_q && allowed_now && advance_i && fail_i) begin
        result_q <= StateFailed;
        cause_q <= CauseTypeTag;
      end else if (row_q != rows_q && !allowed_now) begin
        result_q <= StateAborted;
        cause_q <= CauseAborted;
      end
    end
  end

endmodule

`default_nettype wire
