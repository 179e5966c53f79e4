// What the four banks are doing: open rows, and which commands their times allow.
//
// `command_i` (Nop for none) with its bank is what is sent in this cycle; `all_i` makes a Precharge one of all banks.
// The outputs say what may be sent in this cycle: `may_activate_o` covers tRP, tRC and tRFC, `may_precharge_o` tRAS
// and tWR, `may_write_o` that the data bus has come to rest after the last READ. `row_ready_o`: words of the row
// that was opened last may be moved from the next cycle on (tRCD). Refresh needs all banks closed and
// `may_activate_o` of all. Two ACTIVEs are never sent in consecutive cycles, which is all that tRRD asks for.
//
// ClockHz, CasLatency and Timing as sdram_controller.
`include "systolith_assert.svh"
`default_nettype none

module sdram_banks
  import sdram_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned CasLatency = 2,
  parameter timing_t Timing = TimingAnyPart,
  localparam int unsigned Banks = 2 ** BankBits
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  command_t         command_i,
  input  bank_t            bank_i,
  input  logic             all_i,
  input  row_t             row_i,           // of Activate
  output logic [Banks-1:0] open_o,
  output row_t [Banks-1:0] row_o,
  output logic [Banks-1:0] may_activate_o,
  output logic [Banks-1:0] may_precharge_o,
  output logic             may_write_o,
  output logic             row_ready_o
);

  localparam int unsigned Trcd = cycles_of(Timing.trcd, ClockHz, 1);
  localparam int unsigned Trp = cycles_of(Timing.trp, ClockHz, 1);
  localparam int unsigned Tras = cycles_of(Timing.tras, ClockHz, 1);
  localparam int unsigned Trc = cycles_of(Timing.trc, ClockHz, 1);
  localparam int unsigned Trfc = cycles_of(Timing.trfc, ClockHz, 1);
  localparam int unsigned Trrd = cycles_of(Timing.trrd, ClockHz, Timing.clocks);
  localparam int unsigned Twr = cycles_of(Timing.twr, ClockHz, Timing.clocks);
  localparam int unsigned Turn = CasLatency + 2;   // READ to WRITE

  if (Trrd > 2) begin : gen_slow_trrd
    $error("sdram_banks: tRRD must be at most two cycles");
  end

  // Cycles left; each of the times above is loaded less the cycle of its command.
  localparam int unsigned Longest = (Trc > Trfc) ? Trc : Trfc;
  localparam int unsigned Width = $clog2(Longest + Tras + Turn);
  typedef logic [Width-1:0] wait_t;

  function automatic wait_t after(int unsigned cycles, wait_t left);
    wait_t least;
    least = wait_t'(cycles - 1);
    return (left > least) ? left : least;
  endfunction

  logic [Banks-1:0] open_q, open_d;
  row_t [Banks-1:0] row_q, row_d;
  wait_t [Banks-1:0] activate_q, activate_d;
  wait_t [Banks-1:0] precharge_q, precharge_d;
  wait_t column_q, column_d;   // READ or WRITE after ACTIVE
  wait_t write_q, write_d;     // WRITE after READ

  always_comb begin
    open_d = open_q;
    row_d = row_q;
    for (int unsigned b = 0; b < Banks; b++) begin
      activate_d[b] = (activate_q[b] != '0) ? activate_q[b] - 1'b1 : '0;
      precharge_d[b] = (precharge_q[b] != '0) ? precharge_q[b] - 1'b1 : '0;
    end
    column_d = (column_q != '0) ? column_q - 1'b1 : '0;
    write_d = (write_q != '0) ? write_q - 1'b1 : '0;
    unique case (command_i)
      Activate: begin
        open_d[bank_i] = 1'b1;
        row_d[bank_i] = row_i;
        activate_d[bank_i] = wait_t'(Trc - 1);
        precharge_d[bank_i] = wait_t'(Tras - 1);
        column_d = wait_t'(Trcd - 1);
      end
      Precharge: begin
        for (int unsigned b = 0; b < Banks; b++) begin
          if (all_i || bank_t'(b) == bank_i) begin
            open_d[b] = 1'b0;
            activate_d[b] = after(Trp, activate_d[b]);
          end
        end
      end
      Refresh: begin
        for (int unsigned b = 0; b < Banks; b++) activate_d[b] = wait_t'(Trfc - 1);
      end
      Read: write_d = wait_t'(Turn - 1);
      Write: precharge_d[bank_i] = after(Twr, precharge_d[bank_i]);
      default: ;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      open_q <= '0;
      activate_q <= '0;
      precharge_q <= '0;
      column_q <= '0;
      write_q <= '0;
    end else begin
      open_q <= open_d;
      activate_q <= activate_d;
      precharge_q <= precharge_d;
      column_q <= column_d;
      write_q <= write_d;
    end
  end
  always_ff @(posedge clk_i) row_q <= row_d;

  always_comb begin
    for (int unsigned b = 0; b < Banks; b++) begin
      may_activate_o[b] = activate_q[b] == '0;
      may_precharge_o[b] = precharge_q[b] == '0;
    end
  end
  assign open_o = open_q;
  assign row_o = row_q;
  assign may_write_o = write_q == '0;
  assign row_ready_o = column_q <= wait_t'(1);

  `ASSERT(ActivatesClosedBank, command_i != Activate || (!open_q[bank_i] && may_activate_o[bank_i]))
  `ASSERT_NEXT(ActivatesApart, command_i == Activate, command_i != Activate)
  `ASSERT(WordsOfOpenBank, (command_i != Read && command_i != Write) || open_q[bank_i])
  `ASSERT(RefreshesClosedBanks, command_i != Refresh || open_q == '0)

endmodule

`default_nettype wire
