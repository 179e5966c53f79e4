// A register and a memory that nothing writes: do they begin with random bits?
`default_nettype none

module power_up_control (
    input  logic        clk_i,
    output logic [63:0] register_o,
    output logic [63:0] memory_o
);
  logic [63:0] register_q;
  logic [63:0] memory [4];

  always_ff @(posedge clk_i) begin
    register_q <= register_q;
    memory[0]  <= memory[1];
  end

  assign register_o = register_q;
  assign memory_o   = memory[1];

endmodule

`default_nettype wire
