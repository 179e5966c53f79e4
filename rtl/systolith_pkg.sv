// Sizes and types that follow from the configuration, shared by all units.
// Codes, field positions and register addresses are generated into `command_pkg` and `registers_pkg`; none are repeated here.
package systolith_pkg;

  import systolith_config_pkg::*;

  // reason: run at elaboration alone
  // verilator coverage_off
  function automatic int unsigned lcm(int unsigned x, int unsigned y);
    int unsigned multiple;
    multiple = x;
    while (multiple % y != 0) multiple = multiple + x;
    return multiple;
  endfunction

  function automatic int unsigned max2(int unsigned x, int unsigned y);
    return (x > y) ? x : y;
  endfunction

  // Bits of an index into `depth` places, at least one.
  function automatic int unsigned index_width(int unsigned depth);
    return (depth > 1) ? $clog2(depth) : 1;
  endfunction
  // verilator coverage_on

  // ---- array ----
  parameter int unsigned RowLatency = MacDepth - 1;   // registers from incoming to outgoing partial sum
  parameter int unsigned OperandBytes = 2 * Rows;     // one row of A as the array takes it: one k step, two in INT8
  parameter int unsigned StripBytes = 2 * Cols;       // one row of B of one strip in BF16; half of it in INT8
  parameter int unsigned BlockKBf16 = Rows;           // k steps of one stationary block
  parameter int unsigned BlockKInt8 = 2 * Rows;

  // ---- scratchpad ----
  parameter int unsigned LineBytes = lcm(lcm(OperandBytes, StripBytes), BusBytes);
  parameter int unsigned WordsPerLine = LineBytes / BusBytes;        // bus words
  parameter int unsigned OperandsPerLine = LineBytes / OperandBytes;
  parameter int unsigned LinesPerBank = ScratchpadLines / ScratchpadBanks;
  parameter int unsigned LineIndexWidth = index_width(ScratchpadLines);
  parameter int unsigned WordIndexWidth = index_width(WordsPerLine);

  // ---- accumulators ----
  parameter int unsigned AccumulatorIndexWidth = index_width(AccumulatorRows);
  parameter int unsigned ColumnsPerWord = BusBytes / 4;
  parameter int unsigned WordsPerAccumulatorRow = (Cols + ColumnsPerWord - 1) / ColumnsPerWord;
  parameter int unsigned AccumulatorWordWidth = index_width(WordsPerAccumulatorRow);

  // A local index names a scratchpad line or an accumulator row; one bit more holds the end of a range.
  parameter int unsigned LocalWidth = max2(LineIndexWidth, AccumulatorIndexWidth) + 1;
  parameter int unsigned RowsWidth = 17;   // rows of a transfer: 1 .. 2^16
  parameter int unsigned RunWidth = 21;    // bytes of a run: 1 .. 2^20
  parameter int unsigned TimeWidth = 48;   // device cycle count

  typedef logic [AddressWidth-1:0] address_t;
  typedef logic [8*BusBytes-1:0] bus_data_t;
  typedef logic [BusBytes-1:0] bus_strobe_t;
  typedef logic [8*LineBytes-1:0] line_t;
  typedef logic [LocalWidth-1:0] local_t;
  typedef logic [LineIndexWidth-1:0] line_index_t;
  typedef logic [AccumulatorIndexWidth-1:0] accumulator_index_t;
  typedef logic [RowsWidth-1:0] rows_t;
  typedef logic [RunWidth-1:0] run_t;
  typedef logic [TimeWidth-1:0] cycle_t;
  typedef logic [31:0] word_t;             // binary32 or int32
  typedef logic [15:0] operand_t;          // a BF16 value or two INT8 values, lower k in the low byte

  // Fixed AXI IDs, one a requester.
  parameter int unsigned IdWidth = 2;
  parameter logic [IdWidth-1:0] IdFetch = 2'd0;
  parameter logic [IdWidth-1:0] IdLoad = 2'd1;
  parameter logic [IdWidth-1:0] IdStore = 2'd2;
  parameter logic [IdWidth-1:0] IdRecord = 2'd3;

  // ---- commands as the units get them, checked and ready to run ----
  parameter int unsigned SemaphoreWidth = index_width(Semaphores);

  typedef struct packed {
    logic                      by_rows;
    logic [4:0]                rows_log2;
    logic [SemaphoreWidth-1:0] semaphore_index;
    logic [15:0]               count;      // 0: unused
  } sync_t;

  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
    logic [7:0]  opcode;
    sync_t [1:0] waits;
    sync_t [1:0] signals;
  } header_t;

  // Rows in memory: loop 0 innermost. Address arithmetic is modulo 2^AddressWidth; the extent was checked.
  typedef struct packed {
    address_t         base;
    run_t             run;          // bytes of a row
    logic             merge;        // loop 0 is contiguous in memory: walk loops 1..3 with runs of merged_run bytes
    logic [31:0]      merged_run;   // run x count[0], if merge
    rows_t [3:0]      count;
    address_t [3:0]   stride;
    rows_t            rows;         // product of the counts
    local_t           local_base;
    local_t           local_pitch;
  } transfer_t;

  typedef struct packed {
    header_t    header;
    transfer_t  transfer;
    logic       accumulators;   // destination: accumulators, else scratchpad
    logic [1:0] tag;
  } load_command_t;

  typedef struct packed {
    header_t     header;
    logic        int8;            // else BF16
    logic        accumulate;
    logic        strip_outer;
    rows_t       m;
    logic [15:0] blocks;          // k blocks
    logic [15:0] strips;
    logic [15:0] last_k;          // valid k steps in the last block, 1 .. block size
    logic [15:0] last_n;          // valid columns in the last strip, 1 .. Cols
    local_t      a_base;
    local_t      a_pitch;
    local_t      b_base;
    local_t      b_pitch;
    local_t      c_base;
    local_t      c_pitch;         // accumulator rows from strip to strip
  } matrix_command_t;

  typedef struct packed {
    header_t     header;
    transfer_t   transfer;
    logic        accumulators;      // source: accumulators, else scratchpad
    logic [1:0]  conversion;
    logic        relu;
    logic        scale_per_column;
    logic [31:0] scale;
    local_t      scale_line;
  } store_command_t;

  // What of a command its end is reported by when no unit has it.
  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
  } command_name_t;

  // What a unit reports when a started command ends.
  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
    logic [7:0]  unit;
    logic [7:0]  opcode;
    logic [7:0]  state;
    logic [7:0]  cause;
    logic [63:0] address;
    cycle_t      start;
  } report_t;

endpackage
