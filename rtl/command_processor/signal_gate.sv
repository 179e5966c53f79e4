// One signal of a command: turns finished rows into additions to its semaphore.
//
// `start_i` begins a command with `sync_i` and `rows_i`, which stay stable until the next start
// (the last command's signals must be done). `rows_done_i` says how many more rows became visible
// this cycle. Without `by_rows` one signal once all rows are done, with it one every 2^rows_log2
// rows and one for a rest at the end.
//
// Latency: a signal is offered in the cycle after the rows that complete it and held until
// `signal_ready_i`; one a cycle at most, so a burst of finished groups is worked off one a cycle.
// `done_o` is high from the cycle after the last signal was taken.
//
// CountWidth: bits of a count of rows, 1..32.
`include "systolith_assert.svh"
`default_nettype none

module signal_gate
  import systolith_pkg::*;
#(
  parameter int unsigned CountWidth = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Command.
  input  logic        start_i,
  input  logic        clear_i,       // forget: nothing more is signalled
  input  sync_t       sync_i,
  input  logic [CountWidth-1:0] rows_i,
  input  logic [CountWidth-1:0] rows_done_i,   // rows that became visible this cycle
  output logic        done_o,        // every signal of the command was given
  output logic        overflow_o,    // pulse: the semaphore refused

  // Semaphores.
  output logic        signal_valid_o,
  output sync_t       signal_o,
  input  logic        signal_ready_i,
  input  logic        signal_overflow_i
);

  logic        active_q, active_d;     // signals are still to be given
  logic [CountWidth-1:0] done_q, done_d;   // rows visible
  logic [CountWidth-1:0] given_q, given_d; // rows signalled
  logic [CountWidth-1:0] group_end;
  logic [CountWidth:0]   next_given;
  logic        give;

  assign next_given = {1'b0, given_q} + ((CountWidth + 1)'(1) << sync_i.rows_log2);

  always_comb begin
    group_end = rows_i;
    if (sync_i.by_rows && 32'(sync_i.rows_log2) < CountWidth && next_given < {1'b0, rows_i}) begin
      group_end = next_given[CountWidth-1:0];
    end
  end

  assign give = active_q && !start_i && !clear_i && done_q >= group_end;

  always_comb begin
    active_d = active_q;
    done_d = done_q + rows_done_i;
    given_d = given_q;
    if (give && signal_ready_i) begin
      given_d = group_end;
      active_d = (group_end != rows_i);
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
