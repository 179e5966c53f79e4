// FP32 to BF16, a column a lane: nearest even, applied once to a finished chain.
//
// Subnormals are kept, a finite value past the largest becomes infinity, any NaN
// the canonical 7FC0.
// Combinational. Lanes >= 1.
`default_nettype none

module convert_bf16 #(
  parameter int unsigned Lanes = 1
) (
  input  logic [31:0] value_i [Lanes],
  output logic [15:0] bf16_o  [Lanes]
);

  if (Lanes < 1) begin : gen_bad_lanes
    $error("convert_bf16: Lanes must be at least 1");
  end

  // The encoding is monotonic: the carry of the fraction runs into the exponent and, past the
  // largest finite value, to infinity, so one increment rounds all cases.
  always_comb begin : convert
    logic nan, up;
    nan = 1'b0;
    up = 1'b0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      nan = (value_i[l][30:23] == '1) && (value_i[l][22:0] != '0);
      up = value_i[l][15] && (value_i[l][16] || value_i[l][14:0] != '0);
      bf16_o[l] = nan ? 16'h7FC0 : value_i[l][31:16] + 16'(up);
    end
  end

endmodule

`default_nettype wire
