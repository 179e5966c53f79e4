// Walks a command's passes: k block outer and strip inner, or the other way round with
// `strip_outer`.
//
// `start_i` takes `command_i` and `slot_i`; from the next cycle `pass_o` is the current pass while
// `valid_o`, stable until `next_i`, which steps to the next one, a pass a cycle. `clear_i` forgets
// the command. Addresses are kept as sums of a part that moves with the k block and one that moves
// with the strip, so a step is additions only.
`include "systolith_assert.svh"
`default_nettype none

module pass_walker
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
  import matrix_pkg::*;
(
  input  logic            clk_i,
  input  logic            rst_ni,
  // command
  input  logic            start_i,
  input  logic            clear_i,
  input  matrix_command_t command_i,
  input  slot_t           slot_i,
  // passes
  output logic            valid_o,
  output pass_t           pass_o,
  input  logic            next_i
);

  typedef struct packed {
    logic               valid;
    logic [15:0]        block;       // k block
    logic [15:0]        strip;
    line_index_t        a_line;
    operand_slot_t      a_slot;
    line_index_t        b_block_line;
    line_index_t        b_strip_line;
    strip_slot_t        b_slot;
    accumulator_index_t c_row;
    logic [31:0]        first_row;
  } state_t;

  state_t state_q, state_d;
  slot_t slot_q, slot_d;

  logic last_block, last_strip;
  assign last_block = (state_q.block == command_i.blocks - 16'd1);
  assign last_strip = (state_q.strip == command_i.strips - 16'd1);

  // Lines from one k block to the next.
  line_index_t b_block_step;
  assign b_block_step = LineIndexWidth'(
      command_i.b_pitch * (command_i.int8 ? LocalWidth'(BlockKInt8) : LocalWidth'(BlockKBf16)));

  logic strip_line_end;
  assign strip_line_end = command_i.int8 ? state_q.b_slot == StripSlotWidth'(StripsPerLineInt8 - 1)
                                         : state_q.b_slot == StripSlotWidth'(StripsPerLineBf16 - 1);

  logic step_block, step_strip;
  assign step_block = command_i.strip_outer || last_strip;
  assign step_strip = !command_i.strip_outer || last_block;

  always_comb begin
    state_d = state_q;
    slot_d = slot_q;
    if (next_i) begin
      state_d.valid = !(last_block && last_strip);
      state_d.first_row = state_q.first_row + 32'(command_i.m);
      if (step_block) begin
        if (last_block) begin
          state_d.block = '0;
          state_d.a_line = LineIndexWidth'(command_i.a_base);
          state_d.a_slot = '0;
          state_d.b_block_line = LineIndexWidth'(command_i.b_base);
        end else begin
          state_d.block = state_q.block + 16'd1;
          state_d.b_block_line = state_q.b_block_line + b_block_step;
          if (state_q.a_slot == OperandSlotWidth'(OperandsPerLine - 1)) begin
            state_d.a_slot = '0;
            state_d.a_line = state_q.a_line + 1'b1;
          end else begin
            state_d.a_slot = state_q.a_slot + 1'b1;
          end
        end
      end
      if (step_strip) begin
        if (last_strip) begin
          state_d.strip = '0;
          state_d.b_strip_line = '0;
          state_d.b_slot = '0;
          state_d.c_row = AccumulatorIndexWidth'(command_i.c_base);
        end else begin
          state_d.strip = state_q.strip + 16'd1;
          state_d.c_row = state_q.c_row + AccumulatorIndexWidth'(command_i.c_pitch);
          if (strip_line_end) begin
            state_d.b_slot = '0;
            state_d.b_strip_line = state_q.b_strip_line + 1'b1;
          end else begin
            state_d.b_slot = state_q.b_slot + 1'b1;
          end
        end
      end
    end
    if (start_i) begin
      state_d = '0;
      state_d.valid = 1'b1;
      state_d.a_line = LineIndexWidth'(command_i.a_base);
      state_d.b_block_line = LineIndexWidth'(command_i.b_base);
      state_d.c_row = AccumulatorIndexWidth'(command_i.c_base);
      slot_d = slot_i;
    end
    if (clear_i) state_d.valid = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= '0;
      slot_q <= '0;
    end else begin
      state_q <= state_d;
      slot_q <= slot_d;
    end
  end

  assign valid_o = state_q.valid;
  always_comb begin
    pass_o.slot = slot_q;
    pass_o.int8 = command_i.int8;
    pass_o.seed_zero = !command_i.accumulate && state_q.block == '0;
    pass_o.last = last_block && last_strip;
    pass_o.m = command_i.m;
    pass_o.first_row = state_q.first_row;
    pass_o.k_valid = last_block ? command_i.last_k
        : command_i.int8 ? 16'(BlockKInt8) : 16'(BlockKBf16);
    pass_o.columns = last_strip ? command_i.last_n : 16'(Cols);
    pass_o.a_line = state_q.a_line;
    pass_o.a_pitch = LineIndexWidth'(command_i.a_pitch);
    pass_o.a_slot = state_q.a_slot;
    pass_o.b_line = state_q.b_block_line + state_q.b_strip_line;
    pass_o.b_pitch = LineIndexWidth'(command_i.b_pitch);
    pass_o.b_slot = state_q.b_slot;
    pass_o.c_row = state_q.c_row;
  end

  logic unused;   // the header, high bits of local addresses
  assign unused = ^command_i;

  `ASSERT(NextNeedsPass, !next_i || state_q.valid)

endmodule

`default_nettype wire
