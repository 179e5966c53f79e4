// Data side of the load unit: takes the beats of R, cuts them into rows and writes the rows into
// the local memory.
//
//   R -> realigner -> write register -> scratchpad or accumulators
//
// Works on one command, the current one; the next moves up with the current one's last word. The
// last word waits until the end of the command is looked after (`current_tracked_i`, see
// `load_retire`). A beat that comes with an error stops it: the beat is not written and `error_o`
// pulses; by then the current command is (or becomes, in this cycle) the one that owns the beat.
// With `stop_i` or `flush_i` every owed beat is taken at once and dropped, and the words already
// cut are still written (`stop_i`) or forgotten (`flush_i`). With `stop_i` the current command
// moves on with `current_drop_i`.
//
// Timing: a word is offered to the memory 2 cycles after its last beat was taken, 1 if the word
// began in the beat before; one beat a cycle for rows of any alignment, one row a cycle for rows
// shorter than a beat. `r_ready_o` depends on `accumulator_write_ready_i`, on nothing else of the
// same cycle but the control inputs.
`include "systolith_assert.svh"
`default_nettype none

module load_write
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import load_pkg::*;
#(
    localparam int unsigned OffsetWidth = $clog2(BusBytes)
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,

    // started commands, in order
    input  logic                            context_valid_i,
    input  load_context_t                   context_i,
    output logic                            context_ready_o,

    // oldest burst owed
    input  logic                            burst_valid_i,
    input  logic [OffsetWidth-1:0]          burst_offset_i,
    input  logic [8:0]                      burst_beats_i,
    output logic                            burst_done_o,

    // AXI read data
    input  logic                            r_valid_i,
    input  bus_data_t                       r_data_i,
    input  logic                            r_error_i,
    input  logic                            r_last_i,
    output logic                            r_ready_o,

    // control
    input  logic                            flush_i,
    input  logic                            stop_i,
    output logic                            error_o,             // pulse: the beat had an error

    // current command
    output logic                            current_valid_o,
    output load_context_t                   current_o,
    input  logic                            current_tracked_i,
    input  logic                            current_drop_i,
    output logic                            current_cut_o,       // pulse: its last word was cut
    output logic                            row_done_o,          // pulse: a row is written
    output logic                            command_done_o,      // with it: its command's last
    output logic                            quiet_o,             // no data is held

    // scratchpad
    output logic                            scratchpad_write_valid_o,
    output line_index_t                     scratchpad_write_line_o,
    output logic [WordIndexWidth-1:0]       scratchpad_write_word_o,
    output bus_data_t                       scratchpad_write_data_o,
    output bus_strobe_t                     scratchpad_write_strobe_o,

    // accumulators
    output logic                            accumulator_write_valid_o,
    input  logic                            accumulator_write_ready_i,
    output accumulator_index_t              accumulator_write_row_o,
    output logic [AccumulatorWordWidth-1:0] accumulator_write_word_o,
    output bus_data_t                       accumulator_write_data_o,
    output logic [ColumnsPerWord-1:0]       accumulator_write_strobe_o,
    output logic [1:0]                      accumulator_write_tag_o
);

  localparam int unsigned WordWidth = max2(WordIndexWidth, AccumulatorWordWidth);
  typedef logic [WordWidth-1:0] word_index_t;

  // ---- beats of the oldest burst ----
  logic [8:0] beat_q, beat_d;
  logic beat_taken, last_beat, draining;
  logic beat_valid, beat_ready;

  assign draining     = stop_i || flush_i;
  assign r_ready_o    = draining || beat_ready;
  assign beat_taken   = r_valid_i && r_ready_o;
  assign last_beat    = beat_q + 1'b1 == burst_beats_i;
  assign burst_done_o = beat_taken && last_beat;
  assign beat_valid   = r_valid_i && !r_error_i && !draining;
  assign error_o      = beat_taken && r_error_i && !draining;

  always_comb begin
    beat_d = beat_q;
    if (beat_taken) beat_d = last_beat ? '0 : beat_q + 1'b1;
  end

  // ---- current command ----
  logic current_valid_q, current_valid_d;
  load_context_t current_q;
  run_t left_q, left_d;                  // bytes of the row still to be cut
  rows_t rows_left_q, rows_left_d;       // of the command, this one included
  rows_t run_rows_left_q, run_rows_left_d;  // of the run of memory, this one included
  local_t row_base_q, row_base_d;        // line or accumulator row where the row starts
  local_t line_q, line_d;
  word_index_t word_q, word_d;

  logic row_ends, run_ends, command_ends;
  logic [OffsetWidth:0] bytes;
  logic want_word, word_valid, word_leaves;
  logic room;                            // in the write register
  logic current_moves;
  bus_data_t word_data;
  logic realigner_empty;

  assign row_ends     = left_q <= RunWidth'(BusBytes);
  assign run_ends     = row_ends && run_rows_left_q == RowsWidth'(1);
  assign command_ends = row_ends && rows_left_q == RowsWidth'(1);
  assign bytes        = row_ends ? (OffsetWidth + 1)'(left_q) : (OffsetWidth + 1)'(BusBytes);

  assign want_word   = current_valid_q && room && !draining && (!command_ends || current_tracked_i);
  assign word_leaves = word_valid && want_word;

  realigner u_realigner (
      .clk_i,
      .rst_ni,
      .clear_i        (draining || error_o),
      .beat_valid_i   (beat_valid),
      .beat_data_i    (r_data_i),
      .beat_offset_i  (beat_q == '0 ? burst_offset_i : '0),
      .beat_ready_o   (beat_ready),
      .word_bytes_i   (bytes),
      .word_ends_run_i(run_ends),
      .word_valid_o   (word_valid),
      .word_data_o    (word_data),
      .word_ready_i   (want_word),
      .empty_o        (realigner_empty)
  );

  assign current_moves   = !current_valid_q || (word_leaves && command_ends) || current_drop_i;
  assign context_ready_o = current_moves;

  always_comb begin
    current_valid_d = current_valid_q;
    left_d          = left_q;
    rows_left_d     = rows_left_q;
    run_rows_left_d = run_rows_left_q;
    row_base_d      = row_base_q;
    line_d          = line_q;
    word_d          = word_q;
    if (word_leaves) begin
      if (row_ends) begin
        left_d          = current_q.run;
        rows_left_d     = rows_left_q - 1'b1;
        run_rows_left_d = run_ends ? current_q.rows_in_run : run_rows_left_q - 1'b1;
        row_base_d      = row_base_q + current_q.local_pitch;
        line_d          = row_base_d;
        word_d          = '0;
      end else begin
        left_d = left_q - RunWidth'(BusBytes);
        word_d = word_q + 1'b1;
        if (!current_q.accumulators && word_q == WordWidth'(WordsPerLine - 1)) begin
          word_d = '0;
          line_d = line_q + 1'b1;
        end
      end
    end
    if (current_moves) begin
      current_valid_d = context_valid_i;
      left_d          = context_i.run;
      rows_left_d     = context_i.rows;
      run_rows_left_d = context_i.rows_in_run;
      row_base_d      = context_i.local_base;
      line_d          = context_i.local_base;
      word_d          = '0;
    end
    if (flush_i) current_valid_d = 1'b0;
  end

  assign current_valid_o = current_valid_q;
  assign current_o       = current_q;
  assign current_cut_o   = word_leaves && command_ends;

  // ---- write register ----
  logic write_valid_q, write_valid_d;
  logic write_accumulators_q;
  logic write_row_ends_q, write_command_ends_q;
  local_t write_line_q;
  word_index_t write_word_q;
  logic [1:0] write_tag_q;
  bus_data_t write_data_q;
  bus_strobe_t write_strobe_q;
  logic write_leaves;
  bus_strobe_t strobe;

  assign write_leaves = write_valid_q && (!write_accumulators_q || accumulator_write_ready_i);
  assign room         = !write_valid_q || write_leaves;

  always_comb begin
    for (int unsigned i = 0; i < BusBytes; i++) strobe[i] = (OffsetWidth + 1)'(i) < bytes;
  end

  assign write_valid_d = !flush_i && (word_leaves || (write_valid_q && !write_leaves));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      beat_q          <= '0;
      current_valid_q <= 1'b0;
      write_valid_q   <= 1'b0;
    end else begin
      beat_q          <= beat_d;
      current_valid_q <= current_valid_d;
      write_valid_q   <= write_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (current_moves) current_q <= context_i;
    if (current_moves || word_leaves) begin
      left_q          <= left_d;
      rows_left_q     <= rows_left_d;
      run_rows_left_q <= run_rows_left_d;
      row_base_q      <= row_base_d;
      line_q          <= line_d;
      word_q          <= word_d;
    end
    if (word_leaves) begin
      write_accumulators_q <= current_q.accumulators;
      write_row_ends_q     <= row_ends;
      write_command_ends_q <= command_ends;
      write_line_q         <= line_q;
      write_word_q         <= word_q;
      write_tag_q          <= current_q.tag;
      write_data_q         <= word_data;
      write_strobe_q       <= strobe;
    end
  end

  assign row_done_o     = write_leaves && write_row_ends_q && !flush_i;
  assign command_done_o = row_done_o && write_command_ends_q;
  assign quiet_o        = realigner_empty && !write_valid_q;

  assign scratchpad_write_valid_o  = write_valid_q && !write_accumulators_q;
  assign scratchpad_write_line_o   = LineIndexWidth'(write_line_q);
  assign scratchpad_write_word_o   = WordIndexWidth'(write_word_q);
  assign scratchpad_write_data_o   = write_data_q;
  assign scratchpad_write_strobe_o = write_strobe_q;

  assign accumulator_write_valid_o = write_valid_q && write_accumulators_q;
  assign accumulator_write_row_o   = AccumulatorIndexWidth'(write_line_q);
  assign accumulator_write_word_o  = AccumulatorWordWidth'(write_word_q);
  assign accumulator_write_data_o  = write_data_q;
  assign accumulator_write_tag_o   = write_tag_q;
  for (genvar i = 0; i < ColumnsPerWord; i++) begin : gen_column
    assign accumulator_write_strobe_o[i] = write_strobe_q[4*i];
  end

  `ASSERT(BeatIsOwed, !r_valid_i || burst_valid_i)
  `ASSERT(LastBeatMatches, !beat_taken || r_last_i == last_beat)
  `ASSERT(BeatHasCommand, !beat_valid || current_valid_q)
  `ASSERT(LineInRange, !write_valid_q ||
      32'(write_line_q) < (write_accumulators_q ? AccumulatorRows : ScratchpadLines))
  `ASSERT(WholeColumns, !accumulator_write_valid_o || write_strobe_q[3:0] == 4'hf)

endmodule

`default_nettype wire
