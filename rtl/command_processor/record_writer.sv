// Writes completion records to memory, pipelined: the next record's address goes out while
// responses are still owed.
//
// A record (32 bytes: interfaces section 3) is one burst, or several where MaxBurstBeats is short;
// a bus wider than a record strobes its part of one beat. `done_*` says, once for each record and
// in order, that its last response came, and whether any was an error. Handshake in: valid/ready.
// Latency: two cycles to the address; a record every 2 + beats cycles. `flush_i` (level): records
// not begun are dropped, a burst begun is finished, no further address is issued, and nothing is
// said of them; when `owed_o` falls all is as after reset.
`include "systolith_assert.svh"
`default_nettype none

module record_writer
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        flush_i,
  input  address_t    base_i,
  input  logic [16:0] slots_i,

  // records
  input  logic        valid_i,
  input  report_t     report_i,
  input  cycle_t      end_i,
  output logic        ready_o,

  // records whose responses have come
  output logic        done_valid_o,
  output logic [31:0] done_index_o,
  output logic        done_completed_o,   // the command had completed, not failed
  output logic        done_interrupt_o,
  output logic        done_error_o,
  output address_t    done_address_o,

  // debts
  output logic        idle_o,
  output logic        owed_o,
  output address_t    owed_address_o,
  output logic [31:0] owed_index_o,
  output logic        beat_o,

  // AXI write channel
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
  output logic        b_ready_o
);

  localparam int unsigned Beats = (BusBytes >= RecordBytes) ? 1 : RecordBytes / BusBytes;
  localparam int unsigned BurstBeats = (Beats < MaxBurstBeats) ? Beats : MaxBurstBeats;
  localparam int unsigned Waiting = 4;       // records
  localparam int unsigned Outstanding = 8;   // bursts

  typedef struct packed {
    report_t report;
    cycle_t  ended;
  } entry_t;

  logic [$clog2(Waiting+1)-1:0] unused_waiting;
  logic [$clog2(Outstanding+1)-1:0] unused_owed;
  entry_t entry;
  logic   entry_valid, entry_pop, in_burst;
  stream_fifo #(.Width($bits(entry_t)), .Depth(Waiting)) u_waiting (
    .clk_i, .rst_ni, .flush_i(flush_i && !in_burst),
    .valid_i(valid_i && !flush_i), .data_i({report_i, end_i}), .ready_o(ready_o),
    .valid_o(entry_valid), .data_o(entry), .ready_i(entry_pop),
    .count_o(unused_waiting)
  );

  // ---- the record ----
  logic [8*RecordBytes-1:0] record;
  address_t                 record_address;

  always_comb begin
    record = '0;
    record[64*RecordIndexWord + RecordIndexLsb +: 32] = entry.report.index;
    record[64*RecordStateWord + RecordStateLsb +: 8] = entry.report.state;
    record[64*RecordCauseWord + RecordCauseLsb +: 8] = entry.report.cause;
    record[64*RecordUnitWord + RecordUnitLsb +: 8] = entry.report.unit;
    record[64*RecordOpcodeWord + RecordOpcodeLsb +: 8] = entry.report.opcode;
    record[64*RecordAddressWord + RecordAddressLsb +: 64] = entry.report.address;
    record[64*RecordStartWord + RecordStartLsb +: 64] = 64'(entry.report.start);
    record[64*RecordEndWord + RecordEndLsb +: 64] = 64'(entry.ended);
  end

  assign record_address = base_i +
      address_t'({16'(entry.report.index & (32'(slots_i) - 32'd1)), 5'd0});

  // ---- address, then its data ----
  typedef enum logic [1:0] { Idle, Address, Data } state_e;
  state_e     state_q, state_d;
  logic [2:0] beat_q, beat_d;            // beat of the record
  logic       owed_ready, begin_burst, last_of_burst;

  assign in_burst = state_q != Idle;
  assign begin_burst = state_q == Idle && entry_valid && owed_ready && !flush_i;
  assign last_of_burst = (32'(beat_q) % BurstBeats) == BurstBeats - 1;

  always_comb begin
    state_d = state_q;
    beat_d = beat_q;
    entry_pop = 1'b0;
    unique case (state_q)
      Idle: begin
        if (begin_burst) state_d = Address;
      end
      Address: begin
        if (aw_ready_i) state_d = Data;
      end
      default: begin   // Data
        if (w_ready_i) begin
          beat_d = beat_q + 3'd1;
          if (last_of_burst) state_d = Idle;
          if (32'(beat_q) == Beats - 1) begin
            beat_d = '0;
            entry_pop = 1'b1;
          end
        end
      end
    endcase
    if (flush_i && !in_burst) beat_d = '0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      beat_q <= '0;
    end else begin
      state_q <= state_d;
      beat_q <= beat_d;
    end
  end

  assign aw_valid_o = state_q == Address;
  // Whole beats: a record inside a wider beat is addressed by the beat.
  assign aw_address_o = (record_address + address_t'(32'(beat_q) * BusBytes)) &
      ~(address_t'(BusBytes) - address_t'(1));
  assign aw_beats_o = 9'(BurstBeats);
  assign w_valid_o = state_q == Data;
  assign w_last_o = last_of_burst;
  if (BusBytes <= RecordBytes) begin : gen_beats
    assign w_data_o = record[8*BusBytes*(32'(beat_q) % Beats) +: 8*BusBytes];
    assign w_strobe_o = '1;
  end else begin : gen_part
    localparam int unsigned Parts = BusBytes / RecordBytes;
    logic [$clog2(Parts)-1:0] part;
    assign part = record_address[5 +: $clog2(Parts)];
    assign w_data_o = {Parts{record}};
    assign w_strobe_o = bus_strobe_t'({RecordBytes{1'b1}}) << (32'(part) * RecordBytes);
  end

  // ---- responses ----
  typedef struct packed {
    logic        last;        // burst of its record
    logic [31:0] index;
    logic        completed;
    logic        raise_irq;
    address_t    address;     // of the record
  } owed_t;
  owed_t owed, owed_in;
  logic  owed_valid;
  logic  error_q, error_d;

  assign owed_in = '{
    last: 32'(beat_q) + BurstBeats >= Beats,
    index: entry.report.index,
    completed: entry.report.state == StateCompleted,
    raise_irq: entry.report.raise_irq,
    address: record_address
  };
  stream_fifo #(.Width($bits(owed_t)), .Depth(Outstanding)) u_owed (
    .clk_i, .rst_ni, .flush_i(1'b0),
    .valid_i(begin_burst), .data_i(owed_in), .ready_o(owed_ready),
    .valid_o(owed_valid), .data_o(owed), .ready_i(b_valid_i),
    .count_o(unused_owed)
  );

  always_comb begin
    error_d = error_q;
    if (b_valid_i) error_d = owed.last ? 1'b0 : error_q || b_error_i;
    if (flush_i) error_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) error_q <= 1'b0;
    else error_q <= error_d;
  end

  assign b_ready_o = 1'b1;
  assign done_valid_o = b_valid_i && owed.last && !flush_i;
  assign done_index_o = owed.index;
  assign done_completed_o = owed.completed;
  assign done_interrupt_o = owed.raise_irq;
  assign done_error_o = error_q || b_error_i;
  assign done_address_o = owed.address;
  assign owed_o = owed_valid;
  assign owed_address_o = owed.address;
  assign owed_index_o = owed.index;
  assign beat_o = b_valid_i;
  assign idle_o = !entry_valid && !owed_valid;

  `ASSERT(ResponseWasOwed, !b_valid_i || owed_valid)
  `ASSERT_NEXT(AddressStays, aw_valid_o && !aw_ready_i, aw_valid_o && $stable(aw_address_o))
  `ASSERT_NEXT(DataStays, w_valid_o && !w_ready_i,
               w_valid_o && $stable(w_data_o) && $stable(w_strobe_o))

endmodule

`default_nettype wire
