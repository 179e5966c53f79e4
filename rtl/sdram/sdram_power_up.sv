// The chip's power-up: 200 us of nothing, PRECHARGE all, eight refreshes, LOAD MODE (burst length 1, sequential).
//
// Gives a command (else Nop) a cycle until `done_o`, which comes tMRD after LOAD MODE and stays. Starts at reset's
// release.
//
// ClockHz, CasLatency and Timing as sdram_controller.
`include "systolith_assert.svh"
`default_nettype none

module sdram_power_up
  import sdram_pkg::*;
#(
  parameter int unsigned ClockHz = 50_000_000,
  parameter int unsigned CasLatency = 2,
  parameter timing_t Timing = TimingAnyPart
) (
  input  logic     clk_i,
  input  logic     rst_ni,
  output command_t command_o,
  output row_t     address_o,
  output logic     done_o
);

  localparam int unsigned PowerUp = cycles_of(PowerUpTime, ClockHz, 1);
  localparam int unsigned Trp = cycles_of(Timing.trp, ClockHz, 1);
  localparam int unsigned Trfc = cycles_of(Timing.trfc, ClockHz, 1);
  localparam int unsigned Tmrd = cycles_of(Timing.tmrd, ClockHz, Timing.clocks);
  localparam int unsigned WaitWidth = $clog2(PowerUp + 1);

  typedef logic [WaitWidth-1:0] wait_t;
  typedef logic [3:0] step_t;

  localparam step_t StepPrecharge = 4'd0;   // then refreshes 1 to 8
  localparam step_t StepMode = 4'd9;
  localparam step_t StepDone = 4'd10;

  step_t step_q;
  wait_t wait_q;   // cycles before the step's command
  logic go;

  assign done_o = step_q == StepDone && wait_q == '0;
  assign go = step_q != StepDone && wait_q == '0;

  always_comb begin
    command_o = Nop;
    address_o = '0;
    if (go) begin
      unique case (step_q)
        StepPrecharge: begin
          command_o = Precharge;
          address_o[10] = 1'b1;
        end
        StepMode: begin
          command_o = LoadMode;
          address_o = row_t'({3'(CasLatency), 4'b0000});
        end
        default: command_o = Refresh;
      endcase
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      step_q <= StepPrecharge;
      wait_q <= wait_t'(PowerUp);
    end else if (go) begin
      step_q <= step_q + 4'd1;
      unique case (step_q)
        StepPrecharge: wait_q <= wait_t'(Trp - 1);
        StepMode:      wait_q <= wait_t'(Tmrd - 1);
        default:       wait_q <= wait_t'(Trfc - 1);
      endcase
    end else if (wait_q != '0) begin
      wait_q <= wait_q - 1'b1;
    end
  end

endmodule

`default_nettype wire
