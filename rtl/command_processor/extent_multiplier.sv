// Product of an extent's pitch and its number of steps, added up four bits of the multiplier a
// cycle.
//
// `start_i` takes both operands; `done_o` is high from the cycle in which the product is complete
// until the next start. Latency: a cycle, and one more for every four bits of the multiplier up to
// its highest set bit. Exact up to 2^Width - 1; `overflow_o` says that the product is larger. So it
// is, unless 0, with `large_i`: the multiplicand has more than Width bits.
// Width: 5 to 65, MultiplierWidth: 1 to 32.
`include "systolith_assert.svh"
`default_nettype none

module extent_multiplier #(
  parameter int unsigned Width = 64,
  parameter int unsigned MultiplierWidth = 17
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       start_i,
  input  logic [Width-1:0]           multiplicand_i,
  input  logic                       large_i,
  input  logic [MultiplierWidth-1:0] multiplier_i,
  output logic                       done_o,
  output logic [Width-1:0]           product_o,
  output logic                       overflow_o
);

  if (Width < 5 || Width > 65) $error("extent_multiplier: Width must be 5 to 65");
  if (MultiplierWidth < 1 || MultiplierWidth > 32) begin : gen_bad_width
    $error("extent_multiplier: MultiplierWidth must be 1 to 32");
  end

  logic [31:0] multiplier_q, multiplier_d;
  logic [Width-1:0] multiplicand_q, multiplicand_d;
  logic        lost_q, lost_d;          // bits of the multiplicand have been shifted out
  logic [Width-1:0] product_q, product_d;
  logic        overflow_q, overflow_d;
  logic [Width+4:0] sum;

  // Adders rather than a product: the multipliers of an FPGA are the array's.
  function automatic logic [Width+4:0] part(logic [Width-1:0] multiplicand, logic take, int unsigned shift);
    return take ? {5'd0, multiplicand} << shift : '0;
  endfunction

  assign sum = {5'd0, product_q} +
      ((part(multiplicand_q, multiplier_q[0], 0) + part(multiplicand_q, multiplier_q[1], 1)) +
       (part(multiplicand_q, multiplier_q[2], 2) + part(multiplicand_q, multiplier_q[3], 3)));

  always_comb begin
    multiplier_d = multiplier_q;
    multiplicand_d = multiplicand_q;
    lost_d = lost_q;
    product_d = product_q;
    overflow_d = overflow_q;
    if (start_i) begin
      multiplier_d = 32'(multiplier_i);
      multiplicand_d = multiplicand_i;
      lost_d = large_i;
      product_d = '0;
      overflow_d = 1'b0;
    end else if (multiplier_q != '0) begin
      multiplier_d = multiplier_q >> 4;
      multiplicand_d = multiplicand_q << 4;
      lost_d = lost_q || multiplicand_q[Width-1:Width-4] != '0;
      product_d = sum[Width-1:0];
      overflow_d = overflow_q || sum[Width+4:Width] != '0 || (lost_q && multiplier_q[3:0] != '0);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) multiplier_q <= '0;
    else multiplier_q <= multiplier_d;
  end

  always_ff @(posedge clk_i) begin
    multiplicand_q <= multiplicand_d;
    lost_q <= lost_d;
    product_q <= product_d;
    overflow_q <= overflow_d;
  end

  assign done_o = multiplier_q == '0;
  assign product_o = product_q;
  assign overflow_o = overflow_q;

endmodule

`default_nettype wire
