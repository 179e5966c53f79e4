// Finds the row in flight, if any, that an accumulator row's partial sum comes from.
//
// The last Depth passes are kept, each with its first accumulator row, its row count and the number
// of its first row (rows are numbered as they leave the walker). The youngest pass that holds a row
// names its last writer: exact, at a few entries instead of a bit a row. An entry leaves once all
// of its rows are written, so `full_o` cannot last. Combinational answer; a pass is entered with
// its last row, so its own rows never match it.
`include "systolith_assert.svh"
`default_nettype none

module reentry_table
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import matrix_pkg::*;
#(
  parameter int unsigned Depth = TableDepth
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,
  // a pass whose last row is walked
  input  logic               push_i,
  input  accumulator_index_t push_row_i,        // its first accumulator row
  input  rows_t              push_rows_i,
  input  sequence_t          push_sequence_i,   // its first row's number
  output logic               full_o,
  // rows numbered below this one may be read
  input  sequence_t          written_i,
  // look-up
  input  accumulator_index_t row_i,
  output logic               hit_o,
  output sequence_t          sequence_o
);

  // An accumulator row count fits one bit more than an index.
  localparam int unsigned CountWidth = AccumulatorIndexWidth + 1;

  typedef struct packed {
    accumulator_index_t          row;
    logic [CountWidth-1:0] rows;
    sequence_t                   first;
    sequence_t                   last;
  } entry_t;

  entry_t [Depth-1:0] entries_q;              // 0 the youngest
  entry_t pushed;
  logic [Depth-1:0] valid_q, valid_d, live;

  always_comb begin
    hit_o = 1'b0;
    sequence_o = '0;
    for (int unsigned i = 0; i < Depth; i++) begin
      automatic entry_t entry = entries_q[Depth-1-i];
      automatic accumulator_index_t offset = row_i - entry.row;
      automatic sequence_t ahead = entry.last - written_i;
      live[Depth-1-i] = valid_q[Depth-1-i] && !ahead[SequenceWidth-1];
      if (live[Depth-1-i] && CountWidth'(offset) < entry.rows) begin
        hit_o = 1'b1;
        sequence_o = entry.first + SequenceWidth'(offset);
      end
    end
  end

  // Rows are written in order, so the entries that left are always the oldest.
  assign full_o = live[Depth-1];

  always_comb begin
    pushed.row = push_row_i;
    pushed.rows = CountWidth'(push_rows_i);
    pushed.first = push_sequence_i;
    pushed.last = push_sequence_i + SequenceWidth'(push_rows_i) - 1'b1;
    valid_d = push_i ? Depth'({live, 1'b1}) : live;
    if (clear_i) valid_d = '0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= valid_d;
  end

  always_ff @(posedge clk_i) begin
    if (push_i) entries_q <= (Depth*$bits(entry_t))'({entries_q, pushed});
  end

  logic unused;   // a pass has no more rows than there are accumulator rows
  assign unused = ^push_rows_i;

  `ASSERT(RoomForPush, !push_i || !full_o)

endmodule

`default_nettype wire
