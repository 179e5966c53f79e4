// Chooses between reads and writes, a beat at a time.
//
// A direction goes on while it can; it gives way when it cannot, and after TurnBeats beats if the other is waiting.
// So neither waits for more than TurnBeats beats of the other. A beat that is offered is one that can be done whole:
// `read_valid_i` includes room for its data, `write_valid_i` its data and room for the response.
// Combinational from both inputs to the output.
//
// TurnBeats >= 1.
`include "systolith_assert.svh"
`default_nettype none

module sdram_scheduler
  import sdram_pkg::*;
#(
  parameter int unsigned TurnBeats = 16
) (
  input  logic  clk_i,
  input  logic  rst_ni,
  input  logic  read_valid_i,
  input  beat_t read_beat_i,
  output logic  read_ready_o,
  input  logic  write_valid_i,
  input  beat_t write_beat_i,
  output logic  write_ready_o,
  output logic  valid_o,
  output beat_t beat_o,
  input  logic  ready_i
);

  if (TurnBeats < 1) begin : gen_bad_turn
    $error("sdram_scheduler: TurnBeats must be at least 1");
  end

  localparam int unsigned CountWidth = $clog2(TurnBeats + 1);

  logic write_q;                      // direction of the last beat
  logic [CountWidth-1:0] left_q;      // beats before it gives way
  logic write;

  assign write = (read_valid_i && write_valid_i) ? write_q != (left_q == '0) : write_valid_i;
  assign valid_o = read_valid_i || write_valid_i;
  assign read_ready_o = ready_i && read_valid_i && !write;
  assign write_ready_o = ready_i && write;

  always_comb begin
    beat_o = write ? write_beat_i : read_beat_i;
    beat_o.write = write;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= 1'b0;
      left_q <= '0;
    end else if (valid_o && ready_i) begin
      write_q <= write;
      if (write != write_q) left_q <= CountWidth'(TurnBeats - 1);
      else if (left_q != '0) left_q <= left_q - 1'b1;
    end
  end

  logic unused_bits;
  assign unused_bits = ^{read_beat_i.write, write_beat_i.write};

  `ASSERT(OneIsTaken, !(read_ready_o && write_ready_o))

endmodule

`default_nettype wire
