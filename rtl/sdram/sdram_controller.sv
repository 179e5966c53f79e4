// AXI4 subordinate in front of the SDR SDRAM of a board: 4 banks x 8192 rows x 512 columns x 16 bits, 32 MB.
//
// Bursts: INCR, full-width beats, within 4 KiB; reads in the order of AR, writes in the order of AW; W may come before
// its AW. An address past the memory is answered with DECERR. RREADY and BREADY may stay low: only what has room is
// asked of the chip, and the other direction goes on. All rules are in docs/sdram.md.
//
// Latency: from AR to the first R beat of an open row 4 + CasLatency + CaptureCycles + DataWidth / 16 cycles.
// Throughput: a word a cycle, but for refreshes and two cycles a row of 512 words.
//
// DataWidth 64, 128, 256, 512; AddressWidth 26..64; ClockHz 10 to 133 MHz, with CasLatency 2 at most 100 MHz;
// CasLatency 2, 3; CaptureCycles 0, 1; AddressDepth 2..16 bursts; DataDepth 4..64 beats; TurnWords a multiple of
// DataWidth / 16, up to 4096.
`include "systolith_assert.svh"
`default_nettype none

module sdram_controller
  import sdram_pkg::*;
#(
  parameter int unsigned DataWidth = 128,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned CasLatency = 2,
  parameter int unsigned CaptureCycles = 0,    // by which data reach their flip-flop late, docs/sdram.md section 5
  parameter timing_t Timing = TimingAnyPart,
  parameter int unsigned AddressDepth = 4,
  parameter int unsigned DataDepth = 16,
  parameter int unsigned TurnWords = 128
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  output logic                    ready_o,   // power-up is over

  // AXI4 subordinate
  input  logic [1:0]              s_axi_awid,
  input  logic [AddressWidth-1:0] s_axi_awaddr,
  input  logic [7:0]              s_axi_awlen,
  input  logic                    s_axi_awvalid,
  output logic                    s_axi_awready,
  input  logic [DataWidth-1:0]    s_axi_wdata,
  input  logic [DataWidth/8-1:0]  s_axi_wstrb,
  input  logic                    s_axi_wlast,
  input  logic                    s_axi_wvalid,
  output logic                    s_axi_wready,
  output logic [1:0]              s_axi_bid,
  output logic [1:0]              s_axi_bresp,
  output logic                    s_axi_bvalid,
  input  logic                    s_axi_bready,
  input  logic [1:0]              s_axi_arid,
  input  logic [AddressWidth-1:0] s_axi_araddr,
  input  logic [7:0]              s_axi_arlen,
  input  logic                    s_axi_arvalid,
  output logic                    s_axi_arready,
  output logic [1:0]              s_axi_rid,
  output logic [DataWidth-1:0]    s_axi_rdata,
  output logic [1:0]              s_axi_rresp,
  output logic                    s_axi_rlast,
  output logic                    s_axi_rvalid,
  input  logic                    s_axi_rready,

  // chip
  output logic                    cke_o,
  output logic                    cs_no,
  output logic                    ras_no,
  output logic                    cas_no,
  output logic                    we_no,
  output bank_t                   bank_o,
  output row_t                    address_o,
  output logic [1:0]              dqm_o,
  output logic [15:0]             dq_o,
  output logic                    dq_enable_o,
  input  logic [15:0]             dq_i
);

  if (DataWidth != 64 && DataWidth != 128 && DataWidth != 256 && DataWidth != 512) begin : gen_bad_width
    $error("sdram_controller: DataWidth must be 64, 128, 256 or 512");
  end
  if (AddressWidth <= AddressBits || AddressWidth > 64) begin : gen_bad_address_width
    $error("sdram_controller: AddressWidth must be 26 to 64");
  end
  if (ClockHz < 10_000_000 || ClockHz > 133_000_000) begin : gen_bad_clock
    $error("sdram_controller: ClockHz must be 10 to 133 MHz");
  end
  if (CasLatency != 2 && CasLatency != 3) begin : gen_bad_cas_latency
    $error("sdram_controller: CasLatency must be 2 or 3");
  end
  if (CasLatency == 2 && ClockHz > 100_000_000) begin : gen_bad_grade
    $error("sdram_controller: CasLatency 2 is for at most 100 MHz");
  end
  if (CaptureCycles > 1) begin : gen_bad_capture
    $error("sdram_controller: CaptureCycles must be 0 or 1");
  end
  if (AddressDepth < 2 || AddressDepth > 16) begin : gen_bad_address_depth
    $error("sdram_controller: AddressDepth must be 2 to 16");
  end
  if (DataDepth < 4 || DataDepth > 64) begin : gen_bad_data_depth
    $error("sdram_controller: DataDepth must be 4 to 64");
  end
  if (TurnWords < DataWidth / 16 || TurnWords > 4096 || TurnWords % (DataWidth / 16) != 0) begin : gen_bad_turn
    $error("sdram_controller: TurnWords must be a multiple of DataWidth / 16 up to 4096");
  end

  localparam int unsigned Words = DataWidth / 16;
  localparam int unsigned IndexWidth = $clog2(Words);
  localparam logic [1:0] Okay = 2'b00;
  localparam logic [1:0] DecodeError = 2'b11;

  // ---- addresses to beats ----
  logic read_burst_valid, read_valid, read_ready, read_room;
  beat_t read_beat;
  sdram_burst_queue #(.DataWidth(DataWidth), .AddressWidth(AddressWidth), .Depth(AddressDepth)) u_reads (
    .clk_i, .rst_ni,
    .valid_i(s_axi_arvalid), .id_i(s_axi_arid), .address_i(s_axi_araddr), .length_i(s_axi_arlen),
    .ready_o(s_axi_arready),
    .beat_valid_o(read_burst_valid), .beat_o(read_beat), .beat_ready_i(read_ready)
  );
  assign read_valid = read_burst_valid && read_room;

  logic write_burst_valid, write_valid, write_ready;
  beat_t write_beat;
  sdram_burst_queue #(.DataWidth(DataWidth), .AddressWidth(AddressWidth), .Depth(AddressDepth)) u_writes (
    .clk_i, .rst_ni,
    .valid_i(s_axi_awvalid), .id_i(s_axi_awid), .address_i(s_axi_awaddr), .length_i(s_axi_awlen),
    .ready_o(s_axi_awready),
    .beat_valid_o(write_burst_valid), .beat_o(write_beat), .beat_ready_i(write_ready)
  );

  // ---- write data ----
  typedef struct packed {
    logic                   last;
    logic [DataWidth/8-1:0] strobe;
    logic [DataWidth-1:0]   data;
  } w_beat_t;

  localparam int unsigned DataCount = $clog2(DataDepth + 1);
  w_beat_t w_in, w;
  logic w_valid, write_done;
  logic [DataCount-1:0] w_held;
  logic [DataCount-1:0] w_free_q;   // beats held that no beat of the engine has claimed

  assign w_in = '{last: s_axi_wlast, strobe: s_axi_wstrb, data: s_axi_wdata};
  stream_fifo #(.Width($bits(w_beat_t)), .Depth(DataDepth)) u_w (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(s_axi_wvalid), .data_i(w_in), .ready_o(s_axi_wready),
    .valid_o(w_valid), .data_o(w), .ready_i(write_done), .count_o(w_held)
  );
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) w_free_q <= '0;
    else w_free_q <= w_free_q + DataCount'(s_axi_wvalid && s_axi_wready) - DataCount'(write_ready);
  end

  logic [IndexWidth-1:0] word_index;
  logic [15:0] write_word;
  logic [1:0] write_strobe;
  assign write_word = w.data[word_index*16 +: 16];
  assign write_strobe = w.strobe[word_index*2 +: 2];

  // ---- write responses ----
  localparam int unsigned ResponseCount = $clog2(AddressDepth + 1);
  logic response_valid, response_error, response_taken, b_error;
  logic [1:0] response_id;
  logic [ResponseCount-1:0] b_held;
  logic [ResponseCount-1:0] b_room_q;   // responses that may still be claimed

  stream_fifo #(.Width(3), .Depth(AddressDepth)) u_b (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(response_valid), .data_i({response_id, response_error}), .ready_o(response_taken),
    .valid_o(s_axi_bvalid), .data_o({s_axi_bid, b_error}), .ready_i(s_axi_bready), .count_o(b_held)
  );
  assign s_axi_bresp = b_error ? DecodeError : Okay;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      b_room_q <= ResponseCount'(AddressDepth);
    end else begin
      b_room_q <= b_room_q + ResponseCount'(s_axi_bvalid && s_axi_bready) -
                  ResponseCount'(write_ready && write_beat.last);
    end
  end

  assign write_valid = write_burst_valid && w_free_q != '0 && (!write_beat.last || b_room_q != '0);

  // ---- the chip ----
  logic beat_valid, beat_ready;
  beat_t beat;
  read_tag_t read_tag;

  sdram_scheduler #(.TurnBeats(TurnWords / Words)) u_scheduler (
    .clk_i, .rst_ni,
    .read_valid_i(read_valid), .read_beat_i(read_beat), .read_ready_o(read_ready),
    .write_valid_i(write_valid), .write_beat_i(write_beat), .write_ready_o(write_ready),
    .valid_o(beat_valid), .beat_o(beat), .ready_i(beat_ready)
  );

  sdram_engine #(.Words(Words), .ClockHz(ClockHz), .CasLatency(CasLatency), .Timing(Timing)) u_engine (
    .clk_i, .rst_ni, .ready_o,
    .beat_valid_i(beat_valid), .beat_i(beat), .beat_ready_o(beat_ready),
    .word_index_o(word_index), .write_word_i(write_word), .write_strobe_i(write_strobe),
    .write_done_o(write_done),
    .response_valid_o(response_valid), .response_id_o(response_id), .response_error_o(response_error),
    .read_o(read_tag),
    .cke_o, .cs_no, .ras_no, .cas_no, .we_no, .bank_o, .address_o, .dqm_o, .dq_o, .dq_enable_o
  );

  // ---- read data ----
  logic r_error;
  sdram_read_return #(
    .Words(Words), .CasLatency(CasLatency), .CaptureCycles(CaptureCycles), .Depth(DataDepth)
  ) u_return (
    .clk_i, .rst_ni, .room_o(read_room), .claim_i(read_ready), .read_i(read_tag), .dq_i,
    .valid_o(s_axi_rvalid), .id_o(s_axi_rid), .data_o(s_axi_rdata), .error_o(r_error), .last_o(s_axi_rlast),
    .ready_i(s_axi_rready)
  );
  assign s_axi_rresp = r_error ? DecodeError : Okay;

  logic unused_bits;
  assign unused_bits = ^{w_held, b_held, response_taken, w.last, w_valid};

  `ASSERT(DataOfEachWriteIsThere, !write_done || w_valid)
  `ASSERT(LastWhereAddressSays, !response_valid || w.last)
  `ASSERT(RoomForEachResponse, !response_valid || response_taken)

endmodule

`default_nettype wire
