// Queues between the decoder and the units, UnitQueueDepth commands in front of each.
//
// The decoder's command goes to the queue of its unit (1 load, 2 matrix, 3 store) or, a NOP (0),
// to completion as a report. It waits while that queue is full, and while `window_open_i` says
// that completion cannot follow an index so far ahead. Latency: three cycles, of a NOP one.
// `clear_i` empties the queues.
//
// A command that its queue gives back wrong goes to no unit and is reported as failed; the address
// is its place in the queue. A report may change to that of a NOP until it is taken.
`include "systolith_assert.svh"
`default_nettype none

module command_dispatch
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,
  input  cycle_t      cycle_i,

  // decoder
  input  logic        dispatch_valid_i,
  input  logic [1:0]  dispatch_unit_i,
  input  header_t     dispatch_header_i,
  input  load_command_t   load_command_i,
  input  matrix_command_t matrix_command_i,
  input  store_command_t  store_command_i,
  output logic        dispatch_ready_o,
  input  logic        window_open_i,

  // units
  output logic            load_command_valid_o,
  output load_command_t   load_command_o,
  input  logic            load_command_ready_i,
  output logic            matrix_command_valid_o,
  output matrix_command_t matrix_command_o,
  input  logic            matrix_command_ready_i,
  output logic            store_command_valid_o,
  output store_command_t  store_command_o,
  input  logic            store_command_ready_i,
  output logic [2:0]      queued_o,      // a command waits in the queue

  output logic        corrected_o,       // pulse: a queued command was corrected

  // ends of NOPs and of wrong commands
  output logic        report_valid_o,
  output report_t     report_o,
  input  logic        report_ready_i
);

  if (UnitQueueDepth < 1 || UnitQueueDepth > 64) begin : gen_bad_depth
    $error("command_dispatch: UnitQueueDepth must be 1 to 64");
  end

  logic [3:0] push, room;    // by unit code

  always_comb begin
    push = '0;
    push[dispatch_unit_i] = dispatch_valid_i && window_open_i;
  end
  assign dispatch_ready_o = window_open_i && room[dispatch_unit_i];

  // ---- queues ----
  localparam int unsigned PlaceWidth = (UnitQueueDepth > 1) ? $clog2(UnitQueueDepth) : 1;
  logic wrong_valid, wrong_ready;
  logic [1:0] wrong_unit;
  command_name_t wrong;
  logic [PlaceWidth-1:0] wrong_place;

  command_queues u_queues (
    .clk_i, .rst_ni, .clear_i,
    .push_i(push[3:1] & room[3:1]), .load_command_i, .matrix_command_i, .store_command_i,
    .room_o(room[3:1]),
    .valid_o({store_command_valid_o, matrix_command_valid_o, load_command_valid_o}),
    .load_command_o, .matrix_command_o, .store_command_o,
    .ready_i({store_command_ready_i, matrix_command_ready_i, load_command_ready_i}),
    .held_o(queued_o),
    .wrong_valid_o(wrong_valid), .wrong_unit_o(wrong_unit), .wrong_name_o(wrong),
    .wrong_place_o(wrong_place), .wrong_ready_i(wrong_ready), .corrected_o
  );

  // ---- reports: a NOP, else a wrong command ----
  command_name_t nop_pushed, nop, told;
  logic nop_valid, nop_ready, unused_nop_count, unused_header;
  assign unused_header = ^{dispatch_header_i.opcode, dispatch_header_i.waits, dispatch_header_i.signals};
  assign nop_pushed = '{
    index: dispatch_header_i.index,
    record: dispatch_header_i.record,
    raise_irq: dispatch_header_i.raise_irq
  };
  stream_fifo #(.Width($bits(command_name_t)), .Depth(1)) u_nop (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitCommandProcessor[1:0]]), .data_i(nop_pushed), .ready_o(room[0]),
    .valid_o(nop_valid), .data_o(nop), .ready_i(nop_ready),
    .count_o(unused_nop_count)
  );

  logic [7:0] wrong_opcode;
  always_comb begin
    unique case (wrong_unit)
      2'd0: wrong_opcode = OpcodeLoad;
      2'd1: wrong_opcode = OpcodeMatrix;
      default: wrong_opcode = OpcodeStore;
    endcase
  end
  assign told = nop_valid ? nop : wrong;
  assign report_o = '{
    index: told.index,
    record: told.record,
    raise_irq: told.raise_irq,
    unit: UnitCommandProcessor,
    opcode: nop_valid ? OpcodeNop : wrong_opcode,
    state: nop_valid ? StateCompleted : StateFailed,
    cause: nop_valid ? CauseNone : CauseMemory,
    address: nop_valid ? '0 : 64'(wrong_place),
    start: cycle_i
  };
  assign report_valid_o = nop_valid || wrong_valid;
  assign nop_ready = report_ready_i;
  assign wrong_ready = report_ready_i && !nop_valid;

endmodule

`default_nettype wire
