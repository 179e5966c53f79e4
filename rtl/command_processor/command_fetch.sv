// Brings commands from the ring to an on-chip buffer and streams the oldest to the decoder, word
// by word.
//
// While not stopped it asks for commands rung and not yet asked for, until half the buffer is asked
// for or filled, and again once no more than an eighth is: so the first operands of a program do not queue
// behind commands that nobody needs yet. It asks with bursts of whole commands that end at the ring's
// wrap, at 4 KiB, at MaxBurstBeats and at FetchBurst commands. Where a burst is shorter than a
// command, a command takes several. Beats are always taken. The command that a beat with an error
// belongs to is offered with `command_fault_o`, those before it as usual, nothing after it; no
// further address is issued.
//
// Handshake: `command_valid_o` offers the oldest command (or its fault); `read_i`, a pulse,
// streams its CommandWords words on `word_*`, one a cycle, from MemoryLatency cycles later, with
// `word_error_o` if the buffer's word at `word_place_o` is wrong;
// `release_i`, a pulse after the last word, frees its place. Latency: two cycles from `tail_i` to
// the address; a cycle from a command's last beat to `command_valid_o`. `flush_i` (level): no new
// address; once `owed_o` has fallen all is as after reset.
`include "systolith_assert.svh"
`default_nettype none

module command_fetch
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // control
  input  logic        flush_i,
  input  logic        stop_i,           // level: issue no new address
  input  address_t    ring_i,
  input  logic [16:0] slots_i,          // power of two
  input  logic [31:0] tail_i,           // commands rung so far

  // decoder
  output logic        command_valid_o,
  output logic        command_fault_o,
  output logic [63:0] fault_address_o,  // burst that had the error
  input  logic        read_i,
  output logic        word_valid_o,
  output logic [3:0]  word_index_o,
  output logic [63:0] word_o,
  output logic        word_error_o,
  output logic [63:0] word_place_o,
  output logic        corrected_o,      // pulse: a word of the buffer was
  input  logic        release_i,

  // debts
  output logic        owed_o,
  output address_t    owed_address_o,   // oldest burst owed
  output logic        beat_o,
  output logic [31:0] arriving_o,       // index of the command that the next beat belongs to
  output logic        idle_o,           // nothing owed, and nothing can be asked for

  // AXI read channel
  output logic        ar_valid_o,
  output address_t    ar_address_o,
  output logic [8:0]  ar_beats_o,
  input  logic        ar_ready_i,
  input  logic        r_valid_i,
  input  bus_data_t   r_data_i,
  input  logic        r_error_i,
  input  logic        r_last_i,
  output logic        r_ready_o
);

  localparam int unsigned CommandBeats = CommandBytes / BusBytes;
  localparam int unsigned Whole = (MaxBurstBeats > CommandBeats) ? MaxBurstBeats / CommandBeats : 1;
  localparam int unsigned BurstCommands = (Whole < FetchBurst) ? Whole : FetchBurst;
  localparam int unsigned Parts = (MaxBurstBeats < CommandBeats) ? CommandBeats / MaxBurstBeats : 1;
  localparam int unsigned PartBeats = CommandBeats / Parts;
  localparam int unsigned High = (FetchBuffer + 1) / 2;
  localparam int unsigned Low = FetchBuffer / 8;
  localparam int unsigned Outstanding = (High > 4) ? High : 4;
  localparam int unsigned PageCommands = 4096 / CommandBytes;
  localparam int unsigned Depth = FetchBuffer * CommandBeats;
  localparam int unsigned DepthWidth = $clog2(Depth);
  localparam int unsigned BeatWidth = $clog2(CommandBeats);
  localparam int unsigned WordsPerBeat = BusBytes / 8;
  localparam int unsigned PartWidth = index_width(Parts);

  if (FetchBuffer < 1 || FetchBuffer > 64 ||
      (FetchBuffer & (FetchBuffer - 1)) != 0) begin : gen_bad_buffer
    $error("command_fetch: FetchBuffer must be a power of two, 1 to 64");
  end
  if (FetchBurst < 1 || FetchBurst > FetchBuffer ||
      (FetchBurst & (FetchBurst - 1)) != 0) begin : gen_bad_burst
    $error("command_fetch: FetchBurst must be a power of two, 1 to FetchBuffer");
  end
  if (MaxBurstBeats < 1 || MaxBurstBeats > 256 ||
      (MaxBurstBeats & (MaxBurstBeats - 1)) != 0) begin : gen_bad_beats
    $error("command_fetch: MaxBurstBeats must be a power of two, 1 to 256");
  end
  if (BusBytes != 8 && BusBytes != 16 && BusBytes != 32 && BusBytes != 64) begin : gen_bad_bus
    $error("command_fetch: BusBytes must be 8, 16, 32 or 64");
  end

  // Indices of commands are free-running; the place in the buffer is the index modulo FetchBuffer.
  logic [31:0] issued_q, issued_d;     // asked for
  logic [31:0] arrived_q, arrived_d;   // wholly in the buffer
  logic [31:0] head_q, head_d;         // next for the decoder
  logic        fault_q, fault_d;
  address_t    fault_address_q;

  // ---- addresses ----
  logic                 ar_valid_q, ar_valid_d;
  address_t             ar_address_q, ar_address_d;
  logic [8:0]           ar_beats_q, ar_beats_d;
  logic [PartWidth-1:0] part_q, part_d;
  logic                 owed_ready, owed_valid, issue;
  logic [31:0]          rung, room, to_wrap, to_page, slot;
  logic [31:0]          count;
  address_t             slot_address;

  function automatic logic [31:0] least(logic [31:0] x, logic [31:0] y);
    return (x < y) ? x : y;
  endfunction

  assign slot = issued_q & (32'(slots_i) - 32'd1);
  assign slot_address = ring_i + address_t'({slot[15:0], 7'd0});
  assign rung = tail_i - issued_q;
  assign room = 32'(FetchBuffer) - (issued_q - head_q);
  assign to_wrap = 32'(slots_i) - slot;
  assign to_page = 32'(PageCommands) - 32'(slot_address[11:7]);
  assign count = least(least(rung, 32'(BurstCommands)), least(to_wrap, to_page));
  // The first part takes the room of its whole command.
  logic refill_q, refill_d;   // between the low and the high mark
  assign refill_d = flush_i || (issued_q - head_q) <= Low ||
                    (refill_q && (issued_q - head_q) < High);
  assign issue = !ar_valid_q && owed_ready && !flush_i && !stop_i && !fault_q && rung != '0 &&
                 refill_d && room >= least(rung, 32'(BurstCommands));

  always_comb begin
    ar_valid_d = ar_valid_q;
    ar_address_d = ar_address_q;
    ar_beats_d = ar_beats_q;
    part_d = part_q;
    issued_d = issued_q;
    if (issue) begin
      ar_valid_d = 1'b1;
      if (Parts == 1) begin
        ar_address_d = slot_address;
        ar_beats_d = 9'(count * CommandBeats);
        issued_d = issued_q + count;
      end else begin
        ar_address_d = slot_address + address_t'(32'(part_q) * (PartBeats * BusBytes));
        ar_beats_d = 9'(PartBeats);
        part_d = (32'(part_q) == Parts - 1) ? '0 : part_q + 1'b1;
        issued_d = (32'(part_q) == Parts - 1) ? issued_q + 32'd1 : issued_q;
      end
    end else if (ar_ready_i) begin
      ar_valid_d = 1'b0;
    end
    if (flush_i && !owed_valid) begin
      part_d = '0;
      issued_d = '0;
    end
  end

  assign ar_valid_o = ar_valid_q;
  assign ar_address_o = ar_address_q;
  assign ar_beats_o = ar_beats_q;

  logic [$clog2(Outstanding+1)-1:0] unused_count;
  stream_fifo #(.Width(AddressWidth), .Depth(Outstanding)) u_owed (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(issue), .data_i(ar_address_d), .ready_o(owed_ready),
    .valid_o(owed_valid), .data_o(owed_address_o), .ready_i(r_valid_i && r_last_i),
    .count_o(unused_count)
  );
  assign owed_o = owed_valid;
  assign beat_o = r_valid_i;
  assign r_ready_o = 1'b1;
  assign idle_o = !owed_valid && !issue;

  // ---- data ----
  logic [BeatWidth-1:0] beat_q, beat_d;   // beat of the command that arrives
  logic                 keep;

  assign keep = r_valid_i && !r_error_i && !fault_q && !flush_i;

  always_comb begin
    beat_d = beat_q;
    arrived_d = arrived_q;
    fault_d = fault_q;
    head_d = head_q;
    if (keep) begin
      beat_d = beat_q + 1'b1;
      if (beat_q == BeatWidth'(CommandBeats - 1)) arrived_d = arrived_q + 32'd1;
    end
    if (r_valid_i && r_error_i && !flush_i) fault_d = 1'b1;
    if (release_i) head_d = head_q + 32'd1;
    if (flush_i && !owed_valid) begin
      beat_d = '0;
      arrived_d = '0;
      fault_d = 1'b0;
      head_d = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
      part_q <= '0;
      issued_q <= '0;
      arrived_q <= '0;
      head_q <= '0;
      beat_q <= '0;
      fault_q <= 1'b0;
      refill_q <= 1'b1;
    end else begin
      refill_q <= refill_d;
      ar_valid_q <= ar_valid_d;
      part_q <= part_d;
      issued_q <= issued_d;
      arrived_q <= arrived_d;
      head_q <= head_d;
      beat_q <= beat_d;
      fault_q <= fault_d;
    end
  end

  always_ff @(posedge clk_i) begin
    ar_address_q <= ar_address_d;
    ar_beats_q <= ar_beats_d;
    if (!fault_q) fault_address_q <= owed_address_o;
  end

  assign command_valid_o = head_q != arrived_q || fault_q;
  assign command_fault_o = head_q == arrived_q && fault_q;
  assign fault_address_o = 64'(fault_address_q);
  assign arriving_o = arrived_q;

  // ---- buffer ----
  function automatic logic [DepthWidth-1:0] place(logic [31:0] index, logic [BeatWidth-1:0] beat);
    return DepthWidth'({index, beat});
  endfunction

  logic       streaming_q, streaming_d;
  logic [3:0] word_q, word_d;
  logic       read_valid;
  bus_data_t  read_data;
  logic       corrected, uncorrected;

  assign read_valid = read_i || streaming_q;

  always_comb begin
    streaming_d = streaming_q;
    word_d = word_q;
    if (read_valid) begin
      word_d = word_q + 4'd1;
      streaming_d = word_q != 4'(CommandWords - 1);
    end
    if (flush_i) begin
      streaming_d = 1'b0;
      word_d = '0;
    end
  end

  memory #(
    .Width(8 * BusBytes), .Depth(Depth), .Granule(8 * BusBytes), .Latency(MemoryLatency),
    .Secded(MemorySecded)
  ) u_buffer (
    .clk_i, .rst_ni,
    .write_valid_i(keep), .write_index_i(place(arrived_q, beat_q)), .write_strobe_i(1'b1),
    .write_data_i(r_data_i),
    .read_valid_i(read_valid), .read_index_i(place(head_q, BeatWidth'(word_q / 4'(WordsPerBeat)))),
    .read_data_o(read_data),
    .corrected_o(corrected), .uncorrected_o(uncorrected)
  );

  // The word's number travels beside the memory.
  logic [MemoryLatency-1:0]      valid_q;
  logic [MemoryLatency-1:0][3:0] index_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      streaming_q <= 1'b0;
      word_q <= '0;
      valid_q <= '0;
      index_q <= '0;
    end else begin
      streaming_q <= streaming_d;
      word_q <= word_d;
      valid_q <= flush_i ? '0 : MemoryLatency'({valid_q, read_valid});
      index_q <= (4 * MemoryLatency)'({index_q, word_q});
    end
  end

  assign word_valid_o = valid_q[MemoryLatency-1];
  assign word_index_o = index_q[MemoryLatency-1];
  assign word_o = read_data[64*(32'(word_index_o) % WordsPerBeat) +: 64];
  assign word_error_o = uncorrected;
  assign word_place_o = 64'(place(head_q, BeatWidth'(word_index_o / 4'(WordsPerBeat))));
  // A beat is read for each of its words.
  assign corrected_o = corrected && word_valid_o && 32'(word_index_o) % WordsPerBeat == 0;

  `ASSERT(BurstFits, !issue || (ar_beats_d != '0 && 32'(ar_beats_d) <= MaxBurstBeats))
  `ASSERT(BufferFits, issued_q - head_q <= 32'(FetchBuffer))
  `ASSERT(BeatWasOwed, !r_valid_i || owed_valid)
  `ASSERT(ReadsACommand, !read_i || (command_valid_o && !command_fault_o && !streaming_q))
  `ASSERT_NEXT(AddressStays, ar_valid_o && !ar_ready_i,
               ar_valid_o && $stable(ar_address_o) && $stable(ar_beats_o))

endmodule

`default_nettype wire
