// One signal of a command: turns finished rows into additions to its semaphore.
//
// `start_i` begins a command with `sync_i` and `rows_i`, which stay stable until the next start (the last
// command's signals must be done). `rows_done_i` says how many more rows became visible this cycle.
// Without `by_rows` one signal once all rows are done, with it one every 2^rows_log2 rows and one for a rest at the end.
//
// Latency: a signal is given in the cycle after the rows that complete it; one a cycle at most, so a burst
// of finished groups is worked off one a cycle. `done_o` is high from the cycle after the last signal.
`include "systolith_assert.svh"
`default_nettype none

module signal_gate
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // Command.
  input  logic        start_i,
  input  logic        clear_i,       // forget: nothing more is signalled
  input  sync_t       sync_i,
  input  logic [31:0] rows_i,
  input  logic [31:0] rows_done_i,   // rows that became visible this cycle
  output logic        done_o,        // every signal of the command was given
  output logic        overflow_o,    // pulse: the semaphore refused

  // Semaphores.
  output logic        signal_valid_o,
  output sync_t       signal_o,
  input  logic        signal_overflow_i
);

  logic        active_q, active_d;     // signals are still to be given
  logic [31:0] done_q, done_d;         // rows visible
  logic [32:0] given_q, given_d;       // rows signalled
  logic [32:0] group_end;
  logic        give;

  always_comb begin
    group_end = {1'b0, rows_i};
    if (sync_i.by_rows && given_q + (33'd1 << sync_i.rows_log2) < {1'b0, rows_i}) begin
      group_end = given_q + (33'd1 << sync_i.rows_log2);
    end
  end

  assign give = active_q && !start_i && !clear_i && ({1'b0, done_q} >= group_end);

  always_comb begin
    active_d = active_q;
    done_d = done_q + rows_done_i;
    given_d = given_q;
    if (give) begin
      given_d = group_end;
      active_d = (group_end != {1'b0, rows_i});
    end
    if (start_i) begin
      active_d = (sync_i.count != '0);
      done_d = rows_done_i;
      given_d = '0;
    end
    if (clear_i) active_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      done_q <= '0;
      given_q <= '0;
    end else begin
      active_q <= active_d;
      done_q <= done_d;
      given_q <= given_d;
    end
  end

  assign signal_valid_o = give;
  assign signal_o = sync_i;
  assign overflow_o = give && signal_overflow_i;
  assign done_o = !active_q;

  `ASSERT(NoRowsTooMany, !active_q || done_q <= rows_i)

endmodule

`default_nettype wire
