// Scratchpad: ScratchpadLines lines of LineBytes in ScratchpadBanks banks, one write and three read
// ports.
//
// Bank b holds lines b x LinesPerBank .. (b + 1) x LinesPerBank - 1: software that keeps A and B in
// different banks has no conflicts.
// Reads of different banks are granted together, on one bank in the order stationary, store,
// operand; the grant comes in the same cycle, the data MemoryLatency cycles later, for that cycle.
// Write: one bus word of a line with byte strobes, always accepted, seen by reads of later cycles.
// `clear_i` (pulse) zeroes all of it, one line of each bank a cycle; `clear_busy_o` meanwhile, and
// nothing else may be going on.
// `*_read_error_o`: with the data, some byte of the line is wrong. `corrected_o`: pulses, a byte of
// a line that is read was corrected. Both stay low until a clear since `rst_ni` has made every byte
// a word of the code.
`include "systolith_assert.svh"
`default_nettype none

module scratchpad
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  // load unit
  input  logic                      scratchpad_write_valid_i,
  input  line_index_t               scratchpad_write_line_i,
  input  logic [WordIndexWidth-1:0] scratchpad_write_word_i,
  input  bus_data_t                 scratchpad_write_data_i,
  input  bus_strobe_t               scratchpad_write_strobe_i,
  // matrix unit: rows of B
  input  logic        stationary_read_valid_i,
  input  line_index_t stationary_read_line_i,
  output logic        stationary_read_grant_o,
  output line_t       stationary_read_data_o,
  output logic        stationary_read_error_o,
  // store unit
  input  logic        store_read_valid_i,
  input  line_index_t store_read_line_i,
  output logic        store_read_grant_o,
  output line_t       store_read_data_o,
  output logic        store_read_error_o,
  // matrix unit: rows of A
  input  logic        operand_read_valid_i,
  input  line_index_t operand_read_line_i,
  output logic        operand_read_grant_o,
  output line_t       operand_read_data_o,
  output logic        operand_read_error_o,
  // clear
  input  logic clear_i,
  output logic clear_busy_o,
  // errors
  output logic corrected_o
);

  localparam int unsigned BankWidth = index_width(ScratchpadBanks);
  localparam int unsigned InBankWidth = $clog2(LinesPerBank);

  if (LinesPerBank < 2 || (ScratchpadLines & (ScratchpadLines - 1)) != 0 ||
      (ScratchpadBanks & (ScratchpadBanks - 1)) != 0) begin : gen_bad_size
    $error("scratchpad: lines and banks must be powers of two, two lines a bank at least");
  end

  typedef logic [BankWidth-1:0] bank_t;
  typedef logic [InBankWidth-1:0] in_bank_t;

  function automatic bank_t bank_of(line_index_t line);
    return BankWidth'(line >> InBankWidth);
  endfunction

  // ---- arbitration ----
  bank_t stationary_bank, store_bank, operand_bank, write_bank;
  assign stationary_bank = bank_of(stationary_read_line_i);
  assign store_bank = bank_of(store_read_line_i);
  assign operand_bank = bank_of(operand_read_line_i);
  assign write_bank = bank_of(scratchpad_write_line_i);

  assign stationary_read_grant_o = stationary_read_valid_i;
  assign store_read_grant_o = store_read_valid_i &&
      !(stationary_read_valid_i && stationary_bank == store_bank);
  assign operand_read_grant_o = operand_read_valid_i &&
      !(stationary_read_valid_i && stationary_bank == operand_bank) &&
      !(store_read_valid_i && store_bank == operand_bank);

  // ---- clear ----
  logic clearing_q, clearing_d;
  in_bank_t clear_line_q, clear_line_d;
  logic cleared_q, cleared_d;   // since rst_ni

  always_comb begin
    clearing_d = clearing_q;
    cleared_d = cleared_q || (clearing_q && clear_line_q == '1);
    clear_line_d = clear_line_q;
    if (clear_i) begin
      clearing_d = 1'b1;
      clear_line_d = '0;
    end else if (clearing_q) begin
      clear_line_d = clear_line_q + 1'b1;
      clearing_d = (clear_line_q != '1);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      clearing_q <= 1'b0;
      clear_line_q <= '0;
      cleared_q <= 1'b0;
    end else begin
      clearing_q <= clearing_d;
      cleared_q <= cleared_d;
      clear_line_q <= clear_line_d;
    end
  end

  assign clear_busy_o = clearing_q;

  // ---- banks, a memory a bus word of the line ----
  bus_data_t write_data;
  bus_strobe_t write_strobe;
  in_bank_t write_line;
  assign write_data = clearing_q ? '0 : scratchpad_write_data_i;
  assign write_strobe = clearing_q ? '1 : scratchpad_write_strobe_i;
  assign write_line = clearing_q ? clear_line_q : scratchpad_write_line_i[InBankWidth-1:0];

  line_t bank_data [ScratchpadBanks];
  logic [ScratchpadBanks-1:0] bank_corrected, bank_error;

  for (genvar b = 0; b < ScratchpadBanks; b++) begin : gen_bank
    logic stationary_here, store_here, read_valid;
    in_bank_t read_line;
    assign stationary_here = stationary_read_valid_i && stationary_bank == BankWidth'(b);
    assign store_here = store_read_valid_i && store_bank == BankWidth'(b);
    assign read_valid = stationary_here || store_here ||
        (operand_read_valid_i && operand_bank == BankWidth'(b));
    assign read_line = stationary_here ? stationary_read_line_i[InBankWidth-1:0] :
        store_here ? store_read_line_i[InBankWidth-1:0] : operand_read_line_i[InBankWidth-1:0];

    logic [WordsPerLine-1:0] corrected, uncorrected;
    assign bank_corrected[b] = corrected != '0;
    assign bank_error[b] = uncorrected != '0 && cleared_q;

    for (genvar w = 0; w < WordsPerLine; w++) begin : gen_word
      memory #(
        .Width(8*BusBytes), .Depth(LinesPerBank), .Granule(8), .Latency(MemoryLatency),
        .Secded(MemorySecded)
      ) u_memory (
        .clk_i, .rst_ni,
        .write_valid_i(clearing_q || (scratchpad_write_valid_i && write_bank == BankWidth'(b) &&
                                      scratchpad_write_word_i == WordIndexWidth'(w))),
        .write_index_i(write_line), .write_strobe_i(write_strobe), .write_data_i(write_data),
        .read_valid_i(read_valid), .read_index_i(read_line),
        .read_data_o(bank_data[b][8*BusBytes*w +: 8*BusBytes]),
        .corrected_o(corrected[w]), .uncorrected_o(uncorrected[w])
      );
    end
  end

  // ---- which bank answers which port ----
  bank_t [MemoryLatency-1:0] stationary_bank_q, store_bank_q, operand_bank_q;
  always_ff @(posedge clk_i) begin
    stationary_bank_q <= (MemoryLatency*BankWidth)'({stationary_bank_q, stationary_bank});
    store_bank_q <= (MemoryLatency*BankWidth)'({store_bank_q, store_bank});
    operand_bank_q <= (MemoryLatency*BankWidth)'({operand_bank_q, operand_bank});
  end

  assign stationary_read_data_o = bank_data[stationary_bank_q[MemoryLatency-1]];
  assign store_read_data_o = bank_data[store_bank_q[MemoryLatency-1]];
  assign operand_read_data_o = bank_data[operand_bank_q[MemoryLatency-1]];
  assign stationary_read_error_o = bank_error[stationary_bank_q[MemoryLatency-1]];
  assign store_read_error_o = bank_error[store_bank_q[MemoryLatency-1]];
  assign operand_read_error_o = bank_error[operand_bank_q[MemoryLatency-1]];
  assign corrected_o = bank_corrected != '0 && cleared_q;

  `ASSERT(NothingDuringClear, !clearing_q || !scratchpad_write_valid_i)
  `ASSERT(WordInLine, !scratchpad_write_valid_i || 32'(scratchpad_write_word_i) < WordsPerLine)

endmodule

`default_nettype wire
