// semaphores: a counter is what was signalled less what was granted, neither below 0 nor past 65535; a wait is granted
// when it holds enough and at no other time, and each count goes to one wait of one unit.
//
// One semaphore, chosen freely, is followed; as any can be the chosen one, what holds for it holds for all. Units wait
// for and signal what binding_table bound to them, as commands that decode passes do; all else is free.
`include "systolith_assert.svh"
`default_nettype none

module semaphores_proof
  import systolith_config_pkg::*;
  import systolith_pkg::*;
#(
  localparam int unsigned Units = 3
) (
  input logic                    clk_i,
  input logic                    clear_i,
  input logic [SemaphoreWidth-1:0] choose_i,    // the semaphore to follow, taken in reset
  // commands that bind
  input logic                    bind_i,
  input logic [1:0]              unit_i,
  input sync_t [1:0]             bind_waits_i,
  input sync_t [1:0]             bind_signals_i,
  // units
  input logic  [Units-1:0][1:0]  wait_valid_i,
  input sync_t [Units-1:0][1:0]  wait_i,
  input logic  [Units-1:0][1:0]  signal_valid_i,
  input sync_t [Units-1:0][1:0]  signal_i
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [SemaphoreWidth-1:0] chosen_q;
  always_ff @(posedge clk_i) if (!rst_ni) chosen_q <= choose_i;

  // ---- who may wait and signal ----
  logic [1:0] wait_refused, signal_refused;
  logic [Semaphores-1:0][1:0] wait_unit, signal_unit;

  binding_table u_bindings (
    .clk_i, .rst_ni, .clear_i, .bind_i(bind_i && {wait_refused, signal_refused} == '0), .unit_i,
    .waits_i(bind_waits_i), .signals_i(bind_signals_i),
    .wait_refused_o(wait_refused), .signal_refused_o(signal_refused), .signal_unit_o(signal_unit)
  );
  assign wait_unit = u_bindings.wait_unit_q;

  for (genvar u = 0; u < Units; u++) begin : gen_bound
    for (genvar p = 0; p < 2; p++) begin : gen_port
      `ASSUME(WaitsForItsOwn, !wait_valid_i[u][p] || wait_unit[wait_i[u][p].semaphore_index] == 2'(u + 1))
      `ASSUME(SignalsItsOwn, !signal_valid_i[u][p] || signal_unit[signal_i[u][p].semaphore_index] == 2'(u + 1))
    end
  end

  logic [Units-1:0][1:0] grant, ready, overflow;

  semaphores #(.Units(Units)) u_semaphores (
    .clk_i, .rst_ni, .clear_i,
    .wait_valid_i, .wait_i, .wait_grant_o(grant),
    .signal_valid_i, .signal_i, .signal_ready_o(ready), .signal_overflow_o(overflow)
  );

  // ---- when nothing is served: so many cycles after reset and clear ----
  logic [SemaphoreWidth:0] clearing_q;
  logic serve;
  assign serve = clearing_q == '0 && !clear_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) clearing_q <= (SemaphoreWidth + 1)'(Semaphores);
    else if (clear_i) clearing_q <= (SemaphoreWidth + 1)'(Semaphores);
    else if (clearing_q != '0) clearing_q <= clearing_q - 1'b1;
  end

  `ASSERT(NothingWhileClearing, serve || (grant == '0 && ready == '0))

  // ---- what the chosen semaphore holds: what was signalled less what was granted ----
  logic [Units-1:0][1:0] waiting, granted, offered, taken;
  logic [1:0][15:0] granted_q, granted_d;   // by each port, of all units
  logic [15:0] signalled_q, signalled_d;

  // What the design finds when it serves the chosen semaphore are these sums and the count that is given, as two rules say.
  // So the sums and the difference are made of what it finds: a solver need not compare adders.
  always_comb begin
    granted_d = granted_q;
    signalled_d = signalled_q;
    for (int unsigned u = 0; u < Units; u++) begin
      for (int unsigned p = 0; p < 2; p++) begin
        waiting[u][p] = wait_valid_i[u][p] && wait_i[u][p].semaphore_index == chosen_q;
        granted[u][p] = grant[u][p] && wait_i[u][p].semaphore_index == chosen_q;
        offered[u][p] = signal_valid_i[u][p] && signal_i[u][p].semaphore_index == chosen_q;
        taken[u][p] = ready[u][p] && !overflow[u][p] && signal_i[u][p].semaphore_index == chosen_q;
        if (granted[u][p]) granted_d[p] = u_semaphores.granted_own[u][p][p] + wait_i[u][p].count;
        if (taken[u][p]) signalled_d = u_semaphores.signalled_own[u] + u_semaphores.given[u].count;
      end
    end
    if (clear_i) begin
      granted_d = '0;
      signalled_d = '0;
    end
  end
  `ASSERT(OneGrantAtATime, $onehot0(granted))
  `ASSERT(OneSignalAtATime, $onehot0(taken))

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      signalled_q <= '0;
      granted_q <= '0;
    end else begin
      signalled_q <= signalled_d;
      granted_q <= granted_d;
    end
  end

  // Sums and difference are modulo 2^16. The difference starts at 0, and no cycle takes more from it than there is or adds
  // more than there is room for: so it is the true one, never below 0 nor past 65535.
  logic [Units-1:0][1:0][15:0] value;     // for a wait
  logic [Units-1:0][15:0] signal_value;   // for the signal that is served

  for (genvar u = 0; u < Units; u++) begin : gen_rules
    logic [15:0] signal_granted_0, signal_granted_1;
    always_comb begin
      signal_granted_0 = '0;
      signal_granted_1 = '0;
      for (int unsigned m = 0; m < Units; m++) begin
        signal_granted_0 = signal_granted_0 | u_semaphores.granted_given[u][m][0];
        signal_granted_1 = signal_granted_1 | u_semaphores.granted_given[u][m][1];
      end
    end
    assign signal_value[u] = u_semaphores.signalled_own[u] - signal_granted_0 - signal_granted_1;
    `ASSERT(SignalFindsTheSums, !serve || (offered[u] & ready[u]) == '0 ||
        {u_semaphores.signalled_own[u], signal_granted_1, signal_granted_0} == {signalled_q, granted_q})

    for (genvar p = 0; p < 2; p++) begin : gen_found
      logic [15:0] wait_signalled;
      always_comb begin
        wait_signalled = '0;
        for (int unsigned m = 0; m < Units; m++) begin
          wait_signalled = wait_signalled | u_semaphores.signalled_asked[u][p][m];
        end
      end
      assign value[u][p] = wait_signalled - u_semaphores.granted_own[u][p][0] - u_semaphores.granted_own[u][p][1];
      `ASSERT(WaitFindsTheSums, !serve || !waiting[u][p] ||
          {wait_signalled, u_semaphores.granted_own[u][p]} == {signalled_q, granted_q})

      `ASSERT(SignalFindsItsCount, !(offered[u][p] && ready[u][p]) || u_semaphores.given[u] == signal_i[u][p])

      `ASSERT(NeverBelowZero, !granted[u][p] || value[u][p] >= wait_i[u][p].count)
      `ASSERT(NeverPastTheTop, !taken[u][p] || 17'(signal_value[u]) + 17'(u_semaphores.given[u].count) <= 17'd65535)
      `ASSERT(RefusesWhatIsTooMuch, !(offered[u][p] && overflow[u][p]) ||
          17'(signal_value[u]) + 17'(u_semaphores.given[u].count) > 17'd65535)
    end

    // Of two waits at one semaphore port 0 goes first.
    `ASSERT(GrantsWhatThereIs, !serve || (
        (!waiting[u][0] || granted[u][0] || value[u][0] < wait_i[u][0].count) &&
        (!waiting[u][1] || granted[u][1] || waiting[u][0] || value[u][1] < wait_i[u][1].count)))
    `ASSERT(FirstWaitFirst, waiting[u] != 2'b11 || !granted[u][1])
    `ASSERT(GrantsWhatIsAsked, (grant[u] & ~wait_valid_i[u]) == '0)
    `ASSERT(TakesOneSignal, !serve || (($onehot0(ready[u]) && (ready[u] & ~signal_valid_i[u]) == '0) &&
        (ready[u] != '0) == (signal_valid_i[u] != '0)))
    logic first_taken_q;   // of two, in the cycle before
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) first_taken_q <= 1'b0;
      else first_taken_q <= signal_valid_i[u] == 2'b11 && ready[u] == 2'b01;
    end
    `ASSERT(TakesTurns, !serve || signal_valid_i[u] != 2'b11 || ready[u][1] == first_taken_q)
  end

  // ---- how the design holds it, which makes the above hold from any state to the next ----
  logic cleared;   // the memories' words of the chosen semaphore
  assign cleared = !u_semaphores.clearing_q || u_semaphores.clear_index_q > chosen_q;
  `ASSERT(ClearsInTime, u_semaphores.clearing_q ?
      32'(clearing_q) + 32'(u_semaphores.clear_index_q) == Semaphores : clearing_q == '0)
  `ASSERT(HoldsNothingWhileClearing, clearing_q == '0 || {signalled_q, granted_q} == '0)
  `ASSERT(UnboundIsZero, (signal_unit[chosen_q] != '0 || signalled_q == '0) &&
      (wait_unit[chosen_q] != '0 || granted_q == '0))
  for (genvar u = 0; u < Units; u++) begin : gen_stored
    logic [15:0] signalled;
    logic [1:0][15:0] granted_words;
    assign signalled = u_semaphores.gen_unit[u].signalled_q[chosen_q];
    assign granted_words[0] = u_semaphores.gen_unit[u].gen_wait[0].granted_q[chosen_q];
    assign granted_words[1] = u_semaphores.gen_unit[u].gen_wait[1].granted_q[chosen_q];
    `ASSERT(Stored, !cleared || (signalled == ((signal_unit[chosen_q] == 2'(u + 1)) ? signalled_q : '0) &&
        granted_words == ((wait_unit[chosen_q] == 2'(u + 1)) ? granted_q : '0)))
  end

endmodule

`default_nettype wire
