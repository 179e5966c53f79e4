// Types between the sub-modules of the matrix unit, and the distances that follow from the array's
// timing.
package matrix_pkg;

  import systolith_config_pkg::*;
  import systolith_pkg::*;
  import array_pkg::*;

  // Started commands whose report is still to come.
  parameter int unsigned CommandSlots = 4;
  parameter int unsigned SlotWidth = index_width(CommandSlots);

  // Cycles from the issue of a row (its operand's read) to ...
  parameter int unsigned IssueToSumRead = SumOffset;                   // ... column 0's sum read
  parameter int unsigned IssueToTag = SumOffset + MemoryLatency;       // ... that sum and its tag
  parameter int unsigned IssueToWrite = MemoryLatency + ResultOffset;  // ... column 0's write
  parameter int unsigned IssueToVisible = IssueToWrite + Cols;         // ... the whole row readable
  parameter int unsigned IssueToReissue = IssueToWrite + 1 - IssueToSumRead;  // ... next issue

  // Operands and strips of B in a scratchpad line.
  parameter int unsigned OperandSlotWidth = index_width(OperandsPerLine);
  parameter int unsigned StripsPerLineBf16 = LineBytes / StripBytes;
  parameter int unsigned StripsPerLineInt8 = 2 * StripsPerLineBf16;
  parameter int unsigned StripSlotWidth = index_width(StripsPerLineInt8);

  // Passes whose rows may still be in the array: one begins every Cols cycles at most.
  parameter int unsigned PassesInFlight = (IssueToReissue + 4) / max2(Cols, 2) + 2;
  parameter int unsigned TableDepth = (PassesInFlight < 8) ? PassesInFlight : 8;

  // Row numbers modulo 2^SequenceWidth order all rows that the table and the array can hold.
  parameter int unsigned SequenceWidth =
      max2(AccumulatorIndexWidth + 1, index_width(IssueToVisible + 4)) + 2;

  typedef logic [SlotWidth-1:0] slot_t;
  typedef logic [OperandSlotWidth-1:0] operand_slot_t;
  typedef logic [StripSlotWidth-1:0] strip_slot_t;
  typedef logic [SequenceWidth-1:0] sequence_t;

  // One stationary block and the M rows that stream past it.
  typedef struct packed {
    slot_t              slot;        // command it belongs to
    logic               int8;
    logic               seed_zero;   // the chain starts here, partial sums are not read
    logic               last;        // of its command
    rows_t              m;
    logic [31:0]        first_row;   // number of its first row in the command
    logic [15:0]        k_valid;     // k steps of the block
    logic [15:0]        columns;     // valid columns of the strip
    line_index_t        a_line;      // row 0's
    line_index_t        a_pitch;
    operand_slot_t      a_slot;
    line_index_t        b_line;      // k step 0's
    line_index_t        b_pitch;
    strip_slot_t        b_slot;
    accumulator_index_t c_row;       // row 0's
  } pass_t;

  // What ends a command early.
  typedef struct packed {
    logic        valid;
    slot_t       slot;
    logic [7:0]  cause;
    logic [31:0] address;
  } fault_t;

  // A row ready to issue.
  typedef struct packed {
    slot_t              slot;
    logic               int8;
    logic               seed_zero;
    logic               swap;        // first row of its pass
    logic [31:0]        number;      // in the command's documented order
    logic [15:0]        k_valid;
    logic [15:0]        columns;
    line_index_t        a_line;
    operand_slot_t      a_slot;
    accumulator_index_t c_row;
    logic               depends;     // an earlier pass in flight writes this row
    sequence_t          needs;       // number of that row
  } row_t;

endpackage
