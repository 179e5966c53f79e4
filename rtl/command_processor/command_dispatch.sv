// Queues between the decoder and the units, UnitQueueDepth commands in front of each.
//
// The decoder's command goes to the queue of its unit (1 load, 2 matrix, 3 store) or, a NOP (0),
// to completion as a report. It waits while that queue is full, and while `window_open_i` says
// that completion cannot follow an index so far ahead. Latency: two cycles, of a NOP one. `clear_i`
// empties the queues.
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

  // NOP: its end
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

  logic unused_nop_count;

  memory_fifo #(.Width($bits(load_command_t)), .Depth(UnitQueueDepth)) u_load (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitLoad[1:0]]), .data_i(load_command_i), .ready_o(room[1]),
    .valid_o(load_command_valid_o), .data_o(load_command_o), .ready_i(load_command_ready_i),
    .held_o(queued_o[0])
  );
  memory_fifo #(.Width($bits(matrix_command_t)), .Depth(UnitQueueDepth)) u_matrix (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitMatrix[1:0]]), .data_i(matrix_command_i), .ready_o(room[2]),
    .valid_o(matrix_command_valid_o), .data_o(matrix_command_o), .ready_i(matrix_command_ready_i),
    .held_o(queued_o[1])
  );
  memory_fifo #(.Width($bits(store_command_t)), .Depth(UnitQueueDepth)) u_store (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitStore[1:0]]), .data_i(store_command_i), .ready_o(room[3]),
    .valid_o(store_command_valid_o), .data_o(store_command_o), .ready_i(store_command_ready_i),
    .held_o(queued_o[2])
  );

  report_t nop;
  logic unused_syncs;
  assign unused_syncs = ^{dispatch_header_i.waits, dispatch_header_i.signals};
  assign nop = '{
    index: dispatch_header_i.index,
    record: dispatch_header_i.record,
    raise_irq: dispatch_header_i.raise_irq,
    unit: UnitCommandProcessor,
    opcode: dispatch_header_i.opcode,
    state: StateCompleted,
    cause: CauseNone,
    address: '0,
    start: cycle_i
  };
  stream_fifo #(.Width($bits(report_t)), .Depth(1)) u_nop (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitCommandProcessor[1:0]]), .data_i(nop), .ready_o(room[0]),
    .valid_o(report_valid_o), .data_o(report_o), .ready_i(report_ready_i),
    .count_o(unused_nop_count)
  );

endmodule

`default_nettype wire
