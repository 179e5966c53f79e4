// Codes of the UART link's requests and answers, and its CRC. docs/link.md is what they are written to.
`default_nettype none

package link_pkg;

  // Kinds of requests; an answer's is the request's with bit 7 turned.
  parameter logic [7:0] KindOpen = 8'h01;
  parameter logic [7:0] KindReadMemory = 8'h02;
  parameter logic [7:0] KindWriteMemory = 8'h03;
  parameter logic [7:0] KindReadRegister = 8'h04;
  parameter logic [7:0] KindWriteRegister = 8'h05;

  parameter logic [31:0] OpenMagic = 32'h4B4E_4C53;   // "SLNK"
  parameter logic [15:0] LinkVersion = 16'd1;
  parameter int unsigned Window = 16;                 // requests without an answer, and outcomes kept
  parameter int unsigned HeaderBytes = 16;            // of a request
  parameter int unsigned CrcBytes = 4;
  parameter int unsigned RingBytes = 2048;            // of a buffer, each way
  parameter int unsigned MaxPayload = 1008;
  parameter int unsigned LengthWidth = 10;            // bytes of a request's data

  // The first four are outcomes, which are kept; the others take no number.
  typedef enum logic [2:0] {
    Ok         = 3'd0,
    Refused    = 3'd1,
    BusError   = 3'd2,
    BusTimeout = 3'd3,
    NoSession  = 3'd4,
    Gap        = 3'd5
  } status_t;

  // First sixteen bytes of a request, byte 0 lowest.
  typedef struct packed {
    logic [63:0] address;
    logic [15:0] zero;
    logic [15:0] length;
    logic [15:0] session;
    logic [7:0]  number;
    logic [7:0]  kind;
  } header_t;

  // What all ports see of the request in work.
  typedef struct packed {
    logic                   prepare;   // one cycle, before any port is started, for each request
    logic                   write;
    logic [63:0]            address;
    logic [LengthWidth-1:0] length;
  } port_request_t;

  // Content longer than this is dropped.
  function automatic int unsigned longest_content(int unsigned payload);
    return payload + 18;
  endfunction

  // CRC-32 of Ethernet, reflected: starts as all ones, goes inverted, least significant byte first. With a byte that is
  // the CRC's lowest it shifts that one out.
  parameter logic [31:0] CrcStart = 32'hFFFF_FFFF;
  parameter logic [31:0] CrcRight = 32'hDEBB_20E3;   // after content and CRC

  function automatic logic [31:0] crc_step(logic [31:0] crc, logic [7:0] data);
    logic [31:0] next;
    next = crc ^ {24'd0, data};
    for (int unsigned i = 0; i < 8; i++) next = (next >> 1) ^ (next[0] ? 32'hEDB8_8320 : 32'd0);
    return next;
  endfunction

  function automatic int unsigned greatest_common_divisor(int unsigned x, int unsigned y);
    int unsigned larger, smaller, rest;
    larger = x;
    smaller = y;
    while (smaller != 0) begin
      rest = larger % smaller;
      larger = smaller;
      smaller = rest;
    end
    return larger;
  endfunction

endpackage

`default_nettype wire
