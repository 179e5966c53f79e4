// Carries out one request on a bus: a run of bytes, at any address, as single-beat accesses of the bus' width.
//
// Request: `request_i` is stable from `request_i.prepare` until the next one; `start_i` stays high from some later
// cycle until `done_o`, which comes with the status. From `prepare` on `error_offset_o` is 0, and after an access
// that failed the offset of the first byte of the request in its beat.
// Bytes: valid/ready; a write takes and a read gives exactly `request_i.length`, whatever happens on the bus. The first
// access that fails is the last: a write drops its remaining bytes, a read gives zeros from that beat on.
// Time: `access_o` is high from the first valid of an access until its response; `expired_i` ends it unless the
// response comes in the same cycle. The port is dead then: it asks for nothing any more, requests end with BusTimeout
// at once. Its valids stay until their handshake; late responses are dropped. `clear_i` takes the valids away and
// revives it, and no access begins while it is high.
// Bus: addresses of both directions are one register; READY of responses is always high.
// Latency: a beat costs its bytes, the bus' time and 2 cycles. Throughput: one beat at a time.
//
// BusBytes 4 to 128, a power of two; AddressWidth up to 64, more than log2(BusBytes); requests of up to
// 2^OffsetWidth - 1 bytes, OffsetWidth 3 to 10.
`include "systolith_assert.svh"
`default_nettype none

module bus_port
  import link_pkg::*;
#(
  parameter int unsigned BusBytes = 16,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned OffsetWidth = LengthWidth
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // request
  input  port_request_t           request_i,
  input  logic                    start_i,
  output logic                    done_o,
  output status_t                 status_o,        // with done_o
  output logic [OffsetWidth-1:0]  error_offset_o,
  // time
  output logic                    access_o,
  input  logic                    expired_i,
  // bytes to write
  input  logic                    write_valid_i,
  input  logic [7:0]              write_data_i,
  output logic                    write_ready_o,
  // bytes read
  output logic                    read_valid_o,
  output logic [7:0]              read_data_o,
  input  logic                    read_ready_i,

  // bus
  output logic [AddressWidth-1:0] address_o,
  output logic                    aw_valid_o,
  input  logic                    aw_ready_i,
  output logic [8*BusBytes-1:0]   w_data_o,
  output logic [BusBytes-1:0]     w_strobe_o,
  output logic                    w_valid_o,
  input  logic                    w_ready_i,
  input  logic                    b_valid_i,
  input  logic                    b_error_i,
  output logic                    ar_valid_o,
  input  logic                    ar_ready_i,
  input  logic                    r_valid_i,
  input  logic                    r_error_i,
  input  logic [8*BusBytes-1:0]   r_data_i
);

  if (BusBytes < 4 || BusBytes > 128 || (BusBytes & (BusBytes - 1)) != 0) begin : gen_bad_bus_bytes
    $error("bus_port: BusBytes must be a power of two from 4 to 128");
  end
  if (AddressWidth > 64 || AddressWidth <= $clog2(BusBytes)) begin : gen_bad_address_width
    $error("bus_port: AddressWidth must be at most 64 and more than the bus needs for a byte");
  end
  if (OffsetWidth < 3 || OffsetWidth > LengthWidth) begin : gen_bad_offset_width
    $error("bus_port: OffsetWidth must be 3 to 10");
  end

  localparam int unsigned LaneWidth = $clog2(BusBytes);
  typedef logic [OffsetWidth-1:0] length_t;

  typedef enum logic [1:0] {
    Idle,
    Begin,    // of a beat
    Bytes,    // of it are moved
    Access    // the bus has it
  } state_t;
  state_t state_q, state_d;

  length_t offset_q, offset_d;     // bytes moved
  length_t beat_q, beat_d;         // those before the beat
  logic failed_q, failed_d;
  logic timeout_q, timeout_d;      // the failure was or is the time-out's
  logic dead_q, dead_d;
  logic aw_valid_q, aw_valid_d, w_valid_q, w_valid_d, ar_valid_q, ar_valid_d;
  logic [BusBytes-1:0] strobe_q, strobe_d;
  logic address_take;

  // Lane of the next byte; it is the beat's last if it is the highest or the request's.
  logic [LaneWidth-1:0] lane;
  length_t length;
  logic request_last, beat_last, moved;
  assign lane = request_i.address[LaneWidth-1:0] + LaneWidth'(offset_q);
  assign length = request_i.length[OffsetWidth-1:0];
  assign request_last = offset_q + length_t'(1) == length;
  assign beat_last = (&lane) || request_last;

  assign write_ready_o = state_q == Bytes && request_i.write;
  assign read_valid_o = state_q == Bytes && !request_i.write;
  assign moved = (write_ready_o && write_valid_i) || (read_valid_o && read_ready_i);

  // A response counts once all that it answers has been taken.
  logic b_come, r_come, come, error;
  assign b_come = b_valid_i && !(aw_valid_q && !aw_ready_i) && !(w_valid_q && !w_ready_i);
  assign r_come = r_valid_i && !(ar_valid_q && !ar_ready_i);
  assign come = request_i.write ? b_come : r_come;
  assign error = request_i.write ? b_error_i : r_error_i;

  always_comb begin
    state_d = state_q;
    offset_d = offset_q;
    beat_d = beat_q;
    failed_d = failed_q;
    timeout_d = timeout_q;
    dead_d = dead_q;
    aw_valid_d = aw_valid_q && !aw_ready_i;
    w_valid_d = w_valid_q && !w_ready_i;
    ar_valid_d = ar_valid_q && !ar_ready_i;
    strobe_d = strobe_q;
    address_take = 1'b0;
    done_o = 1'b0;
    unique case (state_q)
      Idle: if (start_i) state_d = Begin;
      Begin: begin
        if (dead_q && !clear_i) begin
          failed_d = 1'b1;
          timeout_d = 1'b1;
          state_d = Bytes;
        end else if (!clear_i) begin
          beat_d = offset_q;
          strobe_d = '0;
          address_take = 1'b1;
          ar_valid_d = !request_i.write;
          state_d = request_i.write ? Bytes : Access;
        end
      end
      Bytes: begin
        if (moved) begin
          offset_d = offset_q + length_t'(1);
          if (request_i.write && !failed_q) strobe_d[lane] = 1'b1;
          if (request_i.write && beat_last && !failed_q) begin
            aw_valid_d = 1'b1;
            w_valid_d = 1'b1;
            state_d = Access;
          end else if (request_last) begin
            done_o = 1'b1;
            state_d = Idle;
          end else if (beat_last && !failed_q) begin
            state_d = Begin;
          end
        end
      end
      Access: begin
        if (come || expired_i) begin
          failed_d = !come || error;
          timeout_d = !come;
          dead_d = !come;
          if (!request_i.write) begin
            state_d = Bytes;
          end else if (offset_q == length) begin
            done_o = 1'b1;
            state_d = Idle;
          end else begin
            state_d = failed_d ? Bytes : Begin;
          end
        end
      end
      default: state_d = Idle;
    endcase
    if (request_i.prepare) begin
      offset_d = '0;
      beat_d = '0;
      failed_d = 1'b0;
      timeout_d = 1'b0;
    end
    if (clear_i) begin
      dead_d = 1'b0;
      aw_valid_d = 1'b0;
      w_valid_d = 1'b0;
      ar_valid_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      offset_q <= '0;
      beat_q <= '0;
      failed_q <= 1'b0;
      timeout_q <= 1'b0;
      dead_q <= 1'b0;
      aw_valid_q <= 1'b0;
      w_valid_q <= 1'b0;
      ar_valid_q <= 1'b0;
      strobe_q <= '0;
    end else begin
      state_q <= state_d;
      offset_q <= offset_d;
      beat_q <= beat_d;
      failed_q <= failed_d;
      timeout_q <= timeout_d;
      dead_q <= dead_d;
      aw_valid_q <= aw_valid_d;
      w_valid_q <= w_valid_d;
      ar_valid_q <= ar_valid_d;
      strobe_q <= strobe_d;
    end
  end

  // ---- address and data ----
  logic [AddressWidth-1:LaneWidth] address_q;
  logic [8*BusBytes-1:0] w_data_q, r_data_q;
  logic [AddressWidth-1:0] beat_address;
  logic unused_bits;
  assign beat_address = request_i.address[AddressWidth-1:0] + AddressWidth'(offset_q);
  assign unused_bits = ^{request_i, beat_address[LaneWidth-1:0]};

  always_ff @(posedge clk_i) begin
    if (address_take) address_q <= beat_address[AddressWidth-1:LaneWidth];
  end
  always_ff @(posedge clk_i) begin
    if (write_ready_o && !failed_q) begin
      for (int unsigned i = 0; i < BusBytes; i++) begin
        if (lane == LaneWidth'(i)) w_data_q[8*i +: 8] <= write_data_i;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (state_q == Access && r_valid_i) r_data_q <= r_data_i;
  end

  assign address_o = {address_q, LaneWidth'(0)};
  assign aw_valid_o = aw_valid_q;
  assign w_data_o = w_data_q;
  assign w_strobe_o = strobe_q;
  assign w_valid_o = w_valid_q;
  assign ar_valid_o = ar_valid_q;

  assign read_data_o = failed_q ? 8'h00 : r_data_q[8*lane +: 8];
  assign error_offset_o = beat_q;
  assign access_o = state_q == Access;
  always_comb begin
    // In the cycle of a write's last response the failure is not in its flop yet.
    if (!failed_d) status_o = Ok;
    else status_o = timeout_d ? BusTimeout : BusError;
  end

  `ASSERT_NEXT(AwHeld, aw_valid_o && !aw_ready_i && !clear_i, aw_valid_o && $stable(address_o))
  `ASSERT_NEXT(WHeld, w_valid_o && !w_ready_i && !clear_i,
               w_valid_o && $stable(w_data_o) && $stable(w_strobe_o))
  `ASSERT_NEXT(ArHeld, ar_valid_o && !ar_ready_i && !clear_i, ar_valid_o && $stable(address_o))
  `ASSERT(OneDirection, !(ar_valid_o && (aw_valid_o || w_valid_o)) || dead_q)
  `ASSERT(StrobesAsked, !w_valid_o || w_strobe_o != '0)
  `ASSERT(QuietOutsideAccess, access_o || dead_q || !(ar_valid_o || aw_valid_o || w_valid_o))
  `ASSERT(PreparedIdle, !request_i.prepare || state_q == Idle)
  `ASSERT(InLength, state_q == Idle || LengthWidth'(offset_q) <= request_i.length)
  `ASSERT_NEXT(ReadHeld, read_valid_o && !read_ready_i, read_valid_o && $stable(read_data_o))

endmodule

`default_nettype wire
