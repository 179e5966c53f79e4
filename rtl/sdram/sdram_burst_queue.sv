// Queue of bursts of one direction, walked beat by beat.
//
// Takes an address when `valid_i` and `ready_o`; from the next cycle on offers the beats of the oldest burst in
// order, each until `beat_ready_i`, one a cycle. An address past the memory marks all beats of its burst.
// `beat_o.write` is 0.
//
// DataWidth 64 to 512, a power of two; AddressWidth 26 to 64; Depth >= 1 bursts.
`include "systolith_assert.svh"
`default_nettype none

module sdram_burst_queue
  import sdram_pkg::*;
#(
  parameter int unsigned DataWidth = 128,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned Depth = 4
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  // bursts
  input  logic                    valid_i,
  input  logic [1:0]              id_i,
  input  logic [AddressWidth-1:0] address_i,
  input  logic [7:0]              length_i,      // beats - 1
  output logic                    ready_o,
  // beats
  output logic                    beat_valid_o,
  output beat_t                   beat_o,
  input  logic                    beat_ready_i
);

  localparam int unsigned ByteBits = $clog2(DataWidth / 8);
  localparam int unsigned PageBits = 12 - ByteBits;             // of a beat in its 4 KiB
  localparam int unsigned HighBits = AddressBits - 12;

  typedef struct packed {
    logic [1:0]          id;
    logic                error;
    logic [HighBits-1:0] page;
    logic [PageBits-1:0] beat;
    logic [7:0]          length;
  } burst_t;

  burst_t burst_in, burst;
  logic burst_pop;
  logic [$clog2(Depth+1)-1:0] held;
  logic unused_bits;
  assign unused_bits = ^{held, address_i[ByteBits-1:0]};

  assign burst_in = '{
    id: id_i,
    error: address_i[AddressWidth-1:AddressBits] != '0,
    page: address_i[AddressBits-1:12],
    beat: address_i[11:ByteBits],
    length: length_i
  };

  stream_fifo #(.Width($bits(burst_t)), .Depth(Depth)) u_bursts (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i, .data_i(burst_in), .ready_o,
    .valid_o(beat_valid_o), .data_o(burst), .ready_i(burst_pop), .count_o(held)
  );

  logic [7:0] done_q;   // beats of the oldest burst that were taken
  logic last;
  assign last = done_q == burst.length;
  assign burst_pop = beat_ready_i && last;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) done_q <= '0;
    else if (beat_valid_o && beat_ready_i) done_q <= last ? '0 : done_q + 8'd1;
  end

  // A burst keeps to its page, so the sum does.
  logic [AddressBits-1:0] address;
  assign address = {burst.page, burst.beat + PageBits'(done_q), ByteBits'(0)};

  logic unused_lane;
  assign unused_lane = address[0];
  assign beat_o = '{
    write: 1'b0,
    error: burst.error,
    last: last,
    id: burst.id,
    bank: address[1+ColumnBits +: BankBits],
    row: address[1+ColumnBits+BankBits +: RowBits],
    column: address[1 +: ColumnBits]
  };

  `ASSERT(WithinPage, !beat_valid_o || 32'(burst.beat) + 32'(burst.length) < 32'd1 << PageBits)

endmodule

`default_nettype wire
