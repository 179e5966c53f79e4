// Bound into the top module of a model: when the model ends (`final()`), its coverage counters are added to those of
// earlier models and processes. $c is Verilator's; a build without coverage has none of this.
`default_nettype none
`define SYSTOLITH_TEXT(name_) `"name_`"

module coverage_counters;
  final
    $c("void systolith_coverage_add(const char*, const std::atomic<uint32_t>*, std::size_t);",
       "systolith_coverage_add(\"", `SYSTOLITH_TEXT(`SYSTOLITH_MODEL), "\", vlSymsp->__Vcoverage,",
       "std::size(vlSymsp->__Vcoverage));");
endmodule

bind `SYSTOLITH_TOP coverage_counters u_coverage_counters ();

`default_nettype wire
