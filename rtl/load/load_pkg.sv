// What travels inside the load unit from the address side to the data side and on to the end of a
// command.
package load_pkg;

  import systolith_pkg::*;

  typedef struct packed {
    logic [31:0] index;
    logic        record;
    logic        raise_irq;
    logic [7:0]  opcode;
    sync_t [1:0] signals;
    cycle_t      start;         // device time when the waits had been granted
    run_t        run;           // bytes of a row
    rows_t       rows;          // of the command
    rows_t       rows_in_run;   // rows that lie back to back in one run of memory
    logic        accumulators;  // destination, else scratchpad
    logic [1:0]  tag;
    local_t      local_base;
    local_t      local_pitch;
  } load_context_t;

endpackage
