// Brings stationary blocks from the scratchpad into the array's shadow registers, behind the wave
// of the last swap.
//
// Time is cut into RowLatency phases: the wave passes a row of the array every RowLatency cycles,
// and so does each block's load. A load that starts (`start_i` with `ready_o`) in cycle g reads k
// row r in cycle g + r x RowLatency, in the phase that it started in; INT8 takes two phases in a
// row, for the two rows of B that are zipped (bytes interleaved) into one stationary row. Up to
// RowLatency loads overlap this way without any arbitration, as the scratchpad grants every read.
// Stationary row r is at the array MemoryLatency cycles after its (last) read. So a row of A that
// swaps may issue from cycle g + StationaryLead, one later in INT8, which is when `in_time_o`
// rises.
// Rows past k_valid are not read; the missing half of an odd INT8 step is zero.
// `fault_o`: a line was read wrong; its command and line. Told once the first row of the block's
// pass issues, as commands before it may have rows to issue until then, and at the latest when the
// line is at the array.
`include "systolith_assert.svh"
`default_nettype none

module stationary_loader
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;
  import matrix_pkg::*;
(
  input  logic  clk_i,
  input  logic  rst_ni,
  input  logic  clear_i,   // forget the loads under way
  input  logic  stop_i,    // no further row issues: forget those whose pass has issued none
  // passes
  input  logic  start_i,   // load `pass_i`; needs ready_o
  input  pass_t pass_i,
  output logic  ready_o,   // a free phase begins now, the last swap's wave is far enough
  input  logic  swap_i,    // a swapping row issues in this cycle
  output logic  in_time_o, // the last started load allows its first row to issue in this cycle
  output logic  busy_o,
  // scratchpad
  output logic        read_valid_o,
  output line_index_t read_line_o,
  input  line_t       read_data_i,
  input  logic        read_error_i,
  // array
  output logic                     stationary_valid_o,
  output logic [RowIndexWidth-1:0] stationary_row_o,
  output operand_t                 stationary_o [Cols],
  output logic                     stationary_int8_o,
  // fault
  output fault_t                   fault_o
);

  localparam int unsigned PhaseWidth = index_width(RowLatency);
  localparam int unsigned DelayWidth = index_width(StationaryDelay + 1);
  localparam int unsigned LeadWidth = index_width(StationaryLead + 2);
  localparam int unsigned RowCountWidth = $clog2(Rows + 1);
  localparam int unsigned BlockSlotWidth = index_width(StripsPerLineBf16);

  if (RowLatency < 2) begin : gen_bad_row_latency
    $error("stationary_loader: RowLatency must be at least 2, INT8 needs two phases");
  end

  typedef logic [PhaseWidth-1:0] phase_t;
  typedef logic [RowCountWidth-1:0] row_count_t;

  typedef struct packed {
    logic        int8;
    logic        odd;        // odd half of an INT8 load
    row_count_t  row;        // next one
    row_count_t  rows;       // stationary rows to give
    row_count_t  reads;      // of them with a line to read
    line_index_t line;
    line_index_t pitch;
    strip_slot_t strip_slot;
    slot_t       slot;       // of its command
  } load_t;

  // ---- the load of this phase ----
  load_t loads_q [RowLatency];
  logic [RowLatency-1:0] active_q, active_d;
  // Loads in a phase whose pass has issued no row: those of the last start.
  logic [RowLatency-1:0] ahead_q, ahead_d;
  phase_t phase_q, next_phase;
  load_t current, following, fresh, fresh_odd;
  logic active, last_row;

  assign next_phase = (phase_q == PhaseWidth'(RowLatency - 1)) ? '0 : phase_q + 1'b1;

  row_count_t even_rows, odd_rows;   // stationary rows with an even, an odd k step
  assign even_rows = RowCountWidth'((pass_i.k_valid + 16'd1) >> 1);
  assign odd_rows = RowCountWidth'(pass_i.k_valid >> 1);

  always_comb begin
    fresh.int8 = pass_i.int8;
    fresh.odd = 1'b0;
    fresh.row = '0;
    fresh.rows = pass_i.int8 ? even_rows : RowCountWidth'(pass_i.k_valid);
    fresh.reads = fresh.rows;
    fresh.line = pass_i.b_line;
    fresh.pitch = pass_i.int8 ? LineIndexWidth'(pass_i.b_pitch << 1) : pass_i.b_pitch;
    fresh.strip_slot = pass_i.b_slot;
    fresh.slot = pass_i.slot;
    fresh_odd = fresh;
    fresh_odd.odd = 1'b1;
    fresh_odd.reads = odd_rows;
    fresh_odd.line = pass_i.b_line + pass_i.b_pitch;
    current = start_i ? fresh : loads_q[phase_q];
    following = current;
    following.row = current.row + 1'b1;
    following.line = current.line + current.pitch;
  end

  assign active = start_i || active_q[phase_q];

  assign last_row = (current.row + 1'b1 == current.rows);

  always_comb begin
    active_d = active_q;
    active_d[phase_q] = active && !last_row;
    if (start_i && pass_i.int8) active_d[next_phase] = 1'b1;
    if (stop_i) active_d = active_d & ~ahead_q;
    if (clear_i) active_d = '0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= '0;
      phase_q <= '0;
    end else begin
      active_q <= active_d;
      phase_q <= next_phase;
    end
  end

  always_ff @(posedge clk_i) begin
    if (active) loads_q[phase_q] <= following;
    if (start_i && pass_i.int8) loads_q[next_phase] <= fresh_odd;
  end

  assign read_valid_o = active && current.row < current.reads;
  assign read_line_o = current.line;

  // ---- distance from the last swap ----
  // Not cleared: the wave goes on in the array.
  logic [DelayWidth-1:0] delay_q, delay_d;
  logic [LeadWidth-1:0] lead_q, lead_d;
  logic waiting_swap_q, waiting_swap_d;   // a load has started and its first row has not issued

  always_comb begin
    delay_d = (delay_q == '0) ? '0 : delay_q - 1'b1;
    if (swap_i && StationaryDelay > 0) delay_d = DelayWidth'(StationaryDelay - 1);
    lead_d = (lead_q == '0) ? '0 : lead_q - 1'b1;
    if (start_i) lead_d = LeadWidth'(StationaryLead) - LeadWidth'(!pass_i.int8);
    waiting_swap_d = (waiting_swap_q && !swap_i) || start_i;
    if (clear_i || stop_i) waiting_swap_d = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      delay_q <= '0;
      lead_q <= '0;
      waiting_swap_q <= 1'b0;
    end else begin
      delay_q <= delay_d;
      lead_q <= lead_d;
      waiting_swap_q <= waiting_swap_d;
    end
  end

  assign ready_o = !waiting_swap_q && delay_q == '0 && !active_q[phase_q] &&
      !(pass_i.int8 && active_q[next_phase]);
  assign in_time_o = (lead_q == '0);

  // ---- from the read to the array ----
  typedef struct packed {
    logic                     valid;
    logic                     int8;
    logic                     odd;
    logic                     blank;   // nothing was read
    logic [RowIndexWidth-1:0] row;
    strip_slot_t              strip_slot;
    logic                     ahead;   // its pass has issued no row
    slot_t                    slot;
    line_index_t              line;
  } arrival_t;

  arrival_t [MemoryLatency-1:0] arrival_q, arrival_d;
  arrival_t departure, arrival;

  always_comb begin
    ahead_d = ahead_q;
    if (start_i) begin
      ahead_d[phase_q] = 1'b1;
      if (pass_i.int8) ahead_d[next_phase] = 1'b1;
    end
    if (swap_i || clear_i || stop_i) ahead_d = '0;
  end

  always_comb begin
    departure.ahead = start_i || ahead_q[phase_q];
    departure.valid = active && !clear_i && !(stop_i && departure.ahead);
    departure.int8 = current.int8;
    departure.odd = current.odd;
    departure.blank = !read_valid_o;
    departure.row = RowIndexWidth'(current.row);
    departure.strip_slot = current.strip_slot;
    departure.slot = current.slot;
    departure.line = current.line;
    arrival_d = ($bits(arrival_t)*MemoryLatency)'({arrival_q, departure});
    for (int unsigned i = 0; i < MemoryLatency; i++) begin
      if (swap_i) arrival_d[i].ahead = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      arrival_q <= '0;
      ahead_q <= '0;
    end else begin
      arrival_q <= arrival_d;
      ahead_q <= ahead_d;
    end
  end
  assign arrival = arrival_q[MemoryLatency-1];

  // The strip's bytes; in BF16 twice as many as in INT8.
  logic [StripsPerLineBf16-1:0][8*StripBytes-1:0] line_bf16;
  logic [StripsPerLineInt8-1:0][4*StripBytes-1:0] line_int8;
  logic [BlockSlotWidth-1:0] bf16_slot;
  logic [8*StripBytes-1:0] strip_bf16;
  logic [4*StripBytes-1:0] strip_int8, even_q;
  assign line_bf16 = read_data_i;
  assign line_int8 = read_data_i;
  assign bf16_slot = arrival.int8 ? '0 : BlockSlotWidth'(arrival.strip_slot);
  assign strip_bf16 = line_bf16[bf16_slot];
  assign strip_int8 = line_int8[arrival.strip_slot];

  always_ff @(posedge clk_i) begin
    if (arrival.valid && arrival.int8 && !arrival.odd) even_q <= strip_int8;
  end

  assign stationary_valid_o = arrival.valid && (!arrival.int8 || arrival.odd);
  assign stationary_row_o = arrival.row;
  assign stationary_int8_o = arrival.int8;

  for (genvar c = 0; c < Cols; c++) begin : gen_stationary
    assign stationary_o[c] = !arrival.int8 ? strip_bf16[16*c +: 16]
        : {arrival.blank ? 8'h00 : strip_int8[8*c +: 8], even_q[8*c +: 8]};
  end

  assign busy_o = (active_q != '0);

  // ---- a line that was read wrong ----
  fault_t wrong, held_q, held_d;   // held: until its pass's first row issues
  logic later;

  always_comb begin
    wrong.valid = arrival.valid && !arrival.blank && read_error_i;
    wrong.slot = arrival.slot;
    wrong.cause = command_pkg::CauseMemory;
    wrong.address = 32'(arrival.line);
    later = arrival.ahead && !swap_i;
    held_d = (wrong.valid && later && !held_q.valid) ? wrong : held_q;
    if (swap_i || clear_i || stop_i) held_d.valid = 1'b0;
    fault_o = (wrong.valid && !later) ? wrong : held_q;
    fault_o.valid = (wrong.valid && !later) || (held_q.valid && swap_i);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) held_q <= '0;
    else held_q <= held_d;
  end

  logic unused;   // of the pass, what the rows need
  assign unused = ^pass_i;

  `ASSERT(StartWhenReady, !start_i || ready_o)
  `ASSERT(SwapHasLoad, !swap_i || waiting_swap_q)

endmodule

`default_nettype wire
