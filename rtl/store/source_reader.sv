// Reads the local rows of a store command, in loop order, and hands them on with what is to be done
// with them.
//
//   rows -> read of accumulator row or scratchpad line -> [MemoryLatency] -> small queue -> entry
//
// `start_i` begins a command, which stays stable until `done_o`. Lines of scales come first, then
// row i once i < allowed_i: one entry for an accumulator row, one for each line of a scratchpad
// row. Only as many reads are under way as the queue has places, so nothing is lost when the
// consumer stalls. Entries of one command may still be in the queue when the next begins.
// `clear_i` forgets everything, reads under way too.
//
// Latency: first read in the cycle after `start_i`; an entry is offered in the cycle in which its
// data come. An entry a cycle.
// Parameters: MemoryLatency 1 or 2.
`include "systolith_assert.svh"
`default_nettype none

module source_reader
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import store_pkg::*;
(
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               clear_i,

  // Command.
  input  logic               start_i,
  input  store_command_t     command_i,
  input  slot_t              slot_i,
  input  logic [RowsWidth:0] allowed_i,   // rows that may be read
  output logic               done_o,      // nothing is left to be read after this cycle

  // Accumulators: always granted, data MemoryLatency cycles later.
  output logic               drain_read_valid_o,
  output accumulator_index_t drain_read_row_o,
  input  word_t              drain_read_data_i [Cols],
  input  logic [1:0]         drain_read_tag_i,
  input  logic               drain_read_error_i,

  // Scratchpad: data MemoryLatency cycles after the grant.
  output logic               scratchpad_read_valid_o,
  output line_index_t        scratchpad_read_line_o,
  input  logic               scratchpad_read_grant_i,
  input  line_t              scratchpad_read_data_i,
  input  logic               scratchpad_read_error_i,

  // Entries.
  output logic               entry_valid_o,
  output source_entry_t      entry_o,
  output entry_data_t        entry_data_o,
  output logic [1:0]         entry_tag_o,
  output logic               entry_error_o,   // data or tag are wrong
  input  logic               entry_ready_i
);

  if (MemoryLatency < 1 || MemoryLatency > 2) begin : gen_bad_latency
    $error("source_reader: MemoryLatency must be 1 or 2");
  end

  // A read a cycle needs one place for each cycle until its data come, and one for the data's own.
  localparam int unsigned Places = MemoryLatency + 1;
  localparam int unsigned PlaceWidth = $clog2(Places);
  localparam int unsigned CountWidth = $clog2(Places + 1);
  typedef logic [PlaceWidth-1:0] place_t;
  typedef logic [CountWidth-1:0] count_t;

  function automatic place_t next_place(place_t place);
    return (place == PlaceWidth'(Places - 1)) ? '0 : place + 1'b1;
  endfunction

  // The memory side and the waits are others' business.
  logic unused_command;
  assign unused_command = ^command_i;

  // ---- which read is next ----
  logic   busy_q, busy_d;
  logic   scales_q, scales_d;        // lines of scales are next
  logic   second_q, second_d;
  rows_t  row_q, row_d;              // in loop order
  rows_t  run_row_q, run_row_d;      // row in its run of the memory side
  local_t row_base_q, row_base_d;    // accumulator row, or first line of a scratchpad row
  local_t index_q, index_d;          // line or row to read
  run_t   left_q, left_d;            // bytes of the row from this line on

  logic want, issue, place_free;
  logic last_line, last_row, run_ends;
  logic scratchpad_read;
  source_entry_t entry;

  assign last_line = command_i.accumulators || left_q <= RunWidth'(LineBytes);
  assign last_row  = row_q + 1'b1 == command_i.transfer.rows;
  assign run_ends  = !command_i.transfer.merge || run_row_q + 1'b1 == command_i.transfer.count[0];
  assign want      = busy_q && place_free && (scales_q || {1'b0, row_q} < allowed_i);

  assign scratchpad_read         = scales_q || !command_i.accumulators;
  assign drain_read_valid_o      = want && !scratchpad_read;
  assign drain_read_row_o        = index_q[AccumulatorIndexWidth-1:0];
  assign scratchpad_read_valid_o = want && scratchpad_read;
  assign scratchpad_read_line_o  = index_q[LineIndexWidth-1:0];
  assign issue  = drain_read_valid_o || (scratchpad_read_valid_o && scratchpad_read_grant_i);
  assign done_o = !busy_q || (issue && !scales_q && last_line && last_row);

  always_comb begin
    entry.slot             = slot_i;
    entry.scales           = scales_q;
    entry.second           = second_q;
    entry.accumulators     = command_i.accumulators;
    entry.last             = last_line && run_ends;
    entry.bytes            = last_line ? entry_bytes_t'(left_q) : EntryBytesWidth'(LineBytes);
    entry.row              = index_q;
    entry.conversion       = command_i.conversion;
    entry.relu             = command_i.relu;
    entry.scale_per_column = command_i.scale_per_column;
    entry.scale            = command_i.scale;
  end

  always_comb begin
    busy_d     = busy_q;
    scales_d   = scales_q;
    second_d   = second_q;
    row_d      = row_q;
    run_row_d  = run_row_q;
    row_base_d = row_base_q;
    index_d    = index_q;
    left_d     = left_q;
    if (issue) begin
      if (scales_q) begin
        second_d = 1'b1;
        index_d  = index_q + 1'b1;
        if (second_q || ScaleLines == 1) begin
          scales_d = 1'b0;
          index_d  = row_base_q;
        end
      end else if (!last_line) begin
        index_d = index_q + 1'b1;
        left_d  = left_q - RunWidth'(LineBytes);
      end else begin
        row_d      = row_q + 1'b1;
        run_row_d  = run_ends ? '0 : run_row_q + 1'b1;
        row_base_d = row_base_q + command_i.transfer.local_pitch;
        index_d    = row_base_d;
        left_d     = command_i.transfer.run;
        busy_d     = !last_row;
      end
    end
    if (start_i) begin
      busy_d     = 1'b1;
      scales_d   = command_i.scale_per_column;
      second_d   = 1'b0;
      row_d      = '0;
      run_row_d  = '0;
      row_base_d = command_i.transfer.local_base;
      index_d    = command_i.scale_per_column ? command_i.scale_line
                                              : command_i.transfer.local_base;
      left_d     = command_i.transfer.run;
    end
    if (clear_i) busy_d = 1'b0;
  end

  // ---- reads under way and the queue behind them ----
  logic [MemoryLatency-1:0] arrive_q, arrive_d;           // bit 0: data are here
  place_t issue_place_q, issue_place_d;
  place_t arrive_place_q, arrive_place_d;
  place_t head_place_q, head_place_d;
  count_t taken_q, taken_d;     // places taken, data there or not
  count_t here_q, here_d;       // of them with data
  source_entry_t entry_q [Places];
  entry_data_t   data_q [Places];
  logic [1:0]    tag_q [Places];
  logic          error_q [Places];

  logic arrives, pop;
  entry_data_t row_data, arrive_data;
  logic arrive_error;

  assign place_free = taken_q != CountWidth'(Places);
  assign arrives    = arrive_q[0];

  always_comb begin
    row_data = '0;
    for (int unsigned c = 0; c < Cols; c++) row_data[32*c+:32] = drain_read_data_i[c];
    arrive_data = row_data;
    arrive_error = drain_read_error_i;
    if (entry_q[arrive_place_q].scales || !entry_q[arrive_place_q].accumulators) begin
      arrive_data = '0;
      arrive_data[8*LineBytes-1:0] = scratchpad_read_data_i;
      arrive_error = scratchpad_read_error_i;
    end
  end

  assign entry_valid_o = here_q != '0 || arrives;
  assign entry_o       = entry_q[head_place_q];
  assign entry_data_o  = (here_q != '0) ? data_q[head_place_q] : arrive_data;
  assign entry_tag_o   = (here_q != '0) ? tag_q[head_place_q] : drain_read_tag_i;
  assign entry_error_o = (here_q != '0) ? error_q[head_place_q] : arrive_error;
  assign pop           = entry_valid_o && entry_ready_i;

  always_comb begin
    arrive_d       = MemoryLatency'({issue, arrive_q} >> 1);
    issue_place_d  = issue ? next_place(issue_place_q) : issue_place_q;
    arrive_place_d = arrives ? next_place(arrive_place_q) : arrive_place_q;
    head_place_d   = pop ? next_place(head_place_q) : head_place_q;
    taken_d        = taken_q + CountWidth'(issue) - CountWidth'(pop);
    here_d         = here_q + CountWidth'(arrives) - CountWidth'(pop);
    if (clear_i) begin
      arrive_d       = '0;
      issue_place_d  = '0;
      arrive_place_d = '0;
      head_place_d   = '0;
      taken_d        = '0;
      here_d         = '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q         <= 1'b0;
      arrive_q       <= '0;
      issue_place_q  <= '0;
      arrive_place_q <= '0;
      head_place_q   <= '0;
      taken_q        <= '0;
      here_q         <= '0;
    end else begin
      busy_q         <= busy_d;
      arrive_q       <= arrive_d;
      issue_place_q  <= issue_place_d;
      arrive_place_q <= arrive_place_d;
      head_place_q   <= head_place_d;
      taken_q        <= taken_d;
      here_q         <= here_d;
    end
  end

  always_ff @(posedge clk_i) begin
    scales_q   <= scales_d;
    second_q   <= second_d;
    row_q      <= row_d;
    run_row_q  <= run_row_d;
    row_base_q <= row_base_d;
    index_q    <= index_d;
    left_q     <= left_d;
    if (issue) entry_q[issue_place_q] <= entry;
    if (arrives) begin
      data_q[arrive_place_q] <= arrive_data;
      tag_q[arrive_place_q]  <= drain_read_tag_i;
      error_q[arrive_place_q] <= arrive_error;
    end
  end

  `ASSERT(RowOfAccumulatorsFits, !(want && command_i.accumulators) ||
      32'(command_i.transfer.run) <= 4 * Cols)
  `ASSERT(StartOnlyWhenDone, !start_i || !busy_q)
  `ASSERT(PlacesInRange, taken_q <= CountWidth'(Places) && here_q <= taken_q)

endmodule

`default_nettype wire
