// Configuration of one device: the only place where sizes are set. A build compiles exactly one file of this name.
// Legal ranges are checked where `systolith_pkg` derives from them and in the modules that use them.
package systolith_config_pkg;

  // Array.
  parameter int unsigned Rows = 16;        // k lanes, 1..128
  parameter int unsigned Cols = 16;        // columns, 1..128
  parameter int unsigned MacDepth = 3;     // registers from operands to result, 3..6; bits never depend on it
  parameter bit MultiplierBlocks = 1'b0;   // products by `*`, for an FPGA's multipliers; 0: written out, fewer gates
  parameter bit FormatBf16 = 1'b1;         // at least one format
  parameter bit FormatInt8 = 1'b1;

  // On-chip memories.
  parameter int unsigned ScratchpadLines = 4096;  // power of two; a line is systolith_pkg::LineBytes
  parameter int unsigned ScratchpadBanks = 4;     // power of two, 1..16, at most ScratchpadLines / 2
  parameter int unsigned AccumulatorRows = 1024;  // power of two
  parameter int unsigned MemoryLatency = 1;       // read latency of the memory wrapper, 1 or 2
  parameter bit MemorySecded = 1'b0;              // 1: corrects a flipped bit, 0: parity finds it

  // Bus.
  parameter int unsigned BusBytes = 16;           // 8, 16, 32 or 64
  parameter int unsigned AddressWidth = 40;       // 32..64
  parameter int unsigned MaxBurstBeats = 16;      // power of two, 1..256
  parameter int unsigned ReadsOutstanding = 128;   // bursts of the load unit, power of two, 1..128
  parameter int unsigned WritesOutstanding = 128;  // bursts of the store unit, power of two, 1..128

  // Drain.
  parameter int unsigned DrainLanes = 16;  // columns converted a cycle, 1..Cols

  // Command processor.
  parameter int unsigned UnitQueueDepth = 16;  // commands waiting in front of each unit, 1..64
  parameter int unsigned FetchBuffer = 32;     // commands fetched ahead, power of two, 1..64
  parameter int unsigned FetchBurst = 8;       // commands a fetch asks for at most, power of two, 1..FetchBuffer
  parameter int unsigned Semaphores = 16;      // 16..64
  parameter int unsigned Windows = 4;          // 1..8

endpackage
