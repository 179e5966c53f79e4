// Which unit signals and which unit waits for each semaphore: bound at first use, in ring order,
// until a clear.
//
// Combinational check of one command's waits and signals (a count of 0 is unused); `bind_i` makes
// its bindings.
`default_nettype none

module binding_table
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  logic        bind_i,
  input  logic [1:0]  unit_i,       // 1 .. 3
  input  sync_t [1:0] waits_i,
  input  sync_t [1:0] signals_i,
  output logic [1:0]  wait_refused_o,
  output logic [1:0]  signal_refused_o,
  output logic [Semaphores-1:0][1:0] signal_unit_o   // 0: none yet
);

  logic [Semaphores-1:0][1:0] wait_unit_q, wait_unit_d;
  logic [Semaphores-1:0][1:0] signal_unit_q, signal_unit_d;

  function automatic logic refused(logic used, logic [1:0] bound, logic [1:0] by);
    return used && bound != 2'd0 && bound != by;
  endfunction

  always_comb begin
    wait_unit_d = wait_unit_q;
    signal_unit_d = signal_unit_q;
    for (int unsigned p = 0; p < 2; p++) begin
      wait_refused_o[p] = refused(waits_i[p].count != '0,
                                  wait_unit_q[waits_i[p].semaphore_index], unit_i);
      signal_refused_o[p] = refused(signals_i[p].count != '0,
                                    signal_unit_q[signals_i[p].semaphore_index], unit_i);
      if (bind_i && waits_i[p].count != '0) wait_unit_d[waits_i[p].semaphore_index] = unit_i;
      if (bind_i && signals_i[p].count != '0) signal_unit_d[signals_i[p].semaphore_index] = unit_i;
    end
    if (clear_i) begin
      wait_unit_d = '0;
      signal_unit_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      wait_unit_q <= '0;
      signal_unit_q <= '0;
    end else begin
      wait_unit_q <= wait_unit_d;
      signal_unit_q <= signal_unit_d;
    end
  end

  assign signal_unit_o = signal_unit_q;

endmodule

`default_nettype wire
