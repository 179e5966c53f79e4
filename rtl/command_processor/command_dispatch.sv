// Queues between the decoder and the units, UnitQueueDepth commands in front of each.
//
// The decoder's command goes to the queue of its unit (1 load, 2 matrix, 3 store) or, a NOP (0),
// to completion as a report. It waits while that queue is full, and while `window_open_i` says
// that completion cannot follow an index so far ahead. Latency: two cycles, of a NOP one. `clear_i`
// empties the queues.
//
// A command that its queue's memory gives back wrong goes to no unit. It is reported as failed, by
// what is kept of it in registers; the address is its place in the queue.
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

  // ---- queues: load, matrix, store ----
  localparam int unsigned PlaceWidth = (UnitQueueDepth > 1) ? $clog2(UnitQueueDepth) : 1;
  logic [2:0] valid, wrong, ready, corrected, wrong_taken;
  logic [2:0][PlaceWidth-1:0] place;

  memory_fifo #(
    .Width($bits(load_command_t)), .Depth(UnitQueueDepth), .Secded(MemorySecded)
  ) u_load (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitLoad[1:0]]), .data_i(load_command_i), .ready_o(room[1]),
    .valid_o(valid[0]), .data_o(load_command_o), .wrong_o(wrong[0]), .place_o(place[0]),
    .ready_i(ready[0]), .corrected_o(corrected[0]), .held_o(queued_o[0])
  );
  memory_fifo #(
    .Width($bits(matrix_command_t)), .Depth(UnitQueueDepth), .Secded(MemorySecded)
  ) u_matrix (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitMatrix[1:0]]), .data_i(matrix_command_i), .ready_o(room[2]),
    .valid_o(valid[1]), .data_o(matrix_command_o), .wrong_o(wrong[1]), .place_o(place[1]),
    .ready_i(ready[1]), .corrected_o(corrected[1]), .held_o(queued_o[1])
  );
  memory_fifo #(
    .Width($bits(store_command_t)), .Depth(UnitQueueDepth), .Secded(MemorySecded)
  ) u_store (
    .clk_i, .rst_ni, .flush_i(clear_i),
    .valid_i(push[UnitStore[1:0]]), .data_i(store_command_i), .ready_o(room[3]),
    .valid_o(valid[2]), .data_o(store_command_o), .wrong_o(wrong[2]), .place_o(place[2]),
    .ready_i(ready[2]), .corrected_o(corrected[2]), .held_o(queued_o[2])
  );

  assign load_command_valid_o = valid[0] && !wrong[0];
  assign matrix_command_valid_o = valid[1] && !wrong[1];
  assign store_command_valid_o = valid[2] && !wrong[2];
  assign ready = wrong_taken |
      (~wrong & {store_command_ready_i, matrix_command_ready_i, load_command_ready_i});
  assign corrected_o = corrected != '0;

  // What a wrong command is reported by, kept beside its queue.
  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
  } name_t;
  name_t pushed;
  name_t [2:0] name;
  assign pushed = '{
    index: dispatch_header_i.index,
    record: dispatch_header_i.record,
    raise_irq: dispatch_header_i.raise_irq
  };
  for (genvar u = 0; u < 3; u++) begin : gen_name
    logic [$clog2(UnitQueueDepth+1)-1:0] unused_count;
    logic unused_ready, unused_valid;
    stream_fifo #(.Width($bits(name_t)), .Depth(UnitQueueDepth)) u_name (
      .clk_i, .rst_ni, .flush_i(clear_i),
      .valid_i(push[u+1] && room[u+1]), .data_i(pushed), .ready_o(unused_ready),
      .valid_o(unused_valid), .data_o(name[u]), .ready_i(valid[u] && ready[u]),
      .count_o(unused_count)
    );
  end

  // ---- reports: a NOP, else a wrong command ----
  report_t nop, nop_report;
  logic nop_valid, nop_ready, unused_nop_count;
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
    .valid_o(nop_valid), .data_o(nop_report), .ready_i(nop_ready),
    .count_o(unused_nop_count)
  );

  logic [2:0] told;     // one of the wrong ones
  always_comb begin
    told = '0;
    report_o = nop_report;
    if (!nop_valid) begin
      for (int unsigned u = 0; u < 3; u++) begin
        if (wrong[u] && told == '0) begin
          told[u] = 1'b1;
          report_o = '{
            index: name[u].index,
            record: name[u].record,
            raise_irq: name[u].raise_irq,
            unit: UnitCommandProcessor,
            opcode: (u == 0) ? OpcodeLoad : (u == 1) ? OpcodeMatrix : OpcodeStore,
            state: StateFailed,
            cause: CauseMemory,
            address: 64'(place[u]),
            start: cycle_i
          };
        end
      end
    end
  end
  assign report_valid_o = nop_valid || wrong != '0;
  assign nop_ready = report_ready_i;
  assign wrong_taken = report_ready_i ? told : '0;

  `ASSERT(WrongGoesToNoUnit, (wrong & {store_command_valid_o, matrix_command_valid_o,
                                       load_command_valid_o}) == '0)

endmodule

`default_nettype wire
