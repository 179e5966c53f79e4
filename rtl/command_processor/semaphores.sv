// The counting semaphores: 16-bit counters that order commands of different units.
//
// Each unit has two wait and two signal ports. A wait is granted in the same cycle when value >=
// count, and subtracts it; of two at one counter port 0 goes first, port 1 waits for the next
// cycle. A signal is taken in the cycle of `signal_ready_o`; one whose sum would pass 65535 is
// refused, which is said in that cycle. A unit's two signals take turns while both are valid, port
// 0 first. A semaphore has one waiting and one signalling unit (the decoder binds them).
//
// A value is what was signalled less what was granted. Both are counted in memories with one writer
// each: of a unit's signals and of each of its waits. Those of the units that a semaphore is not
// bound to hold 0.
//
// Latency: values change at the clock edge, so a signal can be waited for one cycle later. After
// reset and after `clear_i` nothing is granted or taken for Semaphores cycles, while the memories
// are cleared.
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
  output logic  [Units-1:0][1:0] signal_ready_o,
  output logic  [Units-1:0][1:0] signal_overflow_o
);

  if (Units < 1 || Units > 8) $error("semaphores: Units must be 1 to 8");

  typedef logic [15:0] value_t;
  typedef logic [SemaphoreWidth-1:0] index_t;

  // ---- clearing ----
  logic   clearing_q, clearing_d;
  index_t clear_index_q, clear_index_d;

  always_comb begin
    clearing_d = clearing_q && 32'(clear_index_q) != Semaphores - 1;
    clear_index_d = clearing_q ? clear_index_q + 1'b1 : clear_index_q;
    if (clear_i) begin
      clearing_d = 1'b1;
      clear_index_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clearing_q <= 1'b1;
      clear_index_q <= '0;
    end else begin
      clearing_q <= clearing_d;
      clear_index_q <= clear_index_d;
    end
  end

  logic serve;
  assign serve = !clearing_q && !clear_i;

  // ---- waits ----
  logic   [Units-1:0][1:0] ask, grant;
  value_t [Units-1:0][1:0][1:0] granted_own;           // [unit][port][memory's port]
  value_t [Units-1:0][1:0] granted_next;
  value_t [Units-1:0][1:0][Units-1:0] signalled_asked; // [unit][port][memory's unit]

  always_comb begin
    for (int unsigned u = 0; u < Units; u++) begin
      ask[u][0] = serve && wait_valid_i[u][0];
      ask[u][1] = serve && wait_valid_i[u][1] && !(wait_valid_i[u][0] &&
          wait_i[u][0].semaphore_index == wait_i[u][1].semaphore_index);
    end
  end

  always_comb begin : b_waits
    value_t signalled;
    signalled = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      for (int unsigned p = 0; p < 2; p++) begin
        signalled = '0;
        for (int unsigned m = 0; m < Units; m++) signalled = signalled | signalled_asked[u][p][m];
        grant[u][p] = ask[u][p] &&
            signalled - granted_own[u][p][0] - granted_own[u][p][1] >= wait_i[u][p].count;
        granted_next[u][p] = granted_own[u][p][p] + wait_i[u][p].count;
      end
    end
  end
  assign wait_grant_o = grant;

  // ---- signals ----
  logic   [Units-1:0] turn_q, port, give, accept, overflow;
  sync_t  [Units-1:0] given;
  value_t [Units-1:0] signalled_own, signalled_next;
  value_t [Units-1:0][Units-1:0][1:0] granted_given;   // [unit][memory's unit][memory's port]

  always_comb begin
    for (int unsigned u = 0; u < Units; u++) begin
      port[u] = (signal_valid_i[u] == 2'b11) ? turn_q[u] : signal_valid_i[u][1];
      given[u] = signal_i[u][port[u]];
      give[u] = serve && signal_valid_i[u] != '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) turn_q <= '0;
    else for (int unsigned u = 0; u < Units; u++) begin
      turn_q[u] <= give[u] && signal_valid_i[u] == 2'b11 && !port[u];
    end
  end

  always_comb begin : b_signals
    value_t granted_0, granted_1, room;
    granted_0 = '0;
    granted_1 = '0;
    room = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      granted_0 = '0;
      granted_1 = '0;
      for (int unsigned m = 0; m < Units; m++) begin
        granted_0 = granted_0 | granted_given[u][m][0];
        granted_1 = granted_1 | granted_given[u][m][1];
      end
      room = ~(signalled_own[u] - granted_0 - granted_1);
      overflow[u] = give[u] && given[u].count > room;
      accept[u] = give[u] && !overflow[u];
      signalled_next[u] = signalled_own[u] + given[u].count;
      signal_ready_o[u] = {give[u] && port[u], give[u] && !port[u]};
      signal_overflow_o[u] = {overflow[u] && port[u], overflow[u] && !port[u]};
    end
  end

  // ---- sums granted and signalled, modulo 2^16 ----
  for (genvar m = 0; m < Units; m++) begin : gen_unit
    value_t signalled_q [Semaphores];

    always_ff @(posedge clk_i) begin
      if (clearing_q) signalled_q[clear_index_q] <= '0;
      else if (accept[m]) signalled_q[given[m].semaphore_index] <= signalled_next[m];
    end
    assign signalled_own[m] = signalled_q[given[m].semaphore_index];
    for (genvar u = 0; u < Units; u++) begin : gen_asked
      for (genvar p = 0; p < 2; p++) begin : gen_port
        assign signalled_asked[u][p][m] = signalled_q[wait_i[u][p].semaphore_index];
      end
    end

    for (genvar w = 0; w < 2; w++) begin : gen_wait
      value_t granted_q [Semaphores];

      always_ff @(posedge clk_i) begin
        if (clearing_q) granted_q[clear_index_q] <= '0;
        else if (grant[m][w]) granted_q[wait_i[m][w].semaphore_index] <= granted_next[m][w];
      end
      for (genvar p = 0; p < 2; p++) begin : gen_own
        assign granted_own[m][p][w] = granted_q[wait_i[m][p].semaphore_index];
      end
      for (genvar u = 0; u < Units; u++) begin : gen_given
        assign granted_given[u][m][w] = granted_q[given[u].semaphore_index];
      end
    end
  end

`ifdef SYSTOLITH_WAVES
  // For waveforms alone: in every cycle they would slow simulation.
  value_t [Units-1:0][Semaphores-1:0] signalled_all, granted_0_all, granted_1_all;
  value_t value [Semaphores];
  for (genvar m = 0; m < Units; m++) begin : gen_show
    for (genvar s = 0; s < Semaphores; s++) begin : gen_semaphore
      assign signalled_all[m][s] = gen_unit[m].signalled_q[s];
      assign granted_0_all[m][s] = gen_unit[m].gen_wait[0].granted_q[s];
      assign granted_1_all[m][s] = gen_unit[m].gen_wait[1].granted_q[s];
    end
  end
  always_comb begin : b_value
    for (int unsigned s = 0; s < Semaphores; s++) begin
      value[s] = '0;
      for (int unsigned m = 0; m < Units; m++) begin
        value[s] = value[s] + signalled_all[m][s] - granted_0_all[m][s] - granted_1_all[m][s];
      end
    end
  end
`endif

  // For the assertions: two units at one counter. Long in simulation, so only looked for where one is served.
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

  `ASSERT(OneWaitingUnit, grant == '0 || !shared(grant, wait_i))
  `ASSERT(OneSignallingUnit, accept == '0 || !shared(signal_ready_o & ~signal_overflow_o, signal_i))

endmodule

`default_nettype wire
