/* Driver of a Systolith device: open, memory, windows, one queue, records, counters, errors.
 *
 * One program runs on every backend, chosen by a URI:
 *   model:                        the bit-exact golden model (keys: config, rows, cols)
 *   sim:                          the Verilated RTL (keys: config, rows, cols, bus, depth, latency,
 * stall, seed, trace, from, to)
 *   uart:/dev/ttyUSB0             a board at a serial port (keys: baud, timeout, reset, verbose,
 * rows, cols, bus, depth)
 *
 * Functions return a status; on anything but SYSTOLITH_OK systolith_error() has the text of this
 * thread's last error, which says what to do. Handles are checked: a null or closed one gives
 * SYSTOLITH_BAD_HANDLE. A device is used by one thread at a time. Device addresses are bytes;
 * nothing is coherent, so the host copies in and out. Every systolith_open of model: or sim: makes
 * a device of its own, with its own memory: handles and processes share nothing. A board is open
 * once.
 */
#ifndef SYSTOLITH_SYSTOLITH_H
#define SYSTOLITH_SYSTOLITH_H

#include <stddef.h>
#include <stdint.h>

#include "systolith/command.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface, major << 16 | minor: a change of the major number breaks programs. The
 * header's, and the library's at run time. */
#define SYSTOLITH_DRIVER_VERSION 0x00010002

typedef struct systolith_device systolith_device_t;

typedef enum systolith_status {
  SYSTOLITH_OK = 0,
  SYSTOLITH_BAD_HANDLE = 1,   /* null, closed, or not from systolith_open */
  SYSTOLITH_BAD_ARGUMENT = 2, /* refused before the device was touched */
  SYSTOLITH_NO_DEVICE = 3,    /* no such backend, model or device; or it is of another version */
  SYSTOLITH_NO_MEMORY = 4,    /* host or device memory is used up */
  SYSTOLITH_TIMEOUT = 5,      /* not done within the time given; the device still runs */
  SYSTOLITH_FAULT = 6,        /* a command failed: see systolith_fault */
  SYSTOLITH_DEVICE_GONE = 7,  /* every read answers all ones, or the bus is stuck: reset the device;
                               * or a board was lost: open it again */
  SYSTOLITH_INTERNAL = 8 /* a broken bus rule or assertion in a simulated device, or a defect */
} systolith_status_t;

/* What was built. */
typedef struct systolith_capability_set {
  uint32_t version;       /* of the device's interface: major << 16 | minor */
  uint32_t rows, columns; /* of the array */
  uint32_t mac_depth, row_latency, drain_lanes;
  uint32_t line_bytes, lines, banks, accumulator_rows;
  uint32_t bus_bytes, address_width;
  uint32_t formats; /* bit n: operand format n */
  uint32_t semaphores, windows, unit_queue_depth;
  uint64_t memory_base, memory_bytes; /* device memory that the backend offers */
} systolith_capabilities_t;

/* Counters of interfaces section 7, in cycles, bytes or counts. */
typedef struct systolith_counter_set {
  uint64_t cycles, mac_cycles;
  uint64_t lost_start, lost_fill, lost_loads, lost_store, lost_other, lost_reentry, lost_drain,
      lost_tail;
  uint64_t macs, bytes_read, bytes_written, load_busy, store_busy, commands, dropped_beats,
      corrected;
} systolith_counters_t;

/* The first fault in ring order. */
typedef struct systolith_fault_info {
  uint32_t cause; /* enum systolith_cause, 0: none */
  uint32_t unit;
  uint32_t index;   /* of the command */
  uint64_t address; /* what the cause names */
} systolith_fault_t;

uint32_t systolith_driver_version(void);

/* Text of this thread's last error, never null; valid until this thread's next call. */
const char* systolith_error(void);

/* Name of a cause ("bus_read"), or "unknown". */
const char* systolith_cause_name(uint32_t cause);

/* Opens a device and checks identity and version; registers are as after reset. Close it with
 * systolith_close. */
systolith_status_t systolith_open(const char* uri, systolith_device_t** device);
systolith_status_t systolith_close(systolith_device_t* device);

systolith_status_t systolith_capabilities(systolith_device_t* device,
                                          systolith_capabilities_t* capabilities);

/* Device memory. `alignment` is a power of two, 0 for the default of 64. Freed by systolith_free or
 * at close. */
systolith_status_t systolith_allocate(systolith_device_t* device, uint64_t bytes,
                                      uint64_t alignment, uint64_t* address);

/* Takes [address, address + bytes) of device memory, for programs with fixed addresses, as if
 * systolith_allocate had returned it. SYSTOLITH_NO_MEMORY when another buffer lies there or in one
 * of its 64-byte lines. Since driver version 1.2. */
systolith_status_t systolith_reserve(systolith_device_t* device, uint64_t address, uint64_t bytes);
systolith_status_t systolith_free(systolith_device_t* device, uint64_t address);
systolith_status_t systolith_copy_in(systolith_device_t* device, uint64_t address, const void* data,
                                     size_t bytes);
systolith_status_t systolith_copy_out(systolith_device_t* device, uint64_t address, void* data,
                                      size_t bytes);

/* Grants [base, base + bytes) to the queue: permit bit 0 read, bit 1 write. Before
 * systolith_queue_create. */
systolith_status_t systolith_grant(systolith_device_t* device, uint32_t window, uint64_t base,
                                   uint64_t bytes, uint32_t permit);

/* Makes ring and records for 2^slots_log2 (0 to 16) commands and enables the queue. */
systolith_status_t systolith_queue_create(systolith_device_t* device, uint32_t slots_log2);

/* The same with ring (128 bytes a slot, on a multiple of 128) and records (32 bytes a slot, on a
 * multiple of 32) at these addresses, in memory that was allocated or reserved and stays the
 * caller's. SYSTOLITH_FAULT when windows or alignment do not fit: then systolith_reset. Since
 * driver version 1.2. */
systolith_status_t systolith_queue_create_at(systolith_device_t* device, uint32_t slots_log2,
                                             uint64_t ring, uint64_t records);

/* Writes commands to the ring and rings the doorbell once for as many as fit, again as slots become
 * free. Returns when all are rung, or at a fault. *last_index is the index of the last one; may be
 * null. */
systolith_status_t systolith_submit(systolith_device_t* device, const systolith_command_t* commands,
                                    size_t count, uint32_t* last_index);

/* Waits until all commands up to `index` have completed; a fault of one of them, or one that keeps
 * them from completing, ends it at once. `timeout` is in device cycles on simulated devices, 0 for
 * a default of 10^9; half an hour in which no command completes ends any wait. */
systolith_status_t systolith_wait(systolith_device_t* device, uint32_t index, uint64_t timeout);

/* The same, but only the interrupt of command `index`, whose flag must be set, ends it well. When
 * the command is done and no interrupt came the text of SYSTOLITH_TIMEOUT says so. */
systolith_status_t systolith_wait_interrupt(systolith_device_t* device, uint32_t index,
                                            uint64_t timeout);

/* The record of a command that asked for one, or failed; its slot must not have been used again. */
systolith_status_t systolith_record(systolith_device_t* device, uint32_t index,
                                    systolith_record_t* record);

systolith_status_t systolith_fault(systolith_device_t* device, systolith_fault_t* fault);

/* Queue reset: on-chip memories, semaphores and the queue as after systolith_open; windows stay.
 * Then systolith_queue_create again. SYSTOLITH_DEVICE_GONE when a bus response never comes. */
systolith_status_t systolith_reset(systolith_device_t* device);

/* Resets the device together with the interconnect, for when a bus response never comes; windows
 * are granted again as they were, memory and its allocation stay. Then systolith_queue_create
 * again. */
systolith_status_t systolith_reset_device(systolith_device_t* device);

systolith_status_t systolith_counters(systolith_device_t* device, systolith_counters_t* counters);
systolith_status_t systolith_counters_clear(systolith_device_t* device);

/* Raw registers, for bring-up and tests. */
systolith_status_t systolith_read_register(systolith_device_t* device, uint32_t offset,
                                           uint32_t* value);
systolith_status_t systolith_write_register(systolith_device_t* device, uint32_t offset,
                                            uint32_t value);

#ifdef __cplusplus
}
#endif

#endif
