// The queues of checked commands in front of the units, UnitQueueDepth commands each, in one block
// memory. [0] load, [1] matrix, [2] store.
//
// A command taken in cycle t (`push_i`, one at a time) is at its unit from cycle t + 3, later by 2
// for each other queue that reads just then. Every queue is first-in first-out; its head is a
// register. Throughput: a command every second cycle over all queues. `clear_i` empties them in one
// cycle and wins over a command that is offered meanwhile.
//
// Header and transfer are stored once: those of all three commands are the same wires.
//
// A command that the memory gives back wrong goes to no unit: `wrong_*` offers what is kept of it
// in registers, and no queue reads on until that is taken. `corrected_o` pulses when a command was
// corrected.
//
// UnitQueueDepth 1 to 64.
`include "systolith_assert.svh"
`default_nettype none

module command_queues
  import systolith_config_pkg::*;
  import systolith_pkg::*;
#(
  localparam int unsigned SlotWidth = (UnitQueueDepth > 1) ? $clog2(UnitQueueDepth) : 1
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic clear_i,

  // from the decoder
  input  logic [2:0]      push_i,        // at most one, only with room
  input  load_command_t   load_command_i,
  input  matrix_command_t matrix_command_i,
  input  store_command_t  store_command_i,
  output logic [2:0]      room_o,

  // to the units
  output logic [2:0]      valid_o,
  output load_command_t   load_command_o,
  output matrix_command_t matrix_command_o,
  output store_command_t  store_command_o,
  input  logic [2:0]      ready_i,
  output logic [2:0]      held_o,        // a command is in the queue, at its head or not yet

  // a command that is wrong
  output logic                 wrong_valid_o,
  output logic [1:0]           wrong_unit_o,
  output command_name_t        wrong_name_o,
  output logic [SlotWidth-1:0] wrong_place_o,
  input  logic                 wrong_ready_i,
  output logic                 corrected_o
);

  localparam int unsigned Places = 4 << SlotWidth;   // of all queues: unit, slot
  localparam int unsigned CountWidth = $clog2(UnitQueueDepth + 1);
  typedef logic [SlotWidth-1:0] slot_t;
  typedef logic [CountWidth-1:0] count_t;
  typedef logic [SlotWidth+1:0] index_t;

  // What of a command is not in the load command's header and transfer.
  localparam int unsigned MatrixRest = $bits(matrix_command_t) - $bits(header_t);
  localparam int unsigned StoreRest =
      $bits(store_command_t) - $bits(header_t) - $bits(transfer_t);
  localparam int unsigned Width = $bits(load_command_t) + MatrixRest + StoreRest;
  localparam int unsigned Stored = 64 * ((Width + 63) / 64);   // whole code words

  function automatic slot_t next_slot(slot_t slot);
    return (32'(slot) == UnitQueueDepth - 1) ? '0 : slot + 1'b1;
  endfunction

  slot_t  [2:0] write_q, write_d, read_q, read_d;
  count_t [2:0] held_q, held_d;       // in the queue, its head too
  count_t [2:0] unread_q, unread_d;   // not yet read from the memory
  logic   [2:0] valid_q, valid_d;     // the head holds a command
  logic       reading_q, reading_d;   // a command is at the memory's output
  logic [1:0] reading_unit_q, reading_unit_d;
  slot_t      reading_slot_q, reading_slot_d;
  logic       wrong_q, wrong_d;
  logic [2:0] pop, load_head;
  logic [1:0] push_unit;
  logic       corrected, uncorrected;

  assign pop = valid_q & ready_i;

  always_comb begin
    push_unit = 2'd0;
    for (int unsigned u = 0; u < 3; u++) begin
      if (push_i[u]) push_unit = 2'(u);
    end
  end

  always_comb begin
    write_d = write_q;
    read_d = read_q;
    held_d = held_q;
    unread_d = unread_q;
    valid_d = valid_q & ~pop;
    reading_d = 1'b0;
    reading_unit_d = reading_unit_q;
    reading_slot_d = reading_slot_q;
    wrong_d = wrong_q && !wrong_ready_i;
    load_head = '0;
    if (reading_q && uncorrected) wrong_d = 1'b1;
    else if (reading_q) load_head[reading_unit_q] = 1'b1;
    valid_d = valid_d | load_head;
    for (int unsigned u = 0; u < 3; u++) begin
      if (unread_q[u] != '0 && (!valid_q[u] || pop[u]) && !reading_q && !wrong_q && !reading_d)
      begin
        reading_d = 1'b1;
        reading_unit_d = 2'(u);
        reading_slot_d = read_q[u];
        read_d[u] = next_slot(read_q[u]);
        unread_d[u] = unread_q[u] - 1'b1;
      end
      if (push_i[u]) begin
        write_d[u] = next_slot(write_q[u]);
        unread_d[u] = unread_d[u] + 1'b1;
      end
      held_d[u] = held_q[u] + count_t'(push_i[u]) -
          count_t'(pop[u] || (wrong_q && wrong_ready_i && reading_unit_q == 2'(u)));
    end
    if (clear_i) begin
      write_d = '0;
      read_d = '0;
      held_d = '0;
      unread_d = '0;
      valid_d = '0;
      reading_d = 1'b0;
      wrong_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q <= '0;
      held_q <= '0;
      unread_q <= '0;
      valid_q <= '0;
      reading_q <= 1'b0;
      wrong_q <= 1'b0;
    end else begin
      write_q <= write_d;
      read_q <= read_d;
      held_q <= held_d;
      unread_q <= unread_d;
      valid_q <= valid_d;
      reading_q <= reading_d;
      wrong_q <= wrong_d;
    end
  end

  for (genvar u = 0; u < 3; u++) begin : gen_unit
    assign room_o[u] = 32'(held_q[u]) != UnitQueueDepth;
    assign held_o[u] = held_q[u] != '0;
  end
  assign valid_o = valid_q;

  // ---- memory ----
  logic [Stored-1:0] stored;
  index_t write_index, read_index;
  assign write_index = {push_unit, write_q[push_unit]};
  assign read_index = {reading_unit_d, reading_slot_d};

  memory #(
    .Width(Stored), .Depth(Places), .Granule(Stored), .Latency(1),
    .Secded(MemorySecded), .AllowCollision(1'b0)
  ) u_memory (
    .clk_i, .rst_ni,
    .write_valid_i(push_i != '0), .write_index_i(write_index), .write_strobe_i(1'b1),
    .write_data_i(Stored'({load_command_i, matrix_command_i[MatrixRest-1:0],
                           store_command_i[StoreRest-1:0]})),
    .read_valid_i(reading_d), .read_index_i(read_index), .read_data_o(stored),
    .corrected_o(corrected), .uncorrected_o(uncorrected)
  );
  // After a clear the memory may still tell of a command that is no longer there.
  assign corrected_o = corrected && reading_q;

  // ---- heads ----
  load_command_t load_q, load;
  logic [MatrixRest-1:0] matrix, matrix_rest_q;
  logic [StoreRest-1:0] store, store_rest_q;
  header_t matrix_header_q, store_header_q;
  transfer_t store_transfer_q;
  assign {load, matrix, store} = stored[Width-1:0];

  always_ff @(posedge clk_i) begin
    if (load_head[0]) load_q <= load;
    if (load_head[1]) begin
      matrix_header_q <= load.header;
      matrix_rest_q <= matrix;
    end
    if (load_head[2]) begin
      store_header_q <= load.header;
      store_transfer_q <= load.transfer;
      store_rest_q <= store;
    end
  end
  assign load_command_o = load_q;
  assign matrix_command_o = {matrix_header_q, matrix_rest_q};
  assign store_command_o = {store_header_q, store_transfer_q, store_rest_q};

  if (Stored > Width) begin : gen_padding
    logic unused_padding;
    assign unused_padding = ^stored[Stored-1:Width];
  end

  // ---- what a wrong command is reported by ----
  command_name_t names_q [Places];
  command_name_t name_q;

  always_ff @(posedge clk_i) begin
    if (push_i != '0) begin
      names_q[write_index] <= '{
        index: load_command_i.header.index,
        record: load_command_i.header.record,
        raise_irq: load_command_i.header.raise_irq
      };
    end
    if (reading_d) name_q <= names_q[read_index];
    reading_unit_q <= reading_unit_d;
    reading_slot_q <= reading_slot_d;
  end

  assign wrong_valid_o = wrong_q;
  assign wrong_unit_o = reading_unit_q;
  assign wrong_name_o = name_q;
  assign wrong_place_o = reading_slot_q;

  logic same, unused_same;
  assign same = matrix_command_i.header == load_command_i.header &&
      store_command_i.header == load_command_i.header &&
      store_command_i.transfer == load_command_i.transfer;
  assign unused_same = same;

  `ASSERT(SameWires, push_i == '0 || same)
  `ASSERT(OnlyWithRoom, (push_i & ~room_o) == '0)
  `ASSERT(OneAtATime, $onehot0(push_i))
  `ASSERT(HeldAreSomewhere, wrong_q || reading_q || held_q[0] == unread_q[0] + count_t'(valid_q[0]))

endmodule

`default_nettype wire
