// Cover points of the whole device: what its units do at the same time, what holds them up, and how faults come.
// Only in builds that measure coverage; nothing of the device depends on it. docs/verification.md says what is counted.
//
// The numbers of a generate block `gen_NAME` are the values of the type `NAME_e`: the report has their names from here.
// Sampled each cycle out of reset. Any configuration.
`include "systolith_assert.svh"
`default_nettype none

// Of commands only what tells their class is used.
// verilator lint_off UNUSEDSIGNAL
module cover_points
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input logic clk_i,
  input logic rst_ni,

  // commands that start
  input logic            load_start_i,
  input load_command_t   load_command_i,
  input logic            matrix_start_i,
  input matrix_command_t matrix_command_i,
  input logic            store_start_i,
  input store_command_t  store_command_i,
  input logic [2:0]      busy_i,               // load, matrix, store
  input logic [2:0]      blocked_i,            // by a wait

  // load unit
  input logic load_address_stall_i,            // offered, not taken
  input logic load_data_stall_i,               // owed, none offered
  input logic load_port_stall_i,               // accumulators do not take a write

  // matrix unit
  input logic matrix_issue_i,
  input logic matrix_has_command_i,
  input logic matrix_in_flight_i,
  input logic matrix_wait_i,
  input logic matrix_wait_load_i,
  input logic matrix_wait_store_i,
  input logic matrix_reentry_i,
  input logic matrix_fill_i,

  // store unit
  input logic store_address_stall_i,
  input logic store_data_stall_i,
  input logic store_response_stall_i,          // owed, none offered
  input logic store_port_stall_i,              // scratchpad does not grant a read

  // codes of on-chip memories, with the data of a read
  input logic [5:0] wrong_i,                   // operands, weights, seeds, tags of seeds, stored lines, stored rows
  input logic [2:0] corrected_i,               // scratchpad, accumulators, commands

  // command processor
  input logic       halt_i,
  input logic       faulted_i,
  input logic [7:0] fault_cause_i,
  input logic [7:0] fault_unit_i
);

  // ---- classes of transfers ----
  // Bytes of a row: less than a bus beat, up to a burst, more.
  typedef enum int unsigned {SizePart, SizeBurst, SizeBursts, Sizes} size_e;
  // From row to row of the innermost loop that has several: forward without a gap, with one, over each other (or the
  // same bytes again), backward.
  typedef enum int unsigned {
    StrideOneRow, StrideDense, StrideGap, StrideOverlap, StrideBackward, Strides
  } stride_e;

  function automatic int unsigned size_of(transfer_t transfer);
    if (32'(transfer.run) < BusBytes) return SizePart;
    if (32'(transfer.run) <= BusBytes * MaxBurstBeats) return SizeBurst;
    return SizeBursts;
  endfunction

  function automatic int unsigned stride_of(transfer_t transfer);
    for (int unsigned d = 0; d < 4; d++) begin
      if (transfer.count[d] > rows_t'(1)) begin
        if (transfer.stride[d][AddressWidth-1]) return StrideBackward;
        if (transfer.stride[d] == address_t'(transfer.run)) return StrideDense;
        if (transfer.stride[d] > address_t'(transfer.run)) return StrideGap;
        return StrideOverlap;
      end
    end
    return StrideOneRow;
  endfunction

  // ---- of the command that started last ----
  typedef enum int unsigned {Bf16, Int8, Formats} format_e;
  typedef enum int unsigned {LoadScratchpad, LoadAccumulators, Destinations} destination_e;
  typedef enum int unsigned {StoreScratchpad, StoreRaw, StoreBf16, StoreInt8, Sources} source_e;

  int unsigned load_size_q, load_stride_q, load_destination_q, store_size_q, store_stride_q, store_source_q;
  int unsigned format_q, source;
  always_comb begin
    source = StoreRaw;
    if (!store_command_i.accumulators) source = StoreScratchpad;
    else if (store_command_i.conversion == ConversionBf16) source = StoreBf16;
    else if (store_command_i.conversion == ConversionInt8) source = StoreInt8;
  end
  always_ff @(posedge clk_i) begin
    if (load_start_i) begin
      load_size_q <= size_of(load_command_i.transfer);
      load_stride_q <= stride_of(load_command_i.transfer);
      load_destination_q <= load_command_i.accumulators ? LoadAccumulators : LoadScratchpad;
    end
    if (matrix_start_i) format_q <= matrix_command_i.int8 ? Int8 : Bf16;
    if (store_start_i) begin
      store_size_q <= size_of(store_command_i.transfer);
      store_stride_q <= stride_of(store_command_i.transfer);
      store_source_q <= source;
    end
  end

  // ---- what holds a unit up ----
  typedef enum int unsigned {
    MatrixIssues, MatrixWaitsForLoad, MatrixWaitsForStore, MatrixWaitsForMatrix, MatrixReentry, MatrixFill,
    MatrixDrains, MatrixStalls
  } matrix_stall_e;
  logic [MatrixStalls-1:0] matrix_stall;
  always_comb begin
    matrix_stall[MatrixIssues] = matrix_issue_i;
    matrix_stall[MatrixWaitsForLoad] = matrix_wait_i && matrix_wait_load_i;
    matrix_stall[MatrixWaitsForStore] = matrix_wait_i && matrix_wait_store_i;
    matrix_stall[MatrixWaitsForMatrix] = matrix_wait_i && !matrix_wait_load_i && !matrix_wait_store_i;
    matrix_stall[MatrixReentry] = matrix_reentry_i;
    matrix_stall[MatrixFill] = matrix_fill_i;
    matrix_stall[MatrixDrains] = !matrix_issue_i && !matrix_has_command_i && matrix_in_flight_i;
  end

  typedef enum int unsigned {LoadWaits, LoadAddress, LoadData, LoadStalls} load_stall_e;
  logic [LoadStalls-1:0] load_stall;
  assign load_stall = {load_data_stall_i, load_address_stall_i, blocked_i[0]};

  typedef enum int unsigned {StoreWaits, StoreAddress, StoreData, StoreResponse, StoreStalls} store_stall_e;
  logic [StoreStalls-1:0] store_stall;
  assign store_stall = {store_response_stall_i, store_data_stall_i, store_address_stall_i, blocked_i[2]};

  // ---- units at work at the same time ----
  typedef enum int unsigned {None, Load, Matrix, LoadMatrix, Store, LoadStore, MatrixStore, All, Overlaps} overlap_e;
  for (genvar o = 1; o < Overlaps; o++) begin : gen_overlap
    `COVER(UnitsAtWork, busy_i == 3'(o))
  end

  // ---- matrix unit: format x what holds it up x the other units at work ----
  typedef enum int unsigned {OthersIdle, LoadAtWork, StoreAtWork, BothAtWork, Others} others_e;
  for (genvar f = 0; f < Formats; f++) begin : gen_format
    for (genvar s = 0; s < MatrixStalls; s++) begin : gen_matrix_stall
      for (genvar o = 0; o < Others; o++) begin : gen_others
        `COVER(MatrixStall, matrix_stall[s] && format_q == f && {busy_i[2], busy_i[0]} == 2'(o))
      end
    end
  end

  // ---- load unit: where to x what holds it up x size x stride ----
  for (genvar t = 0; t < Destinations; t++) begin : gen_destination
    for (genvar s = 0; s < LoadStalls; s++) begin : gen_load_stall
      for (genvar b = 0; b < Sizes; b++) begin : gen_size
        for (genvar d = 0; d < Strides; d++) begin : gen_stride
          `COVER(LoadStall, load_stall[s] && load_destination_q == t && load_size_q == b && load_stride_q == d)
        end
      end
    end
    for (genvar o = 0; o < Overlaps; o++) begin : gen_overlap
      if (o % 2 == 1) begin : gen_load
        `COVER(LoadOverlap, load_destination_q == t && busy_i == 3'(o))
      end
    end
  end
  `COVER(LoadPortStall, load_port_stall_i)

  // ---- store unit: format x what holds it up x size x stride ----
  for (genvar t = 0; t < Sources; t++) begin : gen_source
    for (genvar s = 0; s < StoreStalls; s++) begin : gen_store_stall
      for (genvar b = 0; b < Sizes; b++) begin : gen_size
        // In no configuration is a row of converted elements longer than a burst.
        if (b != SizeBursts || t == StoreScratchpad || t == StoreRaw) begin : gen_declared
          for (genvar d = 0; d < Strides; d++) begin : gen_stride
            `COVER(StoreStall, store_stall[s] && store_source_q == t && store_size_q == b && store_stride_q == d)
          end
        end
      end
    end
    for (genvar o = 0; o < Overlaps; o++) begin : gen_overlap
      if (o / 4 == 1) begin : gen_store
        `COVER(StoreOverlap, store_source_q == t && busy_i == 3'(o))
      end
    end
  end
  `COVER(StorePortStall, store_port_stall_i)

  // ---- flipped bits: what was read, or where it was corrected x whether the load unit writes meanwhile ----
  typedef enum int unsigned {Operand, Weight, Seed, TagOfSeed, StoredLine, StoredRow, WrongReads} wrong_read_e;
  typedef enum int unsigned {InScratchpad, InAccumulators, InCommands, Corrections} correction_e;
  typedef enum int unsigned {LoadIdle, LoadBusy, Loads} load_e;
  for (genvar l = 0; l < Loads; l++) begin : gen_load
    for (genvar r = 0; r < WrongReads; r++) begin : gen_wrong_read
      `COVER(FlipFound, wrong_i[r] && busy_i[0] == 1'(l))
    end
    for (genvar m = 0; m < Corrections; m++) begin : gen_correction
      `COVER(FlipCorrected, corrected_i[m] && busy_i[0] == 1'(l))
    end
  end

  // ---- faults: cause x units at work when it was seen ----
  // Decode, fetch, ring and its overrun are precise: all units are idle then.
  typedef enum int unsigned {
    NoCause, Version, Opcode, Reserved, SemaphoreIndex, SemaphoreBinding, Format, Size, LocalRange, Address, Window,
    Scale, TypeTag, SemaphoreOverflow, BusRead, BusWrite, BusFetch, BusRecord, BusTimeout, SemaphoreTimeout, Ring,
    RingOverrun, Memory, Aborted
  } cause_e;

  logic faulted_q, halt_q;
  logic [2:0] busy_q;                          // when units were halted
  logic faults;                                // a fault is reported
  logic [2:0] at_halt;
  logic others;                                // units other than the faulting one were at work
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      faulted_q <= 1'b0;
      halt_q <= 1'b0;
      busy_q <= '0;
    end else begin
      faulted_q <= faulted_i;
      halt_q <= halt_i;
      if (!halt_i) busy_q <= '0;
      else if (!halt_q) busy_q <= busy_i;
    end
  end
  assign faults = faulted_i && !faulted_q;
  // A bus time-out halts and is reported in one cycle.
  assign at_halt = halt_q ? busy_q : busy_i;
  assign others = ({at_halt, 1'b0} & ~(4'd1 << fault_unit_i[1:0])) != '0;

  for (genvar c = 1; c < Aborted; c++) begin : gen_cause
    `COVER(FaultAlone, faults && fault_cause_i == 8'(c) && !others)
    if (c == Scale || c == TypeTag || c == SemaphoreOverflow || c == BusRead || c == BusWrite || c == BusRecord ||
        c == BusTimeout || c == SemaphoreTimeout || c == Memory) begin : gen_beside
      `COVER(FaultBesideOthers, faults && fault_cause_i == 8'(c) && others)
    end
  end

endmodule
// verilator lint_on UNUSEDSIGNAL

`default_nettype wire
