// Assertions beside the RTL they guard. Live in simulation and formal proofs, empty in synthesis.
// The boolean may use $past, $stable, $rose, $onehot0; implication is spelled `!a || b`.
`ifndef SYSTOLITH_ASSERT_SVH
`define SYSTOLITH_ASSERT_SVH

`ifdef FORMAL
`define SYSTOLITH_CHECKS
`endif
`ifdef VERILATOR
`define SYSTOLITH_CHECKS
`endif

`ifdef SYSTOLITH_CHECKS
`define ASSERT(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni) \
  name_: assert property (@(posedge clk_) disable iff (!rst_n_) (expr_));
`define ASSUME(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni) \
  name_: assume property (@(posedge clk_) disable iff (!rst_n_) (expr_));
// Counted where SYSTOLITH_COVERAGE is defined; each is to be met by a test (make coverage).
`define COVER(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni) \
  name_: cover property (@(posedge clk_) disable iff (!rst_n_) (expr_));
// post_ must hold in the cycle after one in which pre_ held.
`define ASSERT_NEXT(name_, pre_, post_, clk_ = clk_i, rst_n_ = rst_ni) \
  logic name_``_q; \
  always_ff @(posedge clk_ or negedge rst_n_) begin \
    if (!rst_n_) name_``_q <= 1'b0; else name_``_q <= (pre_); \
  end \
  name_: assert property (@(posedge clk_) disable iff (!rst_n_) (!name_``_q || (post_)));
`else
`define ASSERT(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni)
`define ASSUME(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni)
`define COVER(name_, expr_, clk_ = clk_i, rst_n_ = rst_ni)
`define ASSERT_NEXT(name_, pre_, post_, clk_ = clk_i, rst_n_ = rst_ni)
`endif

`endif
