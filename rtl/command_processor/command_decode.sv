// Reads one command at a time, checks it in the order of interfaces section 4.6 and turns it into
// what its unit takes.
//
// The words stream in from command_fetch; the products that bound the extents are formed
// meanwhile, on one multiplier for the local side and one for memory addresses. A good command is
// offered on `dispatch_*` to its unit's queue; a refused one on `refuse_*`, to be taken once all
// earlier commands have completed: after it nothing more is read. Handshakes: valid/ready, payload
// stable. `stop_i` (level) ends the work between two commands and withdraws both offers; only
// `flush_i` brings the decoder back. Latency: about 20 cycles from `command_valid_i` to
// `dispatch_valid_o` with counts of up to 8 bits, 2 more for each 4 bits of a count; arrays or
// lines that are no power of two cost up to 21 for each division.
`include "systolith_assert.svh"
`default_nettype none

module command_decode
  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import command_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  // control
  input  logic        flush_i,
  input  logic        stop_i,
  input  cycle_t      cycle_i,
  output logic [31:0] index_o,           // of the command at hand or the next
  output logic        idle_o,            // no command at hand
  output logic        offering_o,        // a command is ready, the next step is another's

  // command_fetch
  input  logic        command_valid_i,
  input  logic        command_fault_i,
  input  logic [63:0] fault_address_i,
  output logic        read_o,
  input  logic        word_valid_i,
  input  logic [3:0]  word_index_i,
  input  logic [63:0] word_i,
  input  logic        word_error_i,
  input  logic [63:0] word_place_i,
  output logic        release_o,

  // window_check
  output logic        window_start_o,
  output logic        window_write_o,
  output logic [63:0] window_first_o,
  output logic [63:0] window_last_o,
  input  logic        window_done_i,
  input  logic        window_found_i,

  // good commands
  output logic        dispatch_valid_o,
  output logic [1:0]  dispatch_unit_o,   // 0: NOP
  output header_t     dispatch_header_o,
  output load_command_t   load_command_o,
  output matrix_command_t matrix_command_o,
  output store_command_t  store_command_o,
  input  logic        dispatch_ready_i,
  output logic [Semaphores-1:0][1:0] binding_signal_unit_o,

  // refused commands
  output logic        refuse_valid_o,
  output report_t     refuse_o,
  input  logic        refuse_ready_i
);

  if (Semaphores < 16 || Semaphores > 64) begin : gen_bad_semaphores
    $error("command_decode: Semaphores must be 16 to 64");
  end
  if (AddressWidth < 32 || AddressWidth > 64) begin : gen_bad_address
    $error("command_decode: AddressWidth must be 32 to 64");
  end
  if (!systolith_config_pkg::FormatBf16 &&
      !systolith_config_pkg::FormatInt8) begin : gen_bad_formats
    $error("command_decode: at least one operand format must be built");
  end
  if (AccumulatorRows > 32768) begin : gen_bad_rows
    $error("command_decode: AccumulatorRows must be at most 32768");
  end

  localparam int unsigned StepsWidth = 21;
  typedef logic [63:0] wide_t;
  typedef logic [StepsWidth-1:0] steps_t;
  // Local extents are exact: a 32-bit pitch times steps, plus a 32-bit base and lines.
  localparam int unsigned LocalProduct = 32 + StepsWidth;
  typedef logic [LocalProduct-1:0] local_product_t;
  typedef logic [LocalProduct:0] local_end_t;
  // Extents in memory: what has more bits is outside whatever the address.
  localparam int unsigned ExtentWidth = AddressWidth + 1;
  typedef logic [ExtentWidth-1:0] extent_t;
  localparam logic [31:0] MaxRows = 32'd65536;
  localparam logic [31:0] MaxRun = 32'd1048576;

  typedef enum logic [2:0] {
    Idle, Read, Check, Window, Offer, Refuse, Stopped
  } state_e;
  state_e state_q, state_d;

  // ---- the command's words and fields ----
  logic [15:0][63:0] word_q;
  logic [4:0]        words_q, words_d;          // words that are here
  logic [31:0]       index_q, index_d;
  logic              reserved_q, reserved_d;    // a reserved bit was set
  logic              wrong_q, wrong_d;          // a word could not be read
  logic [63:0]       wrong_place_q;             // the first

  always_ff @(posedge clk_i) begin
    if (word_valid_i) word_q[word_index_i] <= word_i;
    if (!wrong_q) wrong_place_q <= word_place_i;
  end

  logic [7:0]  version, opcode, unit_code;
  logic        is_nop, is_load, is_matrix, is_store, is_transfer, is_known;
  logic        is_per_column, local_accumulators;
  logic [31:0] run, local_base, local_pitch;
  logic [3:0][31:0] counts;
  logic [3:0][63:0] strides;
  logic [63:0] address;
  logic [7:0]  space, load_tag, conversion, format;
  logic [31:0] scale, scale_line, m, n, k, a_base, a_pitch, b_base, b_pitch, c_base, c_pitch;
  logic        relu;
  logic [3:0][31:0] syncs;    // wait 0, wait 1, signal 0, signal 1

  assign version = word_q[HeaderVersionWord][HeaderVersionMsb:HeaderVersionLsb];
  assign opcode = word_q[HeaderOpcodeWord][HeaderOpcodeMsb:HeaderOpcodeLsb];
  assign unit_code = word_q[HeaderUnitWord][HeaderUnitMsb:HeaderUnitLsb];
  assign syncs[0] = word_q[HeaderWait0Word][HeaderWait0Msb:HeaderWait0Lsb];
  assign syncs[1] = word_q[HeaderWait1Word][HeaderWait1Msb:HeaderWait1Lsb];
  assign syncs[2] = word_q[HeaderSignal0Word][HeaderSignal0Msb:HeaderSignal0Lsb];
  assign syncs[3] = word_q[HeaderSignal1Word][HeaderSignal1Msb:HeaderSignal1Lsb];
  assign address = word_q[TransferAddressWord][TransferAddressMsb:TransferAddressLsb];
  assign run = word_q[TransferRunWord][TransferRunMsb:TransferRunLsb];
  assign local_base = word_q[TransferLocalBaseWord][TransferLocalBaseMsb:TransferLocalBaseLsb];
  assign local_pitch = word_q[TransferLocalPitchWord][TransferLocalPitchMsb:TransferLocalPitchLsb];
  assign counts[0] = word_q[TransferCount0Word][TransferCount0Msb:TransferCount0Lsb];
  assign counts[1] = word_q[TransferCount1Word][TransferCount1Msb:TransferCount1Lsb];
  assign counts[2] = word_q[TransferCount2Word][TransferCount2Msb:TransferCount2Lsb];
  assign counts[3] = word_q[TransferCount3Word][TransferCount3Msb:TransferCount3Lsb];
  assign strides[0] = word_q[TransferStride0Word][TransferStride0Msb:TransferStride0Lsb];
  assign strides[1] = word_q[TransferStride1Word][TransferStride1Msb:TransferStride1Lsb];
  assign strides[2] = word_q[TransferStride2Word][TransferStride2Msb:TransferStride2Lsb];
  assign strides[3] = word_q[TransferStride3Word][TransferStride3Msb:TransferStride3Lsb];
  assign load_tag = word_q[LoadTagWord][LoadTagMsb:LoadTagLsb];
  assign conversion = word_q[StoreConversionWord][StoreConversionMsb:StoreConversionLsb];
  assign relu = word_q[FlagReluWord][FlagReluBit];
  assign is_per_column = word_q[FlagScalePerColumnWord][FlagScalePerColumnBit];
  assign scale = word_q[StoreScaleWord][StoreScaleMsb:StoreScaleLsb];
  assign scale_line = word_q[StoreScaleLineWord][StoreScaleLineMsb:StoreScaleLineLsb];
  assign format = word_q[MatrixFormatWord][MatrixFormatMsb:MatrixFormatLsb];
  assign m = word_q[MatrixMWord][MatrixMMsb:MatrixMLsb];
  assign n = word_q[MatrixNWord][MatrixNMsb:MatrixNLsb];
  assign k = word_q[MatrixKWord][MatrixKMsb:MatrixKLsb];
  assign a_base = word_q[MatrixABaseWord][MatrixABaseMsb:MatrixABaseLsb];
  assign a_pitch = word_q[MatrixAPitchWord][MatrixAPitchMsb:MatrixAPitchLsb];
  assign b_base = word_q[MatrixBBaseWord][MatrixBBaseMsb:MatrixBBaseLsb];
  assign b_pitch = word_q[MatrixBPitchWord][MatrixBPitchMsb:MatrixBPitchLsb];
  assign c_base = word_q[MatrixCBaseWord][MatrixCBaseMsb:MatrixCBaseLsb];
  assign c_pitch = word_q[MatrixCPitchWord][MatrixCPitchMsb:MatrixCPitchLsb];

  assign is_nop = opcode == OpcodeNop && unit_code == UnitCommandProcessor;
  assign is_load = opcode == OpcodeLoad && unit_code == UnitLoad;
  assign is_matrix = opcode == OpcodeMatrix && unit_code == UnitMatrix;
  assign is_store = opcode == OpcodeStore && unit_code == UnitStore;
  assign is_transfer = is_load || is_store;
  assign is_known = is_nop || is_transfer || is_matrix;
  assign space = is_load ? word_q[LoadSpaceWord][LoadSpaceMsb:LoadSpaceLsb]
                         : word_q[StoreSpaceWord][StoreSpaceMsb:StoreSpaceLsb];
  assign local_accumulators = space == SpaceAccumulators;

  // ---- reserved bits, as the words come ----
  function automatic logic bad_sync(logic [31:0] raw);
    return (raw & ~SyncDefined) != '0 ||
        (raw[SyncCountMsb:SyncCountLsb] == '0 && raw != '0) ||
        (!raw[FlagByRowsBit] && raw[SyncRowsLog2Msb:SyncRowsLog2Lsb] != '0);
  endfunction

  logic [63:0] defined;
  always_comb begin
    // The version, opcode and unit are in word 0 of every command.
    if (word_index_i == '0) defined = HeaderDefined[0];
    else if (is_load) defined = LoadDefined[word_index_i];
    else if (is_matrix) defined = MatrixDefined[word_index_i];
    else if (is_store) defined = StoreDefined[word_index_i];
    else defined = '0;

    reserved_d = reserved_q;
    wrong_d = wrong_q;
    words_d = words_q;
    if (word_valid_i) begin
      if (word_error_i) wrong_d = 1'b1;
      words_d = words_q + 5'd1;
      if ((word_i & ~defined) != '0) reserved_d = 1'b1;
      if (32'(word_index_i) == HeaderWait0Word || 32'(word_index_i) == HeaderSignal0Word) begin
        if (bad_sync(word_i[31:0]) || bad_sync(word_i[63:32])) reserved_d = 1'b1;
      end
    end
    if (state_q == Idle) begin
      reserved_d = 1'b0;
      wrong_d = 1'b0;
      words_d = '0;
    end
  end

  // ---- waits and signals ----
  sync_t [1:0] waits, signals;
  logic [3:0]  beyond;               // semaphore not built
  logic [1:0]  wait_refused, signal_refused;
  logic        bind_now;

  function automatic sync_t to_sync(logic [31:0] raw);
    return '{
      by_rows: raw[FlagByRowsBit],
      rows_log2: raw[SyncRowsLog2Msb:SyncRowsLog2Lsb],
      semaphore_index: raw[SyncSemaphoreLsb +: SemaphoreWidth],
      count: raw[SyncCountMsb:SyncCountLsb]
    };
  endfunction

  always_comb begin
    waits = {to_sync(syncs[1]), to_sync(syncs[0])};
    signals = {to_sync(syncs[3]), to_sync(syncs[2])};
    for (int unsigned s = 0; s < 4; s++) begin
      beyond[s] = 32'(syncs[s][SyncSemaphoreMsb:SyncSemaphoreLsb]) >= 32'(Semaphores);
    end
  end

  binding_table u_bindings (
    .clk_i, .rst_ni, .clear_i(flush_i), .bind_i(bind_now), .unit_i(dispatch_unit_o),
    .waits_i(waits), .signals_i(signals),
    .wait_refused_o(wait_refused), .signal_refused_o(signal_refused),
    .signal_unit_o(binding_signal_unit_o)
  );

  function automatic logic [7:0] first_semaphore(logic [3:0] found, logic [3:0][31:0] raw);
    for (int unsigned s = 0; s < 4; s++) begin
      if (found[s]) return raw[s][SyncSemaphoreMsb:SyncSemaphoreLsb];
    end
    return 8'd0;
  endfunction

  // ---- sizes ----
  logic [1:0]  format_shift;            // log2 of an operand's bytes
  logic [2:0]  element_shift;           // log2 of a stored element's bytes
  logic        counts_bad, run_bad, matrix_bad, c_pitch_bad;
  rows_t       rows_q, rows_d;          // product of the counts so far
  logic        rows_bad_q, rows_bad_d;

  assign format_shift = (format == command_pkg::FormatBf16) ? 2'd1 : 2'd0;
  assign element_shift = is_load ? 3'd2 :
                         (conversion == 8'(ConversionRaw)) ? 3'd2 :
                         (conversion == 8'(ConversionBf16)) ? 3'd1 : 3'd0;
  always_comb begin
    counts_bad = 1'b0;
    for (int unsigned d = 0; d < 4; d++) begin
      if (counts[d] == '0 || counts[d] > MaxRows) counts_bad = 1'b1;
    end
    run_bad = run == '0 || run > MaxRun;
    if (local_accumulators) begin
      if (run > (32'(Cols) << element_shift)) run_bad = 1'b1;
      if ((run & ((32'd1 << element_shift) - 32'd1)) != '0) run_bad = 1'b1;
    end
    matrix_bad = m == '0 || n == '0 || k == '0 || m > MaxRows || k > MaxRows ||
        n > (MaxRun >> format_shift);
  end

  // ---- divisions: lines of a row, k blocks, strips ----
  logic   line_start, line_done, block_start, block_done, strip_done;
  steps_t line_length, line_parts, block_parts, strip_parts;
  logic [15:0] block_last, strip_last, unused_line_last;

  part_divider #(.Part(LineBytes), .Width(StepsWidth)) u_lines (
    .clk_i, .rst_ni, .start_i(line_start), .length_i(line_length),
    .done_o(line_done), .parts_o(line_parts), .last_o(unused_line_last)
  );
  part_divider #(.Part(BlockKBf16), .Width(StepsWidth)) u_blocks (
    .clk_i, .rst_ni, .start_i(block_start), .length_i(steps_t'(k)),
    .done_o(block_done), .parts_o(block_parts), .last_o(block_last)
  );
  part_divider #(.Part(Cols), .Width(StepsWidth)) u_strips (
    .clk_i, .rst_ni, .start_i(block_start), .length_i(steps_t'(n)),
    .done_o(strip_done), .parts_o(strip_parts), .last_o(strip_last)
  );

  // An INT8 block is two BF16 blocks long.
  steps_t blocks;
  logic [15:0] last_k;
  always_comb begin
    if (format == command_pkg::FormatInt8) begin
      blocks = (block_parts + 1'b1) >> 1;
      last_k = block_parts[0] ? block_last : block_last + 16'(BlockKBf16);
    end else begin
      blocks = block_parts;
      last_k = block_last;
    end
  end

  // ---- local side: a short program on one multiplier ----
  // Transfers: rows = product of the counts, then the local extent. MATRIX: A, B, C.
  typedef enum logic [3:0] {
    LocalIdle, Rows1, Rows2, Rows3, LocalExtent, ExtentA, ExtentB, ExtentC, LocalDone
  } local_e;
  local_e local_q, local_d;
  logic   local_start, local_ready, unused_local_overflow;
  local_product_t local_multiplicand, local_product;
  steps_t local_multiplier;
  local_end_t end_0_q, end_0_d;   // end of the local range or of A
  local_end_t end_1_q, end_1_d;   // of B
  local_end_t end_2_q, end_2_d;   // of C
  rows_t  next_rows;
  logic   next_rows_bad;

  extent_multiplier #(.Width(LocalProduct), .MultiplierWidth(StepsWidth)) u_local (
    .clk_i, .rst_ni, .start_i(local_start), .multiplicand_i(local_multiplicand), .large_i(1'b0),
    .multiplier_i(local_multiplier), .done_o(local_ready), .product_o(local_product),
    .overflow_o(unused_local_overflow)
  );

  // rows x count = rows + rows x (count - 1): a count of 1 costs one cycle.
  assign next_rows_bad = rows_bad_q || local_product > local_product_t'(MaxRows) - local_product_t'(rows_q);
  assign next_rows = next_rows_bad ? rows_t'(1) : rows_q + rows_t'(local_product);

  function automatic steps_t less_one(logic [31:0] count);
    return steps_t'(count - 32'd1);
  endfunction

  always_comb begin
    local_d = local_q;
    local_start = 1'b0;
    local_multiplicand = local_product_t'(rows_q);
    local_multiplier = '0;
    rows_d = rows_q;
    rows_bad_d = rows_bad_q;
    end_0_d = end_0_q;
    end_1_d = end_1_q;
    end_2_d = end_2_q;
    line_start = 1'b0;
    line_length = steps_t'(run);
    block_start = 1'b0;
    unique case (local_q)
      LocalIdle: begin
        if (state_q == Read && is_transfer && words_q > 5'(TransferCount3Word)) begin
          local_start = 1'b1;
          local_multiplicand = local_product_t'(counts[0][RowsWidth-1:0]);
          local_multiplier = less_one(counts[1]);
          rows_d = rows_t'(counts[0]);
          rows_bad_d = 1'b0;
          line_start = 1'b1;
          local_d = Rows1;
        end
        if (state_q == Read && is_matrix && words_q > 5'(MatrixAPitchWord)) begin
          local_start = 1'b1;
          local_multiplicand = local_product_t'(a_pitch);
          local_multiplier = less_one(m);
          line_start = 1'b1;
          line_length = steps_t'(k << format_shift);
          block_start = 1'b1;
          local_d = ExtentA;
        end
      end
      Rows1, Rows2: begin
        if (local_ready) begin
          rows_d = next_rows;
          rows_bad_d = next_rows_bad;
          local_start = 1'b1;
          local_multiplicand = local_product_t'(next_rows);
          local_multiplier = less_one((local_q == Rows1) ? counts[2] : counts[3]);
          local_d = (local_q == Rows1) ? Rows2 : Rows3;
        end
      end
      Rows3: begin
        if (local_ready) begin
          rows_d = next_rows;
          rows_bad_d = next_rows_bad;
          local_start = 1'b1;
          local_multiplicand = local_product_t'(local_pitch);
          local_multiplier = less_one(32'(next_rows));
          local_d = LocalExtent;
        end
      end
      LocalExtent: begin
        if (local_ready && line_done) begin
          end_0_d = local_end_t'(local_base) + local_end_t'(local_product) +
              (local_accumulators ? local_end_t'(1) : local_end_t'(line_parts));
          local_d = LocalDone;
        end
      end
      ExtentA: begin
        if (local_ready && line_done && words_q > 5'(MatrixBPitchWord)) begin
          end_0_d = local_end_t'(a_base) + local_end_t'(local_product) + local_end_t'(line_parts);
          local_start = 1'b1;
          local_multiplicand = local_product_t'(b_pitch);
          local_multiplier = less_one(k);
          line_start = 1'b1;
          line_length = steps_t'(n << format_shift);
          local_d = ExtentB;
        end
      end
      ExtentB: begin
        if (local_ready && line_done && strip_done && block_done &&
            words_q > 5'(MatrixCPitchWord)) begin
          end_1_d = local_end_t'(b_base) + local_end_t'(local_product) + local_end_t'(line_parts);
          local_start = 1'b1;
          local_multiplicand = local_product_t'(c_pitch);
          local_multiplier = strip_parts - 1'b1;
          local_d = ExtentC;
        end
      end
      ExtentC: begin
        if (local_ready) begin
          end_2_d = local_end_t'(c_base) + local_end_t'(local_product) + local_end_t'(m);
          local_d = LocalDone;
        end
      end
      default: begin   // LocalDone
        if (state_q == Idle) local_d = LocalIdle;
      end
    endcase
    if (flush_i) local_d = LocalIdle;
  end

  // ---- memory side: least and greatest byte of all loops ----
  typedef enum logic [2:0] {
    AddressIdle, Loop0, Loop1, Loop2, Loop3, AddressDone
  } address_e;
  address_e address_state_q, address_state_d;
  logic     stride_start, stride_ready, stride_overflow;
  logic [1:0] loop;
  extent_t  stride_product;
  extent_t  below_q, below_d, above_q, above_d;   // sums of the negative and of the positive loops
  logic     far_q, far_d;                         // a sum is past its bits
  logic [31:0] merged_q, merged_d;
  logic     merge_q, merge_d;
  logic [ExtentWidth:0] below_sum, above_sum;
  logic [ExtentWidth:0] merged_sum;
  wide_t       stride_magnitude;

  function automatic wide_t magnitude(wide_t stride);
    return stride[63] ? -stride : stride;
  endfunction

  assign stride_magnitude = magnitude(strides[loop]);
  extent_multiplier #(.Width(ExtentWidth), .MultiplierWidth(RowsWidth)) u_strides (
    .clk_i, .rst_ni, .start_i(stride_start), .multiplicand_i(extent_t'(stride_magnitude)),
    .large_i((66'(stride_magnitude) >> ExtentWidth) != '0),
    .multiplier_i(rows_t'(counts[loop] - 32'd1)), .done_o(stride_ready),
    .product_o(stride_product), .overflow_o(stride_overflow)
  );

  logic [1:0] ended;   // the loop whose product is ready
  assign ended = 2'(address_state_q - Loop0);
  assign below_sum = {1'b0, below_q} + {1'b0, stride_product};
  assign above_sum = {1'b0, above_q} + {1'b0, stride_product};
  assign merged_sum = {1'b0, stride_product} + (ExtentWidth + 1)'(run);

  always_comb begin
    address_state_d = address_state_q;
    stride_start = 1'b0;
    loop = 2'd0;
    below_d = below_q;
    above_d = above_q;
    far_d = far_q;
    merged_d = merged_q;
    merge_d = merge_q;
    unique case (address_state_q)
      AddressIdle: begin
        if (state_q == Read && is_transfer && words_q > 5'(TransferStride0Word)) begin
          stride_start = 1'b1;
          below_d = '0;
          above_d = '0;
          far_d = 1'b0;
          merge_d = 1'b0;
          address_state_d = Loop0;
        end
      end
      Loop0, Loop1, Loop2, Loop3: begin
        loop = ended + 2'd1;
        // Words arrive one a cycle: the next stride may not be here yet.
        if (stride_ready && (address_state_q == Loop3 ||
                             words_q > 5'(TransferStride0Word) + 5'(loop))) begin
          if (strides[ended][63]) begin
            below_d = below_sum[ExtentWidth-1:0];
            far_d = far_q || stride_overflow || below_sum[ExtentWidth];
          end else begin
            above_d = above_sum[ExtentWidth-1:0];
            far_d = far_q || stride_overflow || above_sum[ExtentWidth];
          end
          if (address_state_q == Loop0) begin
            // stride x (count - 1) + run = run x count, as the stride is the run.
            merged_d = merged_sum[31:0];
            merge_d = strides[0] == 64'(run) && counts[0] > 32'd1 && merged_sum[ExtentWidth:32] == '0 &&
                !waits[0].by_rows && !waits[1].by_rows;
          end
          if (address_state_q == Loop3) begin
            address_state_d = AddressDone;
          end else begin
            stride_start = 1'b1;
            address_state_d = address_e'(address_state_q + 3'd1);
          end
        end
      end
      default: begin   // AddressDone
        if (state_q == Idle) address_state_d = AddressIdle;
      end
    endcase
    if (flush_i) address_state_d = AddressIdle;
  end

  logic [ExtentWidth:0] first_byte;      // highest bit: below 0
  logic [ExtentWidth+1:0] last_byte;     // exact
  logic        address_bad;
  assign first_byte = (ExtentWidth + 1)'(address_t'(address)) - {1'b0, below_q};
  assign last_byte = (ExtentWidth + 2)'(address_t'(address)) + {2'b0, above_q} +
      (ExtentWidth + 2)'(run) - (ExtentWidth + 2)'(1);
  assign address_bad = far_q || (65'(address) >> AddressWidth) != '0 || first_byte[ExtentWidth] ||
      last_byte[ExtentWidth+1:AddressWidth] != '0;

  // ---- the checks, first to last; window and scale follow ----
  logic [7:0]  cause;
  logic [63:0] cause_address;
  logic        format_bad, uses_scale, scale_bad;
  logic        end_0_bad, end_1_bad, end_2_bad;
  wide_t       scale_end;
  localparam int unsigned ScaleLines = (4 * Cols + LineBytes - 1) / LineBytes;

  assign uses_scale = is_store && conversion == 8'(ConversionInt8) && !is_per_column;
  assign scale_bad = uses_scale && local_accumulators &&
      (scale[31] || scale[30:23] == '1 || scale[30:0] == '0);

  always_comb begin
    format_bad = 1'b0;
    if (is_load) begin
      format_bad = !((space == SpaceScratchpad && load_tag == 8'(TagNone)) ||
                     (space == SpaceAccumulators &&
                      (load_tag == 8'(TagFp32) || load_tag == 8'(TagInt32))));
    end else if (is_matrix) begin
      format_bad = !((format == command_pkg::FormatBf16 && systolith_config_pkg::FormatBf16) ||
                     (format == command_pkg::FormatInt8 && systolith_config_pkg::FormatInt8));
    end else if (is_store) begin
      if (space == SpaceScratchpad) begin
        format_bad = conversion != '0 || relu || is_per_column || scale != '0 || scale_line != '0;
      end else begin
        format_bad = space != SpaceAccumulators || conversion > 8'(ConversionInt8) ||
            (is_per_column && conversion != 8'(ConversionInt8)) ||
            (scale != '0 && !uses_scale) || (scale_line != '0 && !is_per_column);
      end
    end
  end

  assign scale_end = 64'(scale_line) + 64'(ScaleLines);
  assign end_0_bad = (is_transfer && local_accumulators) ? end_0_q > local_end_t'(AccumulatorRows)
                                                         : end_0_q > local_end_t'(ScratchpadLines);
  assign end_1_bad = is_matrix ? end_1_q > local_end_t'(ScratchpadLines)
                               : is_store && is_per_column && scale_end > 64'(ScratchpadLines);
  assign end_2_bad = is_matrix && end_2_q > local_end_t'(AccumulatorRows);
  assign c_pitch_bad = strip_parts > steps_t'(1) && c_pitch < m;

  logic size_bad;
  assign size_bad = is_transfer ? counts_bad || run_bad || rows_bad_q
                                : is_matrix && (matrix_bad || c_pitch_bad ||
                                                blocks > steps_t'(65535));

  always_comb begin
    cause = CauseNone;
    cause_address = '0;
    if (wrong_q) begin
      cause = CauseMemory;
      cause_address = wrong_place_q;
    end else if (version != HeaderVersionValue) begin
      cause = CauseVersion;
    end else if (!is_known) begin
      cause = CauseOpcode;
    end else if (reserved_q) begin
      cause = CauseReserved;
    end else if (beyond != '0) begin
      cause = CauseSemaphoreIndex;
      cause_address = 64'(first_semaphore(beyond, syncs));
    end else if ({signal_refused, wait_refused} != '0) begin
      cause = CauseSemaphoreBinding;
      cause_address = 64'(first_semaphore({signal_refused, wait_refused}, syncs));
    end else if (format_bad) begin
      cause = CauseFormat;
    end else if (size_bad) begin
      cause = CauseSize;
    end else if ((is_transfer || is_matrix) && (end_0_bad || end_1_bad || end_2_bad)) begin
      cause = CauseLocalRange;
      cause_address = end_0_bad ? 64'(end_0_q) :
                      !end_1_bad ? 64'(end_2_q) :
                      is_matrix ? 64'(end_1_q) : scale_end;
    end else if (is_transfer && address_bad) begin
      cause = CauseAddress;
      cause_address = address;
    end
  end

  // ---- states ----
  logic        calculated;
  logic [7:0]  cause_q, cause_d;
  logic [63:0] cause_address_q, cause_address_d;
  logic        unread_q, unread_d;   // the command at hand is not known
  cycle_t      start_q, start_d;

  // Everything that a check needs is there: all words and, for what has extents, both programs.
  assign calculated = words_q == 5'(CommandWords) &&
      (!is_transfer || (local_q == LocalDone && address_state_q == AddressDone)) &&
      (!is_matrix || local_q == LocalDone);

  always_comb begin
    state_d = state_q;
    index_d = index_q;
    cause_d = cause_q;
    cause_address_d = cause_address_q;
    unread_d = unread_q;
    start_d = start_q;
    read_o = 1'b0;
    release_o = 1'b0;
    window_start_o = 1'b0;
    unique case (state_q)
      Idle: begin
        if (stop_i) begin
          state_d = Stopped;
        end else if (command_valid_i && command_fault_i) begin
          cause_d = CauseBusFetch;
          cause_address_d = fault_address_i;
          unread_d = 1'b1;
          start_d = cycle_i;
          state_d = Refuse;
        end else if (command_valid_i) begin
          read_o = 1'b1;
          state_d = Read;
        end
      end
      Read: begin
        if (calculated) state_d = Check;
      end
      Check: begin
        cause_d = cause;
        cause_address_d = cause_address;
        start_d = cycle_i;
        release_o = 1'b1;
        unread_d = wrong_q;
        if (cause != CauseNone) begin
          state_d = Refuse;
        end else if (is_transfer) begin
          window_start_o = 1'b1;
          state_d = Window;
        end else begin
          state_d = Offer;
        end
      end
      Window: begin
        if (window_done_i) begin
          state_d = Offer;
          if (!window_found_i) begin
            cause_d = CauseWindow;
            cause_address_d = address;
            state_d = Refuse;
          end else if (scale_bad) begin
            cause_d = CauseScale;
            state_d = Refuse;
          end
        end
      end
      Offer: begin
        if (stop_i) begin
          state_d = Stopped;
        end else if (dispatch_ready_i) begin
          index_d = index_q + 32'd1;
          state_d = Idle;
        end
      end
      Refuse: begin
        if (stop_i || refuse_ready_i) state_d = Stopped;
      end
      default: begin   // Stopped
        if (!stop_i) state_d = Idle;   // enabled; a halt ends only with the flush
      end
    endcase
    if (flush_i) begin
      state_d = Idle;
      index_d = '0;
      unread_d = 1'b0;
      read_o = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      words_q <= '0;
      index_q <= '0;
      unread_q <= 1'b0;
      local_q <= LocalIdle;
      address_state_q <= AddressIdle;
    end else begin
      state_q <= state_d;
      words_q <= words_d;
      index_q <= index_d;
      unread_q <= unread_d;
      local_q <= local_d;
      address_state_q <= address_state_d;
    end
  end

  always_ff @(posedge clk_i) begin
    reserved_q <= reserved_d;
    wrong_q <= wrong_d;
    rows_q <= rows_d;
    rows_bad_q <= rows_bad_d;
    end_0_q <= end_0_d;
    end_1_q <= end_1_d;
    end_2_q <= end_2_d;
    below_q <= below_d;
    above_q <= above_d;
    far_q <= far_d;
    merged_q <= merged_d;
    merge_q <= merge_d;
    cause_q <= cause_d;
    cause_address_q <= cause_address_d;
    start_q <= start_d;
  end

  assign index_o = index_q;
  assign idle_o = state_q == Idle || state_q == Stopped;
  assign offering_o = state_q == Offer || state_q == Refuse;
  assign window_write_o = is_store;
  assign window_first_o = 64'(address_t'(first_byte));
  assign window_last_o = 64'(address_t'(last_byte));

  // ---- what the units take ----
  transfer_t transfer;
  always_comb begin
    dispatch_header_o = '{
      index: index_q,
      record: word_q[FlagRecordWord][FlagRecordBit],
      raise_irq: word_q[FlagInterruptWord][FlagInterruptBit],
      opcode: opcode,
      waits: waits,
      signals: signals
    };
    transfer.base = address_t'(address);
    transfer.run = run_t'(run);
    transfer.merge = merge_q;
    transfer.merged_run = merged_q;
    for (int unsigned d = 0; d < 4; d++) begin
      transfer.count[d] = rows_t'(counts[d]);
      transfer.stride[d] = address_t'(strides[d]);
    end
    transfer.rows = rows_q;
    transfer.local_base = local_t'(local_base);
    transfer.local_pitch = local_t'(local_pitch);

    load_command_o = '{
      header: dispatch_header_o,
      transfer: transfer,
      accumulators: local_accumulators,
      tag: load_tag[1:0]
    };
    matrix_command_o = '{
      header: dispatch_header_o,
      int8: format == command_pkg::FormatInt8,
      accumulate: word_q[FlagAccumulateWord][FlagAccumulateBit],
      strip_outer: word_q[FlagStripOuterWord][FlagStripOuterBit],
      m: rows_t'(m),
      blocks: 16'(blocks),
      strips: 16'(strip_parts),
      last_k: last_k,
      last_n: strip_last,
      a_base: local_t'(a_base),
      a_pitch: local_t'(a_pitch),
      b_base: local_t'(b_base),
      b_pitch: local_t'(b_pitch),
      c_base: local_t'(c_base),
      c_pitch: local_t'(c_pitch)
    };
    store_command_o = '{
      header: dispatch_header_o,
      transfer: transfer,
      accumulators: local_accumulators,
      conversion: conversion[1:0],
      relu: relu,
      scale_per_column: is_per_column,
      scale: scale,
      scale_line: local_t'(scale_line)
    };

    refuse_o = '{
      index: index_q,
      record: 1'b1,
      raise_irq: 1'b0,
      unit: unread_q ? 8'd0 : unit_code,
      opcode: unread_q ? 8'd0 : opcode,
      state: StateFailed,
      cause: cause_q,
      address: cause_address_q,
      start: start_q
    };
  end

  assign dispatch_unit_o = unit_code[1:0];
  assign dispatch_valid_o = state_q == Offer && !stop_i;
  assign bind_now = dispatch_valid_o && dispatch_ready_i;
  assign refuse_valid_o = state_q == Refuse && !stop_i;

  `ASSERT(WordsInOrder, !word_valid_i || word_index_i == words_q[3:0])
  `ASSERT(GoodRowsFit,
          !(dispatch_valid_o && is_transfer) || (rows_q != '0 && 32'(rows_q) <= MaxRows))

endmodule

`default_nettype wire
