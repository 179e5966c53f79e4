// Sizes and types inside the store unit.
package store_pkg;

  import systolith_config_pkg::*;
  import systolith_pkg::*;

  // Commands started and not yet reported: while responses of one are owed the next ones run.
  parameter int unsigned StartedCommands = 4;
  parameter int unsigned SlotWidth = $clog2(StartedCommands);
  typedef logic [SlotWidth-1:0] slot_t;

  // A group is what the drain converts a cycle; a row is a whole number of them.
  parameter int unsigned GroupsPerRow = (Cols + DrainLanes - 1) / DrainLanes;
  parameter int unsigned GroupBytes = 4 * DrainLanes;

  // An entry is an accumulator row or a scratchpad line, as read.
  parameter int unsigned EntryBytes = max2(4 * Cols, LineBytes);
  parameter int unsigned EntryBytesWidth = $clog2(EntryBytes + 1);
  typedef logic [8*EntryBytes-1:0] entry_data_t;
  typedef logic [EntryBytesWidth-1:0] entry_bytes_t;

  // A stage of the drain holds a group or a bus word.
  parameter int unsigned StageBytes = max2(GroupBytes, BusBytes);
  parameter int unsigned StageBytesWidth = $clog2(StageBytes + 1);
  typedef logic [StageBytesWidth-1:0] stage_bytes_t;

  // Scales of all columns take one line or two.
  parameter int unsigned ScaleLines = (4 * Cols + LineBytes - 1) / LineBytes;

  parameter int unsigned OffsetWidth = $clog2(BusBytes);
  typedef logic [OffsetWidth-1:0] offset_t;      // byte in a bus word
  typedef logic [OffsetWidth:0] word_bytes_t;    // bytes of a bus word, 0 .. BusBytes

  // What an entry is and what is to be done with it.
  typedef struct packed {
    slot_t        slot;              // its command
    logic         scales;            // a line of scales, not of data
    logic         second;            // the second line of scales
    logic         accumulators;      // an accumulator row, else a scratchpad line
    logic         last;              // ends a run of the memory side
    entry_bytes_t bytes;             // of the converted row, or of the line, that are stored
    local_t       row;               // for the report of a fault
    logic [1:0]   conversion;
    logic         relu;
    logic         scale_per_column;
    logic [31:0]  scale;
  } source_entry_t;

endpackage
