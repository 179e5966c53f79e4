// The board's words: what the bridge was built with, lines of the board, counts of frames, and the reset of all behind
// the bridge.
//
// Requests and bytes as bus_port has them: `request_i` stable from its `prepare` on, `start_i` high until `done_o`;
// 4 bytes at a multiple of 4, of whose address bits 7:2 count. A read is of one cycle, in which no frame is counted.
// `clear_o` goes high a cycle before `reset_o` and low with it: ports that it clears are quiet while `reset_o` is high.
// Latency: 1 cycle, 2 if a frame is counted. Throughput: a byte a cycle.
//
// Any parameters; BoardName is of up to 16 characters.
`include "systolith_assert.svh"
`default_nettype none

module board_words
  import link_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned Baud = 3_000_000,
  parameter logic [63:0] MemoryBase = 64'd0,
  parameter logic [63:0] MemoryBytes = 64'd0,
  parameter logic [127:0] BoardName = "simulation"
) (
  input  logic          clk_i,
  input  logic          rst_ni,

  // request
  input  port_request_t request_i,
  input  logic          start_i,
  output logic          done_o,
  input  logic          write_valid_i,
  input  logic [7:0]    write_data_i,
  output logic          write_ready_o,
  output logic          read_valid_o,
  output logic [7:0]    read_data_o,
  input  logic          read_ready_i,

  // lines of the board
  input  logic          irq_i,
  input  logic          reset_request_i,
  input  logic          memory_ready_i,
  input  logic          clock_locked_i,
  // pulses, one at a time
  input  logic          frame_right_i,
  input  logic          frame_bad_i,
  input  logic          frame_lost_i,
  input  logic          line_error_i,

  output logic          clear_o,
  output logic          reset_o      // a flip-flop
);

  // ---- the table ----
  localparam int unsigned ResetCycles = 16;
  localparam logic [31:0] BoardMagic = 32'h4253_5953;   // "SYSB"
  localparam logic [31:0] TableVersion = 32'd1;
  localparam logic [5:0] WordStatus = 6'd8;
  localparam logic [5:0] WordControl = 6'd9;
  localparam logic [5:0] WordCyclesLo = 6'd10;
  localparam logic [5:0] WordCyclesHi = 6'd11;
  // 12 to 15: the counts

  // A string's first character is its highest byte that is not zero; here it comes lowest.
  function automatic logic [127:0] name_words();
    logic [127:0] rest, words;
    rest = BoardName;
    words = '0;
    while (rest != '0) begin
      words = (words << 8) | {120'd0, rest[7:0]};
      rest = rest >> 8;
    end
    return words;
  endfunction

  localparam logic [127:0] Name = name_words();

  // Words that never change, by bytes; those from WordStatus on that do are 0 here.
  localparam int unsigned ConstantWords = 20;
  localparam logic [63:0] Rates = (64'(Baud) << 32) | 64'(ClockHz);
  localparam logic [8*4*ConstantWords-1:0] Constants =
      {Name, 256'd0, MemoryBytes, MemoryBase, Rates, TableVersion, BoardMagic};

  logic [5:0] word;
  logic unused_bits;
  assign word = request_i.address[7:2];
  assign unused_bits = ^{request_i, write_data_i[7:1]};

  // ---- counts: one is added to at a time, and read by the way of the sum ----
  logic [3:0][31:0] counts_q, counts_d;
  logic [31:0] count;
  logic [1:0] count_index;
  logic event_now;
  assign event_now = frame_right_i || frame_bad_i || frame_lost_i || line_error_i;

  always_comb begin
    count_index = word[1:0];
    if (frame_right_i) count_index = 2'd0;
    if (frame_bad_i) count_index = 2'd1;
    if (frame_lost_i) count_index = 2'd2;
    if (line_error_i) count_index = 2'd3;
    count = counts_q[count_index];
    counts_d = counts_q;
    if (event_now && !(&count)) counts_d[count_index] = count + 32'd1;
  end

  logic [63:0] cycles_q;
  logic [31:0] cycles_hi_q;     // as of the last read of cycles_lo

  // ---- requests ----
  logic loaded_q, loaded_d, take;
  logic [1:0] byte_q, byte_d;
  logic [31:0] word_q, word_d;
  logic [7:0] constant_byte;
  logic moved, reset_start;

  always_comb begin
    constant_byte = '0;
    if (word < 6'(ConstantWords)) constant_byte = Constants[8*{word[4:0], byte_q} +: 8];
  end

  assign write_ready_o = loaded_q && request_i.write;
  assign read_valid_o = loaded_q && !request_i.write;
  // Words 8 to 15 are in the register.
  assign read_data_o = (word[5:3] == WordStatus[5:3]) ? word_q[8*byte_q +: 8] : constant_byte;
  assign moved = (write_ready_o && write_valid_i) || (read_valid_o && read_ready_i);
  assign done_o = moved && (&byte_q);
  assign take = start_i && !loaded_q && !event_now;
  assign reset_start = write_ready_o && write_valid_i && byte_q == 2'd0 && word == WordControl && write_data_i[0];

  always_comb begin
    loaded_d = (loaded_q || take) && !done_o;
    byte_d = byte_q + 2'(moved);
    word_d = word_q;
    if (take) begin
      unique case (word[2:0])
        WordStatus[2:0]: word_d = {28'd0, clock_locked_i, memory_ready_i, reset_request_i, irq_i};
        WordControl[2:0]: word_d = {31'd0, reset_o};
        WordCyclesLo[2:0]: word_d = cycles_q[31:0];
        WordCyclesHi[2:0]: word_d = cycles_hi_q;
        default: word_d = count;
      endcase
    end
  end

  // ---- reset ----
  logic reset_q, reset_d;
  logic [3:0] reset_count_q, reset_count_d;
  always_comb begin
    reset_d = reset_start || (reset_q && reset_count_q != 4'(ResetCycles - 1));
    reset_count_d = (reset_q && !reset_start) ? reset_count_q + 4'd1 : 4'd0;
  end
  assign clear_o = reset_d;
  assign reset_o = reset_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      counts_q <= '0;
      cycles_q <= '0;
      cycles_hi_q <= '0;
      loaded_q <= 1'b0;
      byte_q <= '0;
      word_q <= '0;
      reset_q <= 1'b0;
      reset_count_q <= '0;
    end else begin
      counts_q <= counts_d;
      cycles_q <= cycles_q + 64'd1;
      if (take && !request_i.write && word == WordCyclesLo) cycles_hi_q <= cycles_q[63:32];
      loaded_q <= loaded_d;
      byte_q <= byte_d;
      word_q <= word_d;
      reset_q <= reset_d;
      reset_count_q <= reset_count_d;
    end
  end

  `ASSERT(OneEvent, $onehot0({frame_right_i, frame_bad_i, frame_lost_i, line_error_i}))
  `ASSERT_NEXT(ReadHeld, read_valid_o && !read_ready_i, read_valid_o && $stable(read_data_o))

endmodule

`default_nettype wire
