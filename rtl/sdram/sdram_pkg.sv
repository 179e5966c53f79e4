// Geometry, commands and times of the SDR SDRAM: 4 banks x 8192 rows x 512 columns x 16 bits, 32 MB.
`default_nettype none

package sdram_pkg;

  parameter int unsigned BankBits = 2;
  parameter int unsigned RowBits = 13;
  parameter int unsigned ColumnBits = 9;
  parameter int unsigned AddressBits = 1 + ColumnBits + BankBits + RowBits;   // of a byte: 25

  typedef logic [BankBits-1:0] bank_t;
  typedef logic [RowBits-1:0] row_t;
  typedef logic [ColumnBits-1:0] column_t;

  // RAS#, CAS#, WE#; with Nop the chip is not selected.
  typedef enum logic [2:0] {
    LoadMode  = 3'b000,
    Refresh   = 3'b001,
    Precharge = 3'b010,
    Activate  = 3'b011,
    Write     = 3'b100,
    Read      = 3'b101,
    Nop       = 3'b111
  } command_t;

  // A beat of the bus: consecutive words of one row.
  typedef struct packed {
    logic       write;
    logic       error;    // past the memory: no word is moved
    logic       last;     // of its burst
    logic [1:0] id;
    bank_t      bank;
    row_t       row;
    column_t    column;   // of the first word
  } beat_t;

  // Times of the datasheet in picoseconds; those with `clocks` take at least so many.
  typedef struct packed {
    logic [31:0] trcd;
    logic [31:0] trp;
    logic [31:0] tras;
    logic [31:0] trc;
    logic [31:0] trfc;
    logic [31:0] trrd;
    logic [31:0] twr;
    logic [31:0] tmrd;
    logic [31:0] clocks;   // of tRRD, tWR, tMRD
  } timing_t;

  // The slowest of the parts that ULX3S boards carry.
  parameter timing_t TimingAnyPart = '{
    trcd: 32'd21000, trp: 32'd21000, tras: 32'd42000, trc: 32'd63000, trfc: 32'd66000,
    trrd: 32'd15000, twr: 32'd15000, tmrd: 32'd15000, clocks: 32'd2
  };
  parameter timing_t TimingIs42s16160g7 = '{
    trcd: 32'd15000, trp: 32'd15000, tras: 32'd37000, trc: 32'd60000, trfc: 32'd60000,
    trrd: 32'd14000, twr: 32'd14000, tmrd: 32'd14000, clocks: 32'd1
  };

  parameter logic [31:0] PowerUpTime = 32'd200_000_000;   // ps

  // Least number of cycles that is no shorter than a time, nor less than `least`.
  function automatic int unsigned cycles_of(
      logic [31:0] picoseconds, int unsigned clock_hz, int unsigned least);
    longint unsigned cycles;
    cycles = (64'(picoseconds) * 64'(clock_hz) + 64'd999_999_999_999) / 64'd1_000_000_000_000;
    return (cycles > 64'(least)) ? 32'(cycles) : least;
  endfunction

  // From one refresh to the next: 8192 in 64 ms, and one cycle less, for what the refreshes of any 64 ms may be late.
  function automatic int unsigned refresh_cycles(int unsigned clock_hz);
    return clock_hz / 128_000 - 1;
  endfunction

  // What a word read is: travels beside it.
  typedef struct packed {
    logic       valid;
    logic       beat_end;   // last word of its beat
    logic       error;      // a whole beat without words
    logic       last;       // its beat is the last of the burst
    logic [1:0] id;
  } read_tag_t;

endpackage

`default_nettype wire
