// The semaphores one by one, for waveforms; bound like trace_monitor.
`default_nettype none
/* verilator lint_off UNUSEDSIGNAL */   // viewers read them

module trace_semaphores
  import systolith_config_pkg::*;
(
  input logic [Semaphores-1:0][15:0] value_q
);

  for (genvar s = 0; s < Semaphores; s++) begin : gen_semaphore
    logic [15:0] value;
    assign value = value_q[s];
  end

endmodule

bind semaphores trace_semaphores u_trace (.*);

/* verilator lint_on UNUSEDSIGNAL */
`default_nettype wire
