// Both output conversions side by side, for their tests.
`default_nettype none

module conversion_bench #(
  parameter int unsigned Lanes = 8
) (
  input  logic        clk_i,
  input  logic        enable_i,
  input  logic [31:0] value_i [Lanes],
  input  logic [31:0] scale_i [Lanes],
  output logic [15:0] bf16_o  [Lanes],   // of value_i
  output logic [7:0]  int8_o  [Lanes]    // of the values of the last clock edge with enable_i
);

  convert_bf16 #(.Lanes(Lanes)) u_bf16 (.value_i, .bf16_o);
  convert_int8 #(.Lanes(Lanes)) u_int8 (.clk_i, .enable_i, .value_i, .scale_i, .round_i(1'b1), .int8_o);

endmodule

`default_nettype wire
