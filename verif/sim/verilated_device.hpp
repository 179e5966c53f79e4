// A Verilated `systolith` behind the harness's SimDevice, whatever the configuration.
#pragma once

#include <fmt/format.h>
#include <verilated.h>
#ifdef SYSTOLITH_TRACE
#include <verilated_fst_c.h>

#include "systolith_harness/trace_guard.hpp"
#endif

#include <cstring>
#include <memory>

#include "on_chip_memories.hpp"
#include "systolith_harness/sim_device.hpp"

namespace systolith::sim {

template <typename Model>
class VerilatedDevice final : public harness::SimDevice {
 public:
  VerilatedDevice(const harness::SimGeometry& geometry, const harness::SimOptions& options)
      : SimDevice(geometry, options), context_(std::make_unique<VerilatedContext>()) {
    context_->fatalOnError(false);
    context_->randReset(options.power_up_seed == 0 ? 0 : 2);
    context_->randSeed(static_cast<int>(options.power_up_seed));
    if (!options.trace_file.empty()) context_->traceEverOn(true);
    model_ = std::make_unique<Model>(context_.get(), "device");
    memories_ = std::make_unique<OnChipMemories>(*context_, "device.simulated_device.u_device.");
#ifdef SYSTOLITH_TRACE
    if (!options.trace_file.empty()) open_trace();
#endif
    // Reset acts on its falling edge here, and by its level in a chip.
    model_->clk_i = 0;
    model_->rst_ni = 1;
    model_->take_host_i = 0;
    model_->eval();
    reset(4);
  }

  // Verilator's runtime takes what fails, and the end of a model, to the thread's context, which is
  // that of the device made last.
  ~VerilatedDevice() override {
    enter();
#ifdef SYSTOLITH_TRACE
    guard_.reset();
#endif
    model_->final();
    model_.reset();
  }

  void step(uint64_t cycles) override {
    enter();
    for (uint64_t i = 0; i < cycles; ++i) cycle(false);
  }

  void reset(uint64_t cycles) override {
    enter();
    model_->rst_ni = 0;
    for (uint64_t i = 0; i < cycles; ++i) cycle(true);
    model_->rst_ni = 1;
  }

  bool step_until_interrupt(uint64_t cycles) override {
    enter();
    for (uint64_t i = 0; i < cycles && model_->irq_o == 0; ++i) cycle(false);
    return model_->irq_o != 0;
  }

  bool interrupt() const override { return model_->irq_o != 0; }
  bool reset_request() const override { return model_->reset_request_o != 0; }

  const std::vector<harness::OnChipMemory>& memories() const override { return memories_->list(); }
  void flip(std::size_t memory, unsigned word, unsigned bit) override {
    memories_->flip(memory, word, bit);
  }

 private:
  void enter() { Verilated::threadContextp(context_.get()); }

  void cycle(bool in_reset) {
#ifdef SYSTOLITH_TRACE
    std::unique_lock<std::timed_mutex> hold;
    if (guard_) hold = std::unique_lock(guard_->cycle_mutex());
#endif
    Model& m = *model_;
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
    m.take_host_i = !taken_ || !(host == host_taken_);
    taken_ = true;
    if (m.take_host_i) host_taken_ = host;
#ifdef SYSTOLITH_TRACE
    // Inputs settle right after the edge, so that in the waveform all that belongs to a cycle
    // changes at its edge.
    if (dumping()) {
      m.eval();
      dump(cycle_ * 10);
    }
#endif
    m.clk_i = 0;
    m.eval();
#ifdef SYSTOLITH_TRACE
    if (dumping()) dump(cycle_ * 10 + 5);
#endif

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
    // What the memory drives after the edge.
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
    m.take_host_i = 0;
    m.clk_i = 1;
    m.eval();
    if (context_->gotError() || context_->gotFinish())
      throw harness::HarnessError(
          fmt::format("cycle {}: an assertion of the RTL failed (its name is above)", cycle_ - 1));
    throw_if_failed();
  }

#ifdef SYSTOLITH_TRACE
  void open_trace() {
    trace_ = std::make_unique<VerilatedFstC>();
    model_->trace(trace_.get(), 99);
    trace_->set_time_unit("1ns");
    trace_->set_time_resolution("1ns");
    trace_->open(options_.trace_file.c_str());
    if (!trace_->isOpen())
      throw harness::HarnessError(
          fmt::format("can't write the waveform {}: is its folder there?", options_.trace_file));
    guard_ = std::make_unique<harness::TraceGuard>([this](bool whole) {
      if (whole && dumping()) dump(cycle_ * 10);  // what the last edge made
      tracing_ = false;
      trace_->close();
    });
    tracing_ = true;
  }

  bool dumping() const {
    return tracing_ && cycle_ >= options_.trace_from && cycle_ <= options_.trace_to;
  }

  void dump(uint64_t time) {
    trace_->dump(time);
    if (++dumped_ % 8192 == 0) trace_->flush();
  }
#endif

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<OnChipMemories> memories_;
  bool taken_ = false;
  harness::AxiLiteManagerSignals host_taken_;
#ifdef SYSTOLITH_TRACE
  std::unique_ptr<VerilatedFstC> trace_;
  std::unique_ptr<harness::TraceGuard> guard_;
  bool tracing_ = false;
  uint64_t dumped_ = 0;
#endif
};

}  // namespace systolith::sim
