// Turns beats into the chip's commands: opens rows, moves words, refreshes.
//
// Takes a beat when `beat_valid_i` and `beat_ready_o`; beats are done in order. It holds two: of the next one the row
// is opened while the current one's words are moved, a word a cycle. What a beat needs on the bus's side is there
// when it is given: the data of a write (asked by `word_index_o`, popped by `write_done_o`), room for what a read
// returns. So the engine waits for nothing but the chip, and a refresh is never late.
//
// `read_o` tells in which cycle a READ was decided (its pins carry it one cycle later), or stands for a whole beat past
// the memory. `response_valid_o` comes with the decision of a write burst's last word.
// A beat's first command is decided in the cycle after it was taken, the first word at the earliest another one later;
// all pins come from flip-flops.
//
// Words 4 to 32, a power of two; ClockHz, CasLatency and Timing as sdram_controller.
`include "systolith_assert.svh"
`default_nettype none

module sdram_engine
  import sdram_pkg::*;
#(
  parameter int unsigned Words = 8,
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned CasLatency = 2,
  parameter timing_t Timing = TimingAnyPart,
  localparam int unsigned IndexWidth = $clog2(Words)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  output logic                  ready_o,
  // beats
  input  logic                  beat_valid_i,
  input  beat_t                 beat_i,
  output logic                  beat_ready_o,
  // write data
  output logic [IndexWidth-1:0] word_index_o,
  input  logic [15:0]           write_word_i,
  input  logic [1:0]            write_strobe_i,
  output logic                  write_done_o,
  // write responses
  output logic                  response_valid_o,
  output logic [1:0]            response_id_o,
  output logic                  response_error_o,
  // reads
  output read_tag_t             read_o,
  // chip
  output logic                  cke_o,
  output logic                  cs_no,
  output logic                  ras_no,
  output logic                  cas_no,
  output logic                  we_no,
  output bank_t                 bank_o,
  output row_t                  address_o,
  output logic [1:0]            dqm_o,
  output logic [15:0]           dq_o,
  output logic                  dq_enable_o
);

  localparam int unsigned Banks = 2 ** BankBits;

  // ---- power-up and refresh timer ----
  command_t power_up_command;
  row_t power_up_address;
  logic powered;

  sdram_power_up #(.ClockHz(ClockHz), .CasLatency(CasLatency), .Timing(Timing)) u_power_up (
    .clk_i, .rst_ni, .command_o(power_up_command), .address_o(power_up_address), .done_o(powered)
  );

  localparam int unsigned Interval = refresh_cycles(ClockHz);
  localparam int unsigned IntervalWidth = $clog2(Interval);
  logic [IntervalWidth-1:0] interval_q;
  logic due_q, interval_over, refreshed;

  assign interval_over = interval_q == '0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      interval_q <= IntervalWidth'(Interval - 1);
      due_q <= 1'b0;
    end else begin
      if (!powered || interval_over) interval_q <= IntervalWidth'(Interval - 1);
      else interval_q <= interval_q - 1'b1;
      due_q <= interval_over || (due_q && !refreshed);
    end
  end

  // ---- banks ----
  command_t command;
  bank_t bank;
  logic all_banks;
  row_t address;
  logic [Banks-1:0] open, may_activate, may_precharge;
  row_t [Banks-1:0] open_row;
  logic may_write, row_ready;

  sdram_banks #(.ClockHz(ClockHz), .CasLatency(CasLatency), .Timing(Timing)) u_banks (
    .clk_i, .rst_ni, .command_i(command), .bank_i(bank), .all_i(all_banks), .row_i(address),
    .open_o(open), .row_o(open_row), .may_activate_o(may_activate), .may_precharge_o(may_precharge),
    .may_write_o(may_write), .row_ready_o(row_ready)
  );

  // ---- the next beat and the current one ----
  logic next_valid_q, next_valid_d, current_valid_q, current_valid_d;
  beat_t next_q, current_q;
  logic [IndexWidth-1:0] word_q, word_d;
  logic next_hit, next_apart, move, word_go, current_done;

  assign next_hit = open[next_q.bank] && open_row[next_q.bank] == next_q.row;
  // The current beat does not need the bank any more.
  assign next_apart = !current_valid_q || current_q.error || current_q.bank != next_q.bank;

  always_comb begin
    command = Nop;
    bank = next_q.bank;
    all_banks = 1'b0;
    address = next_q.row;
    refreshed = 1'b0;
    word_go = 1'b0;
    if (!powered) begin
      command = power_up_command;
      address = power_up_address;
      all_banks = 1'b1;
    end else if (due_q && !current_valid_q) begin
      if (open != '0) begin
        if (may_precharge == '1) begin
          command = Precharge;
          address[10] = 1'b1;
          all_banks = 1'b1;
        end
      end else if (may_activate == '1) begin
        command = Refresh;
        refreshed = 1'b1;
      end
    end else if (next_valid_q && !next_q.error && !due_q && !next_hit && !open[next_q.bank] &&
                 may_activate[next_q.bank]) begin
      command = Activate;
    end else if (next_valid_q && !next_q.error && !due_q && !next_hit && open[next_q.bank] &&
                 next_apart && may_precharge[next_q.bank]) begin
      command = Precharge;
      address[10] = 1'b0;
    end else if (current_valid_q) begin
      bank = current_q.bank;
      address = {4'b0000, current_q.column[ColumnBits-1:IndexWidth], word_q};
      word_go = current_q.error || !current_q.write || may_write;
      if (word_go && !current_q.error) command = current_q.write ? Write : Read;
    end
  end

  assign current_done = word_go && (current_q.error || word_q == IndexWidth'(Words - 1));
  assign move = next_valid_q && !due_q && (!current_valid_q || current_done) &&
                (next_q.error || (next_hit && row_ready));
  assign beat_ready_o = !next_valid_q || move;

  always_comb begin
    next_valid_d = beat_ready_o ? beat_valid_i : next_valid_q;
    current_valid_d = move || (current_valid_q && !current_done);
    word_d = word_q;
    if (current_done) word_d = '0;
    else if (word_go) word_d = word_q + 1'b1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
      current_valid_q <= 1'b0;
      word_q <= '0;
    end else begin
      next_valid_q <= next_valid_d;
      current_valid_q <= current_valid_d;
      word_q <= word_d;
    end
  end
  always_ff @(posedge clk_i) begin
    if (beat_ready_o) next_q <= beat_i;
    if (move) current_q <= next_q;
  end

  assign ready_o = powered;
  assign word_index_o = word_q;
  assign write_done_o = current_done && current_q.write;
  assign response_valid_o = write_done_o && current_q.last;
  assign response_id_o = current_q.id;
  assign response_error_o = current_q.error;
  assign read_o = '{
    valid: word_go && !current_q.write,
    beat_end: current_done,
    error: current_q.error,
    last: current_q.last,
    id: current_q.id
  };

  // ---- pins ----
  logic selected, write;
  command_t pin_command_q;
  assign cke_o = 1'b1;   // never powered down, nor in self-refresh
  assign selected = command != Nop;
  assign write = command == Write;
  assign {ras_no, cas_no, we_no} = pin_command_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      cs_no <= 1'b1;
      pin_command_q <= Nop;
      dqm_o <= 2'b11;
      dq_enable_o <= 1'b0;
    end else begin
      cs_no <= !selected;
      pin_command_q <= command;
      dqm_o <= !powered ? 2'b11 : write ? ~write_strobe_i : 2'b00;
      dq_enable_o <= write;
    end
  end
  always_ff @(posedge clk_i) begin
    if (selected) begin
      bank_o <= bank;
      address_o <= address;
    end
    if (write) dq_o <= write_word_i;
  end

  logic unused_bits;
  assign unused_bits = ^current_q.row ^ (^current_q.column[IndexWidth-1:0]);

  `ASSERT(RefreshInTime, !(due_q && interval_over))
  `ASSERT(BeatStartsAtItsBoundary, !current_valid_q || current_q.column[IndexWidth-1:0] == '0)

endmodule

`default_nettype wire
