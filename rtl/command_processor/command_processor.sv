// The command processor: fetches commands from the ring, checks them, hands them to the units, and tells the host
// what became of them.
//
//   doorbell -> command_fetch -> command_decode -> command_dispatch -> units
//                                      |                                |
//   records, completed, faults <- completion <---------- reports -------+     semaphores between the units
//                                      queue_control: enable, doorbell, reset, fault phases, time-outs
//
// Unit ports are arrays in the order load, matrix, store. Latency: a doorbell is a fetch address 2 cycles later; a
// command with counts of up to 8 bits is at its unit about 25 cycles after its last beat. Throughput: a command
// every 20 to 30 cycles. Legal parameters: see `systolith_config_pkg`.
`include "systolith_assert.svh"
`default_nettype none

module command_processor
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // registers, page 0
  input  logic [31:0]              bus_timeout_i,        // cycles, 0: off
  input  logic [31:0]              semaphore_timeout_i,
  input  logic [Windows-1:0][63:0] window_base_i,
  input  logic [Windows-1:0][63:0] window_last_i,        // last byte
  input  logic [Windows-1:0][1:0]  window_permit_i,      // bit 0 read, bit 1 write

  // registers, page 1
  input  logic [63:0] ring_i,
  input  logic [4:0]  ring_size_i,       // log2 of the slots
  input  logic [63:0] record_i,
  input  logic        enable_i,          // the control bit: once set, stays until enable_clear_o
  output logic        enable_clear_o,    // level: hold the bit at 0
  output logic        enabled_o,         // checked and not yet reset: ring, record and windows are locked
  input  logic        doorbell_valid_i,  // pulse
  input  logic [31:0] doorbell_i,
  input  logic        queue_reset_i,     // pulse
  output logic [31:0] completed_o,
  output logic        busy_o,
  output logic        faulted_o,
  output logic        stuck_o,
  output logic [7:0]  fault_cause_o,
  output logic [7:0]  fault_unit_o,
  output logic [31:0] fault_index_o,
  output logic [63:0] fault_address_o,
  output logic        irq_command_o,     // pulses that set the bits of irq_status
  output logic        irq_fault_o,
  output logic        irq_idle_o,
  output logic        irq_reset_done_o,
  output logic        reset_request_o,   // level: a bus time-out has happened

  // for the counters
  output logic        resetting_o,       // a queue reset is going on
  output logic        command_done_o,    // pulse: a command completed (not failed or aborted)
  output logic [Semaphores-1:0][1:0] binding_signal_unit_o,  // unit that signals a semaphore, 0: none yet

  // AXI read channel of the fetch
  output logic        ar_valid_o,
  output address_t    ar_address_o,
  output logic [8:0]  ar_beats_o,
  input  logic        ar_ready_i,
  input  logic        r_valid_i,
  input  bus_data_t   r_data_i,
  input  logic        r_error_i,
  input  logic        r_last_i,
  output logic        r_ready_o,

  // AXI write channel of the records
  output logic        aw_valid_o,
  output address_t    aw_address_o,
  output logic [8:0]  aw_beats_o,
  input  logic        aw_ready_i,
  output logic        w_valid_o,
  output bus_data_t   w_data_o,
  output bus_strobe_t w_strobe_o,
  output logic        w_last_o,
  input  logic        w_ready_i,
  input  logic        b_valid_i,
  input  logic        b_error_i,
  output logic        b_ready_o,

  // commands to the units
  output logic            load_command_valid_o,
  output load_command_t   load_command_o,
  input  logic            load_command_ready_i,
  output logic            matrix_command_valid_o,
  output matrix_command_t matrix_command_o,
  input  logic            matrix_command_ready_i,
  output logic            store_command_valid_o,
  output store_command_t  store_command_o,
  input  logic            store_command_ready_i,

  // semaphores: [0] load, [1] matrix, [2] store
  input  logic  [2:0][1:0] wait_valid_i,
  input  sync_t [2:0][1:0] wait_i,
  output logic  [2:0][1:0] wait_grant_o,
  input  logic  [2:0][1:0] signal_valid_i,
  input  sync_t [2:0][1:0] signal_i,
  output logic  [2:0][1:0] signal_overflow_o,

  // ends of commands
  input  logic    [2:0] report_valid_i,
  input  report_t [2:0] report_i,
  output logic    [2:0] report_ready_o,

  // control of the units
  output cycle_t      cycle_o,
  output logic        halt_o,
  output logic        abandon_o,
  output logic        flush_o,
  input  logic [2:0]  unit_busy_i,
  input  logic [2:0]  unit_owed_i,
  input  logic [2:0]  unit_beat_i,               // a beat of a response came (R of load, B of store)
  input  address_t [2:0] unit_owed_address_i,    // oldest burst owed
  input  logic [2:0]  unit_blocked_i,
  input  logic [2:0][SemaphoreWidth-1:0] unit_blocked_semaphore_i,

  // on-chip memories
  output logic        memory_clear_o,            // pulse: scratchpad and accumulators
  input  logic        memory_clear_busy_i        // either is clearing
);

  // Skeleton: ports only, the body follows.
  assign enable_clear_o = 1'b0;
  assign enabled_o = 1'b0;
  assign completed_o = '0;
  assign busy_o = 1'b0;
  assign faulted_o = 1'b0;
  assign stuck_o = 1'b0;
  assign fault_cause_o = '0;
  assign fault_unit_o = '0;
  assign fault_index_o = '0;
  assign fault_address_o = '0;
  assign {irq_command_o, irq_fault_o, irq_idle_o, irq_reset_done_o} = '0;
  assign reset_request_o = 1'b0;
  assign resetting_o = 1'b0;
  assign command_done_o = 1'b0;
  assign binding_signal_unit_o = '0;
  assign ar_valid_o = 1'b0;
  assign ar_address_o = '0;
  assign ar_beats_o = '0;
  assign r_ready_o = 1'b1;
  assign aw_valid_o = 1'b0;
  assign aw_address_o = '0;
  assign aw_beats_o = '0;
  assign w_valid_o = 1'b0;
  assign w_data_o = '0;
  assign w_strobe_o = '0;
  assign w_last_o = 1'b0;
  assign b_ready_o = 1'b1;
  assign load_command_valid_o = 1'b0;
  assign load_command_o = '0;
  assign matrix_command_valid_o = 1'b0;
  assign matrix_command_o = '0;
  assign store_command_valid_o = 1'b0;
  assign store_command_o = '0;
  assign wait_grant_o = '0;
  assign signal_overflow_o = '0;
  assign report_ready_o = '1;
  assign cycle_o = '0;
  assign halt_o = 1'b0;
  assign abandon_o = 1'b0;
  assign flush_o = 1'b0;
  assign memory_clear_o = 1'b0;

endmodule

`default_nettype wire
