// A Verilated `systolith` behind the harness's SimDevice, whatever the configuration.
#pragma once

#include <fmt/format.h>
#include <verilated.h>
#ifdef SYSTOLITH_TRACE
#include <verilated_fst_c.h>
#endif

#include <cstring>
#include <memory>

#include "systolith_harness/sim_device.hpp"

namespace systolith::sim {

template <typename Model>
class VerilatedDevice final : public harness::SimDevice {
 public:
  VerilatedDevice(const harness::SimGeometry& geometry, const harness::SimOptions& options)
      : SimDevice(geometry, options), context_(std::make_unique<VerilatedContext>()) {
    context_->fatalOnError(false);
    context_->randReset(0);
    if (!options.trace_file.empty()) context_->traceEverOn(true);
    model_ = std::make_unique<Model>(context_.get(), "device");
    open_trace();
    model_->clk_i = 0;
    reset(4);
  }

  ~VerilatedDevice() override {
    close_trace();
    model_->final();
  }

  void step(uint64_t cycles) override {
    for (uint64_t i = 0; i < cycles; ++i) cycle(false);
  }

  void reset(uint64_t cycles) override {
    model_->rst_ni = 0;
    for (uint64_t i = 0; i < cycles; ++i) cycle(true);
    model_->rst_ni = 1;
  }

  bool step_until_interrupt(uint64_t cycles) override {
    for (uint64_t i = 0; i < cycles && model_->irq_o == 0; ++i) cycle(false);
    return model_->irq_o != 0;
  }

  bool interrupt() const override { return model_->irq_o != 0; }
  bool reset_request() const override { return model_->reset_request_o != 0; }

  void flush_trace() override {
#ifdef SYSTOLITH_TRACE
    if (trace_) trace_->flush();
#endif
  }

 private:
  void cycle(bool in_reset) {
    Model& m = *model_;
    const harness::AxiSubordinateSignals& memory = memory_.outputs();
    m.awready_i = memory.aw_ready;
    m.wready_i = memory.w_ready;
    m.arready_i = memory.ar_ready;
    m.bvalid_i = memory.b_valid;
    m.bid_i = memory.b_id;
    m.bresp_i = memory.b_response;
    m.rvalid_i = memory.r_valid;
    m.rid_i = memory.r_id;
    m.rresp_i = memory.r_response;
    m.rlast_i = memory.r_last;
    std::memcpy(&m.rdata_i, memory.r_data.data(), sizeof m.rdata_i);
    const harness::AxiLiteManagerSignals& host = registers_.outputs();
    m.lite_awvalid_i = host.aw_valid;
    m.lite_awaddr_i = host.aw_address & 0x1fff;
    m.lite_wvalid_i = host.w_valid;
    m.lite_wdata_i = host.w_data;
    m.lite_wstrb_i = host.w_strobe;
    m.lite_bready_i = host.b_ready;
    m.lite_arvalid_i = host.ar_valid;
    m.lite_araddr_i = host.ar_address & 0x1fff;
    m.lite_rready_i = host.r_ready;

    // Inputs that stand still are not taken again.
    m.take_memory_i = !(memory == memory_taken_);
    m.take_host_i = !(host == host_taken_);
    if (m.take_memory_i) memory_taken_ = memory;
    if (m.take_host_i) host_taken_ = host;
    m.clk_i = 0;
    m.eval();
    dump(0);

    manager_.aw = {m.m_axi_awvalid != 0, m.m_axi_awid,    m.m_axi_awlen,
                   m.m_axi_awsize,       m.m_axi_awburst, m.m_axi_awlock,
                   m.m_axi_awcache,      m.m_axi_awprot,  m.m_axi_awaddr};
    manager_.ar = {m.m_axi_arvalid != 0, m.m_axi_arid,    m.m_axi_arlen,
                   m.m_axi_arsize,       m.m_axi_arburst, m.m_axi_arlock,
                   m.m_axi_arcache,      m.m_axi_arprot,  m.m_axi_araddr};
    manager_.w_valid = m.m_axi_wvalid != 0;
    manager_.w_last = m.m_axi_wlast != 0;
    manager_.w_strobe = m.m_axi_wstrb;
    std::memcpy(manager_.w_data.data(), &m.m_axi_wdata, sizeof m.m_axi_wdata);
    manager_.b_ready = m.m_axi_bready != 0;
    manager_.r_ready = m.m_axi_rready != 0;
    lite_.aw_ready = m.s_axil_awready != 0;
    lite_.w_ready = m.s_axil_wready != 0;
    lite_.b_valid = m.s_axil_bvalid != 0;
    lite_.b_response = m.s_axil_bresp;
    lite_.ar_ready = m.s_axil_arready != 0;
    lite_.r_valid = m.s_axil_rvalid != 0;
    lite_.r_data = m.s_axil_rdata;
    lite_.r_response = m.s_axil_rresp;

    clock_harness(in_reset);
    m.take_memory_i = 0;
    m.take_host_i = 0;
    m.clk_i = 1;
    m.eval();
    dump(1);
    if (context_->gotError() || context_->gotFinish()) {
      flush_trace();
      throw harness::HarnessError(
          fmt::format("cycle {}: an assertion of the RTL failed (its name is above)", cycle_));
    }
    throw_if_failed();
  }

  void open_trace() {
#ifdef SYSTOLITH_TRACE
    if (options_.trace_file.empty()) return;
    trace_ = std::make_unique<VerilatedFstC>();
    model_->trace(trace_.get(), 99);
    trace_->open(options_.trace_file.c_str());
#else
    if (!options_.trace_file.empty())
      throw harness::HarnessError(
          "this build has no waveforms; use make wave, or configure with SYSTOLITH_TRACE=ON");
#endif
  }

  void close_trace() {
#ifdef SYSTOLITH_TRACE
    if (trace_) trace_->close();
#endif
  }

  // Two time steps a cycle: before the edge and after it.
  void dump([[maybe_unused]] unsigned half) {
#ifdef SYSTOLITH_TRACE
    if (!trace_ || cycle_ < options_.trace_from || cycle_ > options_.trace_to) return;
    trace_->dump(cycle_ * 2 + 1 - half);
    if (++dumped_ % 4096 == 0) trace_->flush();
#endif
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Model> model_;
  harness::AxiSubordinateSignals memory_taken_;
  harness::AxiLiteManagerSignals host_taken_;
#ifdef SYSTOLITH_TRACE
  std::unique_ptr<VerilatedFstC> trace_;
  uint64_t dumped_ = 0;
#endif
};

}  // namespace systolith::sim
