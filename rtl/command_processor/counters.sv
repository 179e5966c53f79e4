// The event counters of interfaces section 7: cycles split exactly into those with MACs and those lost, by cause.
//
// Every cycle with `busy_i` adds one to `cycles_o` and one to exactly one of `mac_cycles_o` and the lost ones.
// Latency: a cycle later. `clear_i` zeroes all: two cycles later they are zero and count what comes
// from the cycle after the clear on.
`include "systolith_assert.svh"
`default_nettype none

module counters
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic clk_i,
  input  logic rst_ni,
  input  logic clear_i,
  input  logic busy_i,

  // Matrix unit.
  input  logic        issue_i,
  input  logic [15:0] issue_lanes_i,
  input  logic [15:0] issue_columns_i,
  input  logic        has_command_i,
  input  logic        in_flight_i,
  input  logic        lost_wait_i,
  input  logic        lost_wait_load_i,    // on a semaphore that the load unit signals
  input  logic        lost_wait_store_i,
  input  logic        lost_reentry_i,

  // Bus and units.
  input  logic        r_beat_i,
  input  logic        w_beat_i,
  input  logic        load_busy_i,
  input  logic        store_busy_i,
  input  logic        command_done_i,
  input  logic        dropped_beat_i,

  // On-chip memories.
  input  logic        corrected_i,

  output logic [63:0] cycles_o,
  output logic [63:0] mac_cycles_o,
  output logic [63:0] lost_start_o,
  output logic [63:0] lost_tail_o,
  output logic [63:0] lost_drain_o,
  output logic [63:0] lost_loads_o,
  output logic [63:0] lost_store_o,
  output logic [63:0] lost_other_o,
  output logic [63:0] lost_reentry_o,
  output logic [63:0] lost_fill_o,
  output logic [63:0] macs_o,
  output logic [63:0] bytes_read_o,
  output logic [63:0] bytes_written_o,
  output logic [63:0] load_busy_o,
  output logic [63:0] store_busy_o,
  output logic [63:0] commands_o,
  output logic [63:0] dropped_beats_o,
  output logic [63:0] corrected_o
);

  localparam int unsigned Width = 48;   // years at any clock
  localparam int unsigned Count = 18;
  typedef logic [Width-1:0] count_t;

  typedef enum int unsigned {
    Cycles, MacCycles, LostStart, LostTail, LostDrain, LostLoads, LostStore, LostOther, LostReentry, LostFill,
    Macs, BytesRead, BytesWritten, LoadBusy, StoreBusy, Commands, DroppedBeats,
    Corrected
  } counter_e;

  logic worked_q;   // the matrix unit has issued since busy rose

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) worked_q <= 1'b0;
    else worked_q <= busy_i && (worked_q || issue_i);
  end

  logic idle;
  assign idle = busy_i && !issue_i;

  logic [Count-1:0] event_d, event_q;
  always_comb begin
    event_d = '0;
    event_d[Cycles] = busy_i;
    event_d[MacCycles] = busy_i && issue_i;
    event_d[LostStart] = idle && !has_command_i && !in_flight_i && !worked_q;
    event_d[LostDrain] = idle && !has_command_i && in_flight_i;
    event_d[LostTail] = idle && !has_command_i && !in_flight_i && worked_q;
    event_d[LostLoads] = idle && has_command_i && lost_wait_i && lost_wait_load_i;
    event_d[LostStore] = idle && has_command_i && lost_wait_i && !lost_wait_load_i && lost_wait_store_i;
    event_d[LostOther] = idle && has_command_i && lost_wait_i && !lost_wait_load_i && !lost_wait_store_i;
    event_d[LostReentry] = idle && has_command_i && !lost_wait_i && lost_reentry_i;
    event_d[LostFill] = idle && has_command_i && !lost_wait_i && !lost_reentry_i;
    event_d[Macs] = busy_i && issue_i;
    event_d[BytesRead] = r_beat_i;
    event_d[BytesWritten] = w_beat_i;
    event_d[LoadBusy] = busy_i && load_busy_i;
    event_d[StoreBusy] = busy_i && store_busy_i;
    event_d[Commands] = command_done_i;
    event_d[DroppedBeats] = dropped_beat_i;
    event_d[Corrected] = corrected_i;
  end

  // Registered, so that no counter lengthens a unit's path.
  logic [31:0] macs_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      event_q <= '0;
      macs_q <= '0;
    end else begin
      event_q <= clear_i ? '0 : event_d;
      macs_q <= 32'(issue_lanes_i) * 32'(issue_columns_i);
    end
  end

  // Cleared in the cycle after a clear or a reset: a counter needs no logic for it but its clear pin.
  logic clear_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) clear_q <= 1'b1;
    else clear_q <= clear_i;
  end

  count_t [Count-1:0] count_q;
  for (genvar c = 0; c < Count; c++) begin : gen_counter
    count_t step;
    if (c == int'(Macs)) assign step = count_t'(macs_q);
    else if (c == int'(BytesRead) || c == int'(BytesWritten)) assign step = count_t'(BusBytes);
    else assign step = count_t'(1);

    always_ff @(posedge clk_i) begin
      if (clear_q) count_q[c] <= '0;
      else if (event_q[c]) count_q[c] <= count_q[c] + step;
    end
  end

  assign cycles_o = 64'(count_q[Cycles]);
  assign mac_cycles_o = 64'(count_q[MacCycles]);
  assign lost_start_o = 64'(count_q[LostStart]);
  assign lost_tail_o = 64'(count_q[LostTail]);
  assign lost_drain_o = 64'(count_q[LostDrain]);
  assign lost_loads_o = 64'(count_q[LostLoads]);
  assign lost_store_o = 64'(count_q[LostStore]);
  assign lost_other_o = 64'(count_q[LostOther]);
  assign lost_reentry_o = 64'(count_q[LostReentry]);
  assign lost_fill_o = 64'(count_q[LostFill]);
  assign macs_o = 64'(count_q[Macs]);
  assign bytes_read_o = 64'(count_q[BytesRead]);
  assign bytes_written_o = 64'(count_q[BytesWritten]);
  assign load_busy_o = 64'(count_q[LoadBusy]);
  assign store_busy_o = 64'(count_q[StoreBusy]);
  assign commands_o = 64'(count_q[Commands]);
  assign dropped_beats_o = 64'(count_q[DroppedBeats]);
  assign corrected_o = 64'(count_q[Corrected]);

  // Each busy cycle has exactly one cause.
  `ASSERT(OneCause, !event_q[Cycles] || $onehot(event_q[LostFill:MacCycles]))

endmodule

`default_nettype wire
