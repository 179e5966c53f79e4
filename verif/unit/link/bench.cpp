// The only file that knows the model: compiled for each build, the tests only once.
#include "bench.h"

#include <cstring>

#include "Vuart_bridge_bench.h"
#include "verilated.h"

namespace systolith::test {
namespace {

constexpr uint64_t kMemoryBytes = 0x2'0000;

harness::AxiCheckerOptions checker_options(const Shape& shape) {
  harness::AxiCheckerOptions options;
  options.bus_bytes = shape.bus_bytes;
  options.address_width = shape.address_width;
  options.maximum_beats = 1;
  for (unsigned id = 0; id < harness::kIds; ++id) {
    options.maximum_reads[id] = options.maximum_writes[id] = id == 0 ? 1 : 0;
  }
  return options;
}

}  // namespace

Shape LinkBench::shape_of_build() {
  Vuart_bridge_bench model;
  model.eval();
  return {model.defaults_o != 0, model.clock_hz_o, model.baud_o,   model.bus_bytes_o,
          model.address_width_o, model.payload_o,  model.timeout_o};
}

LinkBench::LinkBench(uint64_t seed)
    : shape(shape_of_build()),
      reference(shape, (uint64_t{1} << (shape.address_width - 1)) + 0x4'0000, kMemoryBytes),
      dut_(std::make_unique<Vuart_bridge_bench>()),
      random_(seed),
      base_((uint64_t{1} << (shape.address_width - 1)) + 0x4'0000),
      transmitter_(shape.bit()),
      memory_checker_(std::make_unique<harness::AxiChecker>(checker_options(shape))) {
  memory = std::make_unique<harness::AxiMemory>(shape.bus_bytes, base_, kMemoryBytes, seed);
  memory->set_noise(true);
  memory->timing().read_latency_minimum = memory->timing().read_latency_maximum = 2;
  memory->timing().write_latency_minimum = memory->timing().write_latency_maximum = 2;
  for (uint64_t i = 0; i < kMemoryBytes; ++i) {
    reference.memory[i] = static_cast<uint8_t>(random_());
    *memory->at(base_ + i) = reference.memory[i];
  }
  power_up();
}

LinkBench::~LinkBench() { dut_->final(); }

void LinkBench::power_up() {
  dut_->rst_ni = 0;
  powered_ = false;
  for (int i = 0; i < 5; ++i) step();
  dut_->rst_ni = 1;
  powered_ = true;
  powered_at_ = cycle;
  // The line has been idle for a byte.
  run(static_cast<uint64_t>(shape.byte()) + 32);
}

Bytes LinkBench::random_bytes(size_t count, bool zeros) {
  Bytes bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(zeros ? random_() : 1 + random_() % 255);
  return bytes;
}

void LinkBench::send(const Bytes& bytes) {
  for (uint8_t byte : bytes) {
    level(false, 1);
    for (int i = 0; i < 8; ++i) level((byte >> i & 1) != 0, 1);
    level(true, 1);
  }
}

void LinkBench::drive() {
  const double now = static_cast<double>(cycle);
  while (!segments_.empty()) {
    const double clocks = segments_.front().bits * shape.bit() / sender_rate;
    if (!segment_open_) {
      // After silence a sender begins at any time between two clocks.
      if (segment_end_ < now - 1) segment_end_ = now - static_cast<double>(random_() % 1000) / 1000;
      segment_end_ += clocks;
      segment_open_ = true;
    }
    if (segment_end_ > now) break;
    segments_.pop_front();
    segment_open_ = false;
  }
  dut_->uart_rx_i = segments_.empty() || segments_.front().level;
}

void LinkBench::take_byte(uint8_t byte) {
  ++bytes_received;
  if (on_byte) return on_byte(byte);
  if (frame_.empty()) frame_start_ = transmitter_.start();
  if (byte != 0) return frame_.push_back(byte);
  if (frame_.empty()) return;
  const std::optional<Bytes> content = content_of(frame_);
  const std::optional<Answer> answer = content ? answer_of(*content) : std::nullopt;
  if (answer) {
    received.push_back({*answer, frame_start_, cycle});
  } else {
    ADD_FAILURE() << "the board sent a damaged frame of " << frame_.size() << " bytes";
  }
  frame_.clear();
}

void LinkBench::observe_memory(bool in_reset) {
  const Vuart_bridge_bench& d = *dut_;
  harness::AxiManagerSignals& port = memory_port;
  port.aw = {d.m_axi_awvalid != 0, d.m_axi_awid,    d.m_axi_awlen,  d.m_axi_awsize, d.m_axi_awburst,
             d.m_axi_awlock,       d.m_axi_awcache, d.m_axi_awprot, d.awaddr_o};
  port.ar = {d.m_axi_arvalid != 0, d.m_axi_arid,    d.m_axi_arlen,  d.m_axi_arsize, d.m_axi_arburst,
             d.m_axi_arlock,       d.m_axi_arcache, d.m_axi_arprot, d.araddr_o};
  port.w_valid = d.m_axi_wvalid;
  port.w_last = d.m_axi_wlast;
  port.w_strobe = d.wstrb_o;
  if (port.w_valid) std::memcpy(port.w_data.data(), d.wdata_o.data(), harness::kMaxBusBytes);
  port.b_ready = d.m_axi_bready;
  port.r_ready = d.m_axi_rready;

  const harness::AxiSubordinateSignals& memory_side = memory->outputs();
  const bool open = memory_checker_->reads_open() + memory_checker_->writes_open() != 0;
  const bool valid = port.aw.valid || port.ar.valid || port.w_valid;
  if (valid && !memory_valid_ && !open) memory_valid_since = cycle;
  memory_valid_ = valid;
  memory_checker_->clock(port, memory_side, in_reset);
  if (in_reset) {
    write_addresses_.clear();
    write_data_.clear();
    return memory->reset();
  }
  for (const auto* channel : {&port.aw, &port.ar}) {
    if (channel->valid) {
      EXPECT_EQ(channel->address % shape.bus_bytes, 0u) << "not a beat's address";
    }
  }
  if (port.ar.valid && memory_side.ar_ready) traffic.push_back({.address = port.ar.address});
  if (port.aw.valid && memory_side.aw_ready) write_addresses_.push_back(port.aw.address);
  if (port.w_valid && memory_side.w_ready) {
    Bytes data(port.w_data.begin(), port.w_data.begin() + shape.bus_bytes);
    for (uint32_t i = 0; i < shape.bus_bytes; ++i) {
      if ((port.w_strobe >> i & 1) == 0) data[i] = 0;
    }
    write_data_.emplace_back(port.w_strobe, data);
  }
  while (!write_addresses_.empty() && !write_data_.empty()) {
    traffic.push_back({.write = true,
                       .address = write_addresses_.front(),
                       .strobe = write_data_.front().first,
                       .data = write_data_.front().second});
    write_addresses_.pop_front();
    write_data_.pop_front();
  }
  memory->clock(port);
}

void LinkBench::observe_registers(bool in_reset) {
  const Vuart_bridge_bench& d = *dut_;
  register_port = {d.m_axil_awvalid != 0, d.m_axil_awaddr, d.m_axil_wvalid != 0,
                   d.m_axil_wdata,        d.m_axil_wstrb,  d.m_axil_bready != 0,
                   d.m_axil_arvalid != 0, d.m_axil_araddr, d.m_axil_rready != 0};
  const bool valid = register_port.aw_valid || register_port.w_valid || register_port.ar_valid;
  if (valid && !registers_valid_) registers_valid_since = cycle;
  registers_valid_ = valid;
  // Errors are the tests' wish here.
  harness::AxiLiteSubordinateSignals file = registers.outputs();
  file.b_response = file.r_response = 0;
  register_checker_.clock(register_port, file, in_reset);
  if (in_reset) return registers.reset();
  registers.clock(register_port);
  while (!registers.traffic.empty()) {
    traffic.push_back(registers.traffic.front());
    registers.traffic.pop_front();
  }
}

void LinkBench::observe() {
  Vuart_bridge_bench& d = *dut_;
  reset = d.reset_o;
  receiving = d.receiving_o;
  board_sending = d.sending_o;
  transmit_level = d.uart_tx_o;
  if (powered_ && cycle > powered_at_ + 64) {
    EXPECT_EQ(reset, reset_after_edge_) << "reset_o moves between clocks, cycle " << cycle;
  }
  if (reset) {
    ++reset_run_;
  } else if (reset_run_ != 0) {
    ++reset_pulses;
    reset_length = reset_run_;
    reset_run_ = 0;
  }
  observe_memory(!powered_ || reset);
  observe_registers(!powered_ || reset);
  if (!powered_) return;
  if (const std::optional<uint8_t> byte = transmitter_.clock(transmit_level, cycle)) {
    take_byte(*byte);
  }
}

void LinkBench::step() {
  if (on_cycle) on_cycle();
  Vuart_bridge_bench& d = *dut_;
  d.clk_i = 0;
  drive();
  const harness::AxiSubordinateSignals& m = memory->outputs();
  d.m_axi_awready = m.aw_ready;
  d.m_axi_wready = m.w_ready;
  d.m_axi_bvalid = m.b_valid;
  d.m_axi_bid = m.b_id;
  d.m_axi_bresp = m.b_response;
  d.m_axi_arready = m.ar_ready;
  d.m_axi_rvalid = m.r_valid;
  d.m_axi_rid = m.r_id;
  d.m_axi_rresp = m.r_response;
  d.m_axi_rlast = m.r_last;
  std::memcpy(d.rdata_i.data(), m.r_data.data(), harness::kMaxBusBytes);
  const harness::AxiLiteSubordinateSignals& r = registers.outputs();
  d.m_axil_awready = r.aw_ready;
  d.m_axil_wready = r.w_ready;
  d.m_axil_bvalid = r.b_valid;
  d.m_axil_bresp = r.b_response;
  d.m_axil_arready = r.ar_ready;
  d.m_axil_rvalid = r.r_valid;
  d.m_axil_rresp = r.r_response;
  d.m_axil_rdata = r.r_data;
  d.irq_i = irq;
  d.reset_request_i = reset_request;
  d.memory_ready_i = memory_ready;
  d.clock_locked_i = clock_locked;
  d.eval();
  observe();
  d.clk_i = 1;
  d.eval();
  reset_after_edge_ = d.reset_o;
  ++cycle;
}

}  // namespace systolith::test
