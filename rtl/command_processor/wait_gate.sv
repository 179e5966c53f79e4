// One wait of a command: asks the semaphores and says how many of the command's rows may start.
//
// `start_i` begins a command with `sync_i` and `rows_i`, which stay stable until the next start. Asks on
// `wait_valid_o`, granted (value >= count, count subtracted) in the same cycle by `wait_grant_i`. Without
// `by_rows` one grant allows every row; with it each grant allows 2^rows_log2 more, asked for ahead as far
// as the command has rows. A row i may start when i < allowed_o.
//
// Latency: first ask in the cycle after `start_i`; `allowed_o` rises in the cycle after a grant. An unused
// wait allows every row in the cycle after `start_i`. One grant a cycle.
//
// CountWidth: bits of a count of rows, 1..32.
`include "systolith_assert.svh"
`default_nettype none

module wait_gate
  import systolith_pkg::*;
#(
  parameter int unsigned CountWidth = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,

  // Command.
  input  logic        start_i,
  input  logic        clear_i,    // forget: nothing is asked, nothing allowed
  input  sync_t       sync_i,
  input  logic [CountWidth-1:0] rows_i,
  output logic [CountWidth:0] allowed_o,  // rows that may start
  output logic        asking_o,   // a grant is still to come

  // Semaphores.
  output logic        wait_valid_o,
  output sync_t       wait_o,
  input  logic        wait_grant_i
);

  localparam logic [CountWidth:0] All = '1;

  logic        active_q, active_d;    // more grants are needed
  logic [CountWidth:0] allowed_q, allowed_d;
  logic [CountWidth:0] next_allowed;
  logic        last;                  // this grant allows the rest

  assign next_allowed = allowed_q + ((CountWidth + 1)'(1) << sync_i.rows_log2);
  assign last = !sync_i.by_rows || 32'(sync_i.rows_log2) >= CountWidth ||
      next_allowed >= {1'b0, rows_i};

  always_comb begin
    active_d = active_q;
    allowed_d = allowed_q;
    if (start_i) begin
      active_d = (sync_i.count != '0);
      allowed_d = (sync_i.count != '0) ? '0 : All;
    end else if (active_q && wait_grant_i) begin
      if (last) begin
        active_d = 1'b0;
        allowed_d = All;
      end else begin
        allowed_d = next_allowed;
      end
    end
    if (clear_i) begin
      active_d = 1'b0;
      allowed_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      allowed_q <= '0;
    end else begin
      active_q <= active_d;
      allowed_q <= allowed_d;
    end
  end

  assign wait_valid_o = active_q && !start_i && !clear_i;
  assign wait_o = sync_i;
  assign allowed_o = allowed_q;
  assign asking_o = active_q;

  `ASSERT(GrantNeedsAsk, !wait_grant_i || wait_valid_o)

endmodule

`default_nettype wire
