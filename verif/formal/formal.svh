// Rules that a proof shows of one design and takes for granted of another.
`ifndef SYSTOLITH_FORMAL_SVH
`define SYSTOLITH_FORMAL_SVH

`include "systolith_assert.svh"

// A rule of the side that the enclosing module describes: assumed if its parameter Assume is 1, else asserted.
`define RULE(name_, expr_) \
  if (Assume) begin : gen_``name_ \
    `ASSUME(name_, expr_) \
  end else begin : gen_``name_ \
    `ASSERT(name_, expr_) \
  end

`endif
