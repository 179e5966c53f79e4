// A host's way to a board through a serial line: device memory, device registers and the board's words. docs/link.md
// says what goes over the line and what the board answers.
//
// The line is 8N1. Manager ports: AXI4 for memory, AXI4-Lite for registers. `reset_o` (a flip-flop) asks for the reset
// of all behind the bridge; `rst_ni` is the power-up reset, which it does not cause.
// Latency: an answer begins after the request's last byte, 40 cycles or so and the port's time. Throughput: the line's,
// both ways at once, while a beat of the bus takes less than its bytes on the line.
//
// ClockHz >= 8 x Baud; Baud >= 1200; BusBytes 4 to 128, a power of two; AddressWidth 32 to 64; Payload 16 to 1008;
// Timeout >= 16; MemoryBase, MemoryBytes, BoardName (up to 16 characters) any.
`default_nettype none

module uart_bridge
  import link_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000,
  parameter int unsigned BusBytes = systolith_config_pkg::BusBytes,
  parameter int unsigned AddressWidth = systolith_config_pkg::AddressWidth,
  parameter int unsigned Payload = 512,
  parameter int unsigned Timeout = 1 << 20,
  parameter logic [63:0] MemoryBase = 64'd0,
  parameter logic [63:0] MemoryBytes = 64'd0,
  parameter logic [127:0] BoardName = "simulation"
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  // line
  input  logic                    uart_rx_i,
  output logic                    uart_tx_o,

  // memory: AXI4 manager
  output logic [1:0]              m_axi_awid,
  output logic [AddressWidth-1:0] m_axi_awaddr,
  output logic [7:0]              m_axi_awlen,
  output logic [2:0]              m_axi_awsize,
  output logic [1:0]              m_axi_awburst,
  output logic                    m_axi_awlock,
  output logic [3:0]              m_axi_awcache,
  output logic [2:0]              m_axi_awprot,
  output logic                    m_axi_awvalid,
  input  logic                    m_axi_awready,
  output logic [8*BusBytes-1:0]   m_axi_wdata,
  output logic [BusBytes-1:0]     m_axi_wstrb,
  output logic                    m_axi_wlast,
  output logic                    m_axi_wvalid,
  input  logic                    m_axi_wready,
  input  logic [1:0]              m_axi_bid,
  input  logic [1:0]              m_axi_bresp,
  input  logic                    m_axi_bvalid,
  output logic                    m_axi_bready,
  output logic [1:0]              m_axi_arid,
  output logic [AddressWidth-1:0] m_axi_araddr,
  output logic [7:0]              m_axi_arlen,
  output logic [2:0]              m_axi_arsize,
  output logic [1:0]              m_axi_arburst,
  output logic                    m_axi_arlock,
  output logic [3:0]              m_axi_arcache,
  output logic [2:0]              m_axi_arprot,
  output logic                    m_axi_arvalid,
  input  logic                    m_axi_arready,
  input  logic [1:0]              m_axi_rid,
  input  logic [8*BusBytes-1:0]   m_axi_rdata,
  input  logic [1:0]              m_axi_rresp,
  input  logic                    m_axi_rlast,
  input  logic                    m_axi_rvalid,
  output logic                    m_axi_rready,

  // registers: AXI4-Lite manager
  output logic [12:0]             m_axil_awaddr,
  output logic [2:0]              m_axil_awprot,
  output logic                    m_axil_awvalid,
  input  logic                    m_axil_awready,
  output logic [31:0]             m_axil_wdata,
  output logic [3:0]              m_axil_wstrb,
  output logic                    m_axil_wvalid,
  input  logic                    m_axil_wready,
  input  logic [1:0]              m_axil_bresp,
  input  logic                    m_axil_bvalid,
  output logic                    m_axil_bready,
  output logic [12:0]             m_axil_araddr,
  output logic [2:0]              m_axil_arprot,
  output logic                    m_axil_arvalid,
  input  logic                    m_axil_arready,
  input  logic [31:0]             m_axil_rdata,
  input  logic [1:0]              m_axil_rresp,
  input  logic                    m_axil_rvalid,
  output logic                    m_axil_rready,

  // board, in the same clock
  input  logic                    irq_i,
  input  logic                    reset_request_i,
  input  logic                    memory_ready_i,
  input  logic                    clock_locked_i,
  output logic                    reset_o,       // a flip-flop
  output logic                    receiving_o,
  output logic                    sending_o
);

  if (Baud < 1200) begin : gen_bad_baud
    $error("uart_bridge: Baud must be at least 1200");
  end
  if (64'(ClockHz) < 64'd8 * 64'(Baud)) begin : gen_bad_clock
    $error("uart_bridge: ClockHz must be at least 8 times Baud");
  end
  if (BusBytes < 4 || BusBytes > 128 || (BusBytes & (BusBytes - 1)) != 0) begin : gen_bad_bus_bytes
    $error("uart_bridge: BusBytes must be a power of two from 4 to 128");
  end
  if (AddressWidth < 32 || AddressWidth > 64) begin : gen_bad_address_width
    $error("uart_bridge: AddressWidth must be 32 to 64");
  end
  if (Payload < 16 || Payload > MaxPayload) begin : gen_bad_payload
    $error("uart_bridge: Payload must be 16 to 1008");
  end
  if (Timeout < 16) begin : gen_bad_timeout
    $error("uart_bridge: Timeout must be at least 16");
  end

  // ---- from the line ----
  logic rx_valid, line_error;
  logic [7:0] rx_data;
  uart_receiver #(.ClockHz(ClockHz), .Baud(Baud)) u_receiver (
    .clk_i, .rst_ni, .uart_rx_i,
    .valid_o(rx_valid), .data_o(rx_data), .line_error_o(line_error), .receiving_o
  );

  logic frame_right, frame_bad, frame_lost;
  logic content_valid, content_last, content_read, content_release, content_rewind;
  logic [7:0] content_data;
  frame_receiver #(.Payload(Payload)) u_frames_in (
    .clk_i, .rst_ni,
    .valid_i(rx_valid), .data_i(rx_data),
    .right_o(frame_right), .bad_o(frame_bad), .lost_o(frame_lost),
    .valid_o(content_valid), .data_o(content_data), .last_o(content_last),
    .read_i(content_read), .release_i(content_release), .rewind_i(content_rewind)
  );

  // ---- requests ----
  port_request_t request;
  logic write_valid, read_ready, expired, clear;
  logic [7:0] write_data;
  logic answer_valid, answer_last, answer_ready;
  logic [7:0] answer_data;

  logic memory_start, memory_done, memory_access, memory_write_ready, memory_read_valid;
  logic [7:0] memory_read_data;
  logic [LengthWidth-1:0] memory_error_offset;
  status_t memory_status;
  logic register_start, register_done, register_access, register_write_ready, register_read_valid;
  logic [7:0] register_read_data;
  status_t register_status;
  logic board_start, board_done, board_write_ready, board_read_valid;
  logic [7:0] board_read_data;

  link_server #(.Payload(Payload), .AddressWidth(AddressWidth), .Timeout(Timeout)) u_server (
    .clk_i, .rst_ni,
    .content_valid_i(content_valid), .content_data_i(content_data), .content_last_i(content_last),
    .content_read_o(content_read), .content_release_o(content_release), .content_rewind_o(content_rewind),
    .answer_valid_o(answer_valid), .answer_data_o(answer_data), .answer_last_o(answer_last),
    .answer_ready_i(answer_ready),
    .request_o(request), .write_valid_o(write_valid), .write_data_o(write_data), .read_ready_o(read_ready),
    .expired_o(expired),
    .memory_start_o(memory_start), .memory_done_i(memory_done), .memory_status_i(memory_status),
    .memory_error_offset_i(memory_error_offset), .memory_access_i(memory_access),
    .memory_write_ready_i(memory_write_ready), .memory_read_valid_i(memory_read_valid),
    .memory_read_data_i(memory_read_data),
    .register_start_o(register_start), .register_done_i(register_done), .register_status_i(register_status),
    .register_access_i(register_access), .register_write_ready_i(register_write_ready),
    .register_read_valid_i(register_read_valid), .register_read_data_i(register_read_data),
    .board_start_o(board_start), .board_done_i(board_done), .board_write_ready_i(board_write_ready),
    .board_read_valid_i(board_read_valid), .board_read_data_i(board_read_data)
  );

  memory_port #(.BusBytes(BusBytes), .AddressWidth(AddressWidth)) u_memory (
    .clk_i, .rst_ni, .clear_i(clear),
    .request_i(request), .start_i(memory_start), .done_o(memory_done), .status_o(memory_status),
    .error_offset_o(memory_error_offset), .access_o(memory_access), .expired_i(expired),
    .write_valid_i(write_valid), .write_data_i(write_data), .write_ready_o(memory_write_ready),
    .read_valid_o(memory_read_valid), .read_data_o(memory_read_data), .read_ready_i(read_ready),
    .m_axi_awid, .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize, .m_axi_awburst, .m_axi_awlock, .m_axi_awcache,
    .m_axi_awprot, .m_axi_awvalid, .m_axi_awready,
    .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, .m_axi_wready,
    .m_axi_bid, .m_axi_bresp, .m_axi_bvalid, .m_axi_bready,
    .m_axi_arid, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_arlock, .m_axi_arcache,
    .m_axi_arprot, .m_axi_arvalid, .m_axi_arready,
    .m_axi_rid, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rvalid, .m_axi_rready
  );

  register_port u_registers (
    .clk_i, .rst_ni, .clear_i(clear),
    .request_i(request), .start_i(register_start), .done_o(register_done), .status_o(register_status),
    .access_o(register_access), .expired_i(expired),
    .write_valid_i(write_valid), .write_data_i(write_data), .write_ready_o(register_write_ready),
    .read_valid_o(register_read_valid), .read_data_o(register_read_data), .read_ready_i(read_ready),
    .m_axil_awaddr, .m_axil_awprot, .m_axil_awvalid, .m_axil_awready,
    .m_axil_wdata, .m_axil_wstrb, .m_axil_wvalid, .m_axil_wready,
    .m_axil_bresp, .m_axil_bvalid, .m_axil_bready,
    .m_axil_araddr, .m_axil_arprot, .m_axil_arvalid, .m_axil_arready,
    .m_axil_rdata, .m_axil_rresp, .m_axil_rvalid, .m_axil_rready
  );

  board_words #(
    .ClockHz(ClockHz), .Baud(Baud), .MemoryBase(MemoryBase), .MemoryBytes(MemoryBytes), .BoardName(BoardName)
  ) u_board (
    .clk_i, .rst_ni,
    .request_i(request), .start_i(board_start), .done_o(board_done),
    .write_valid_i(write_valid), .write_data_i(write_data), .write_ready_o(board_write_ready),
    .read_valid_o(board_read_valid), .read_data_o(board_read_data), .read_ready_i(read_ready),
    .irq_i, .reset_request_i, .memory_ready_i, .clock_locked_i,
    .frame_right_i(frame_right), .frame_bad_i(frame_bad), .frame_lost_i(frame_lost), .line_error_i(line_error),
    .clear_o(clear), .reset_o
  );

  // ---- to the line ----
  logic tx_valid, tx_ready;
  logic [7:0] tx_data;
  frame_transmitter u_frames_out (
    .clk_i, .rst_ni,
    .valid_i(answer_valid), .data_i(answer_data), .last_i(answer_last), .ready_o(answer_ready),
    .valid_o(tx_valid), .data_o(tx_data), .ready_i(tx_ready)
  );

  uart_transmitter #(.ClockHz(ClockHz), .Baud(Baud)) u_transmitter (
    .clk_i, .rst_ni,
    .valid_i(tx_valid), .data_i(tx_data), .ready_o(tx_ready), .uart_tx_o, .sending_o
  );

endmodule

`default_nettype wire
