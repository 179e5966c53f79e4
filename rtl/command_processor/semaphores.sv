// The counting semaphores: 16-bit counters that order commands of different units.
//
// Each unit has two wait and two signal ports. A wait is granted in the same cycle when value >= count, and
// subtracts it; a signal is always accepted unless the sum passes 65535, which is refused and said in the same
// cycle. A semaphore has one waiting and one signalling unit (the decoder binds them), so at most the two
// ports of one unit meet on one counter: port 0 goes first, port 1 waits for the next cycle; two signals to
// one counter in one cycle add up.
//
// Latency: values change at the clock edge, so a signal can be waited for one cycle later.
`include "systolith_assert.svh"
`default_nettype none

module semaphores
  import systolith_config_pkg::*;
  import systolith_pkg::*;
#(
  parameter int unsigned Units = 3   // 1..8
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              clear_i,   // queue reset: all zero

  input  logic  [Units-1:0][1:0] wait_valid_i,
  input  sync_t [Units-1:0][1:0] wait_i,
  output logic  [Units-1:0][1:0] wait_grant_o,
  input  logic  [Units-1:0][1:0] signal_valid_i,
  input  sync_t [Units-1:0][1:0] signal_i,
  output logic  [Units-1:0][1:0] signal_overflow_o
);

  if (Units < 1 || Units > 8) $error("semaphores: Units must be 1 to 8");

  typedef logic [15:0] value_t;
  value_t value_q [Semaphores], value_d [Semaphores];

  // Grants look only at the stored values, so no path runs from a signal to a wait.
  always_comb begin
    for (int unsigned u = 0; u < Units; u++) begin
      for (int unsigned p = 0; p < 2; p++) begin
        wait_grant_o[u][p] = wait_valid_i[u][p] &&
            value_q[wait_i[u][p].semaphore_index] >= wait_i[u][p].count;
      end
      if (wait_valid_i[u][0] && wait_valid_i[u][1] &&
          wait_i[u][0].semaphore_index == wait_i[u][1].semaphore_index) begin
        wait_grant_o[u][1] = 1'b0;
      end
    end
  end

  logic [Units-1:0][1:0] signal_taken;
  assign signal_taken = signal_valid_i & ~signal_overflow_o;

  // The second signal of a unit sees the first.
  always_comb begin : b_signals
    logic [17:0] sum;
    sum = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      sum = {2'b0, value_q[signal_i[u][0].semaphore_index]} + {2'b0, signal_i[u][0].count};
      signal_overflow_o[u][0] = signal_valid_i[u][0] && sum[17:16] != '0;
      sum = {2'b0, value_q[signal_i[u][1].semaphore_index]} + {2'b0, signal_i[u][1].count};
      if (signal_valid_i[u][0] && !signal_overflow_o[u][0] &&
          signal_i[u][0].semaphore_index == signal_i[u][1].semaphore_index) begin
        sum = sum + {2'b0, signal_i[u][0].count};
      end
      signal_overflow_o[u][1] = signal_valid_i[u][1] && sum[17:16] != '0;
    end
  end

  // One unit waits on a counter and waits for it once a cycle, one unit signals it by its two ports: what a counter
  // loses and gains is an OR over the units.
  logic active;
  assign active = wait_grant_o != '0 || signal_valid_i != '0;

  always_comb begin : b_values
    value_t taken, first, second;
    taken = '0;
    first = '0;
    second = '0;
    value_d = value_q;
    if (active) begin
      for (int unsigned s = 0; s < Semaphores; s++) begin
        taken = '0;
        first = '0;
        second = '0;
        for (int unsigned u = 0; u < Units; u++) begin
          for (int unsigned p = 0; p < 2; p++) begin
            taken = taken | (wait_i[u][p].count &
                {16{wait_grant_o[u][p] && 32'(wait_i[u][p].semaphore_index) == s}});
          end
          first = first | (signal_i[u][0].count &
              {16{signal_taken[u][0] && 32'(signal_i[u][0].semaphore_index) == s}});
          second = second | (signal_i[u][1].count &
              {16{signal_taken[u][1] && 32'(signal_i[u][1].semaphore_index) == s}});
        end
        value_d[s] = value_q[s] - taken + first + second;
      end
    end
    if (clear_i) value_d = '{default: '0};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) value_q <= '{default: '0};
    else value_q <= value_d;
  end

  // For the assertions: two units at one counter.
  function automatic logic shared(logic [Units-1:0][1:0] valid, sync_t [Units-1:0][1:0] ports);
    for (int unsigned u = 1; u < Units; u++) begin
      for (int unsigned v = 0; v < u; v++) begin
        for (int unsigned p = 0; p < 4; p++) begin
          if (valid[u][p[0]] && valid[v][p[1]] &&
              ports[u][p[0]].semaphore_index == ports[v][p[1]].semaphore_index) return 1'b1;
        end
      end
    end
    return 1'b0;
  endfunction

  `ASSERT(OneWaitingUnit, !shared(wait_grant_o, wait_i))
  `ASSERT(OneSignallingUnit, !shared(signal_taken, signal_i))

endmodule

`default_nettype wire
