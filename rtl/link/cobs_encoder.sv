// Puts the byte stuffing (COBS) on the frames that lie in a ring, and a zero behind each.
//
// Reads each run (up to 254 bytes without a zero) twice: once to count it, then, from the code on, to send it.
// Handshake: valid/ready; `valid_o` stays with its byte until `ready_i`. The ring's side is byte_ring's.
// Latency: two cycles a byte of the first run, and 2. Throughput: a byte a cycle but for the counting; a buffer of 4
// bytes behind it keeps a line busy on which a byte takes 80 cycles or more. No parameters.
`include "systolith_assert.svh"
`default_nettype none

module cobs_encoder (
  input  logic       clk_i,
  input  logic       rst_ni,
  // ring
  input  logic       valid_i,
  input  logic [7:0] data_i,
  input  logic       last_i,      // of the frame
  output logic       read_o,
  output logic       release_o,   // with read_o
  output logic       rewind_o,
  // bytes for the line
  output logic       valid_o,
  output logic [7:0] data_o,
  input  logic       ready_i
);

  localparam logic [7:0] LongestRun = 8'd254;

  typedef enum logic [2:0] {Count, Code, Run, Zero, End} state_t;
  state_t state_q, state_d;
  logic [7:0] run_q, run_d;   // bytes counted, then those to be sent
  logic zero_q, zero_d;       // a zero ends the run
  logic end_q, end_d;         // the frame ends with the run, or its zero
  state_t after_run;

  assign after_run = zero_q ? Zero : end_q ? End : Count;

  always_comb begin
    state_d = state_q;
    run_d = run_q;
    zero_d = zero_q;
    end_d = end_q;
    read_o = 1'b0;
    release_o = 1'b0;
    rewind_o = 1'b0;
    valid_o = 1'b0;
    data_o = data_i;
    unique case (state_q)
      Count: begin
        zero_d = data_i == 8'h00;
        end_d = last_i;
        if (valid_i) begin
          read_o = 1'b1;
          if (!zero_d) run_d = run_q + 8'd1;
          if (zero_d || end_d || run_d == LongestRun) state_d = Code;
        end
      end
      Code: begin
        rewind_o = 1'b1;
        valid_o = 1'b1;
        data_o = run_q + 8'd1;
        if (ready_i) state_d = (run_q == 8'd0) ? after_run : Run;
      end
      Run: begin
        valid_o = valid_i;
        if (valid_i && ready_i) begin
          read_o = 1'b1;
          release_o = 1'b1;
          run_d = run_q - 8'd1;
          if (run_q == 8'd1) state_d = after_run;
        end
      end
      Zero: begin
        // It needs no byte but the next code; a zero that is the frame's last has one, of an empty run.
        read_o = valid_i;
        release_o = valid_i;
        if (valid_i) begin
          zero_d = 1'b0;
          state_d = end_q ? Code : Count;
        end
      end
      End: begin
        valid_o = 1'b1;
        data_o = 8'h00;
        if (ready_i) state_d = Count;
      end
      default: state_d = Count;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Count;
      run_q <= '0;
      zero_q <= 1'b0;
      end_q <= 1'b0;
    end else begin
      state_q <= state_d;
      run_q <= run_d;
      zero_q <= zero_d;
      end_q <= end_d;
    end
  end

  `ASSERT(RunInRange, run_q <= LongestRun)
  `ASSERT(CountsFromNothing, state_q != End || run_q == 8'd0)
  `ASSERT(ZeroOnlyAtEnd, !valid_o || data_o != 8'h00 || state_q == End)
  `ASSERT(RunIsThere, (state_q != Run && state_q != Zero) || valid_i)
  `ASSERT(ZeroIsZero, state_q != Zero || data_i == 8'h00)
  `ASSERT_NEXT(Held, valid_o && !ready_i, valid_o && $stable(data_o))

endmodule

`default_nettype wire
