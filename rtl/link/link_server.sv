// Does the requests of the link, one at a time and in order, and answers them.
//
// Holds the session, the number expected next and the outcomes of the last 16 numbers, so a request that comes again is
// answered again, but a write never done again. Content is read once up to its end, for its length; the data of
// a write that is to be done are read a second time, by the port that does it.
// Handshake: contents come from a byte_ring's read side; answers leave by valid/ready with `last`, a byte stays until
// it is taken. A port's `start_o` is high from a cycle after `request_o.prepare` until the port's `done_i`; data pass
// between ring or answer and port by valid/ready. The next request begins when the answer's last byte has been taken.
// Time: `expired_o` comes in the cycle that makes an access of the ports `Timeout` cycles long.
// Latency: content's bytes, 3 cycles and the port's time. Throughput: a byte a cycle.
//
// Payload 16 to 1008; AddressWidth 32 to 64; Timeout >= 16.
`include "systolith_assert.svh"
`default_nettype none

module link_server
  import link_pkg::*;
#(
  parameter int unsigned Payload = 512,
  parameter int unsigned AddressWidth = 40,
  parameter int unsigned Timeout = 1 << 20
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // contents
  input  logic                   content_valid_i,
  input  logic [7:0]             content_data_i,
  input  logic                   content_last_i,
  output logic                   content_read_o,
  output logic                   content_release_o,
  output logic                   content_rewind_o,

  // answers
  output logic                   answer_valid_o,
  output logic [7:0]             answer_data_o,
  output logic                   answer_last_o,
  input  logic                   answer_ready_i,

  // all ports
  output port_request_t          request_o,
  output logic                   write_valid_o,
  output logic [7:0]             write_data_o,
  output logic                   read_ready_o,
  output logic                   expired_o,

  // memory
  output logic                   memory_start_o,
  input  logic                   memory_done_i,
  input  status_t                memory_status_i,
  input  logic [LengthWidth-1:0] memory_error_offset_i,
  input  logic                   memory_access_i,
  input  logic                   memory_write_ready_i,
  input  logic                   memory_read_valid_i,
  input  logic [7:0]             memory_read_data_i,

  // registers of the device
  output logic                   register_start_o,
  input  logic                   register_done_i,
  input  status_t                register_status_i,
  input  logic                   register_access_i,
  input  logic                   register_write_ready_i,
  input  logic                   register_read_valid_i,
  input  logic [7:0]             register_read_data_i,

  // words of the board
  output logic                   board_start_o,
  input  logic                   board_done_i,
  input  logic                   board_write_ready_i,
  input  logic                   board_read_valid_i,
  input  logic [7:0]             board_read_data_i
);

  if (Payload < 16 || Payload > MaxPayload) begin : gen_bad_payload
    $error("link_server: Payload must be 16 to 1008");
  end
  if (AddressWidth < 32 || AddressWidth > 64) begin : gen_bad_address_width
    $error("link_server: AddressWidth must be 32 to 64");
  end
  if (Timeout < 16) begin : gen_bad_timeout
    $error("link_server: Timeout must be at least 16");
  end

  typedef logic [LengthWidth-1:0] length_t;
  typedef logic [AddressWidth-1:0] address_t;
  typedef logic [1:0] outcome_t;             // the low bits of a status that is kept

  typedef enum logic [2:0] {
    Header,    // is read
    Data,      // are counted
    Decide,
    Head,      // of the answer
    Work,      // by the target, with the answer's data
    Finish,    // the number is taken
    Tail       // of the answer
  } state_t;

  typedef enum logic [2:0] {Nothing, Open, Memory, Registers, Board} target_t;

  state_t state_q, state_d;
  header_t header_q, header_d;
  logic [3:0] index_q, index_d;              // of a byte of header or answer
  length_t count_q, count_d;                 // bytes of data that came
  target_t target_q, target_d;
  status_t status_q, status_d;
  logic take_q, take_d;                      // the request takes its number
  logic kept_q, kept_d;                      // its outcome is that of its number

  logic [15:0] session_q, session_d;         // 0: none
  logic [7:0] expected_q, expected_d;
  logic [4:0] taken_q, taken_d;              // numbers with an outcome, at most Window

  // ---- what the request is ----
  logic is_open, is_write, same_session, is_next, repeated;
  logic [7:0] age;
  assign is_open = header_q.kind == KindOpen;
  assign is_write = header_q.kind == KindWriteMemory || header_q.kind == KindWriteRegister;
  assign same_session = header_q.session == session_q && session_q != 16'd0;
  assign age = expected_q - 8'd1 - header_q.number;
  assign is_next = &age;
  assign repeated = age < {3'd0, taken_q};

  // Each check is of what its kind asks for.
  logic open_right, memory_right, register_right, content_right;
  logic crosses_end, is_board;
  length_t length_less_one;
  logic [LengthWidth:0] last_low;
  localparam int unsigned HighWidth = AddressWidth - LengthWidth;
  assign length_less_one = header_q.length[LengthWidth-1:0] - length_t'(1);
  assign last_low = {1'b0, header_q.address[LengthWidth-1:0]} + {1'b0, length_less_one};
  assign crosses_end = last_low[LengthWidth] && (&header_q.address[LengthWidth+:HighWidth]);
  assign open_right = header_q.length == 16'd0
      && header_q.address == {16'd0, LinkVersion, OpenMagic};
  assign memory_right = header_q.length != 16'd0 && header_q.length <= 16'(Payload)
      && (header_q.address >> AddressWidth) == 64'd0 && !crosses_end;
  assign is_board = header_q.address[15];
  assign register_right = header_q.length == 16'd4 && header_q.address[1:0] == 2'b00
      && header_q.address[63:16] == 48'd0
      && (is_board ? header_q.address[14:8] == 7'd0 : header_q.address[14:13] == 2'd0);
  assign content_right = header_q.zero == 16'd0
      && {6'd0, count_q} == (is_write ? header_q.length : 16'd0);

  target_t wanted;   // Nothing: refused
  always_comb begin
    wanted = Nothing;
    unique case (header_q.kind)
      KindOpen: if (open_right) wanted = Open;
      KindReadMemory, KindWriteMemory: if (memory_right) wanted = Memory;
      KindReadRegister, KindWriteRegister: if (register_right) wanted = is_board ? Board : Registers;
      default: ;
    endcase
    if (!content_right) wanted = Nothing;
  end

  // ---- outcomes ----
  logic [$bits(outcome_t)+AddressWidth-1:0] kept [Window];
  address_t error_address, kept_address, answer_address;
  outcome_t kept_outcome;
  assign error_address = header_q.address[AddressWidth-1:0] + address_t'(memory_error_offset_i);
  assign {kept_outcome, kept_address} = kept[header_q.number[3:0]];
  assign answer_address = kept_q ? kept_address : error_address;

  always_ff @(posedge clk_i) begin
    if (state_q == Finish && take_q) kept[header_q.number[3:0]] <= {status_q[1:0], error_address};
  end

  // ---- answer ----
  logic [7:0] open_data, target_data, address_byte;
  logic target_valid, has_address, answer_done;
  logic [63:0] address_bytes;

  always_comb begin
    unique case (index_q[2:0])
      3'd0: open_data = LinkVersion[7:0];
      3'd1: open_data = LinkVersion[15:8];
      3'd2: open_data = 8'(Payload);
      3'd3: open_data = 8'(Payload >> 8);
      3'd4: open_data = 8'(Window);
      default: open_data = '0;
    endcase
    unique case (target_q)
      Memory: begin
        target_valid = memory_read_valid_i;
        target_data = memory_read_data_i;
      end
      Registers: begin
        target_valid = register_read_valid_i;
        target_data = register_read_data_i;
      end
      Board: begin
        target_valid = board_read_valid_i;
        target_data = board_read_data_i;
      end
      default: begin
        target_valid = target_q == Open;
        target_data = open_data;
      end
    endcase
  end

  assign has_address = status_q inside {BusError, BusTimeout};
  assign address_bytes = has_address ? 64'(answer_address) : 64'd0;
  assign address_byte = address_bytes[8*index_q[2:0] +: 8];

  // Head is bytes 0 to 3, the tail's bytes are 6 to 15.
  localparam logic [3:0] TailStart = 4'd6;

  always_comb begin
    answer_valid_o = 1'b0;
    unique case (index_q)
      4'd0: answer_data_o = header_q.kind ^ 8'h80;
      4'd1: answer_data_o = header_q.number;
      4'd2: answer_data_o = header_q.session[7:0];
      4'd3: answer_data_o = header_q.session[15:8];
      4'd6: answer_data_o = {5'd0, status_q};
      4'd7: answer_data_o = expected_q;
      default: answer_data_o = address_byte;
    endcase
    if (state_q == Work) answer_data_o = target_data;
    unique case (state_q)
      Head, Tail: answer_valid_o = 1'b1;
      Work: answer_valid_o = target_valid;
      default: ;
    endcase
  end

  assign answer_last_o = state_q == Tail && (&index_q);
  assign answer_done = answer_valid_o && answer_ready_i;

  // ---- ports ----
  logic write_ready, port_done;
  status_t port_status;
  assign request_o.prepare = state_q == Decide;
  assign request_o.write = header_q.kind[0];     // of the kinds that ports see
  assign request_o.address = header_q.address;
  assign request_o.length = header_q.length[LengthWidth-1:0];
  assign memory_start_o = state_q == Work && target_q == Memory;
  assign register_start_o = state_q == Work && target_q == Registers;
  assign board_start_o = state_q == Work && target_q == Board;
  assign write_valid_o = state_q == Work && content_valid_i;
  assign write_data_o = content_data_i;
  assign read_ready_o = answer_ready_i;
  assign write_ready = memory_write_ready_i || register_write_ready_i || board_write_ready_i;

  always_comb begin
    unique case (target_q)
      Memory: begin
        port_done = memory_done_i;
        port_status = memory_status_i;
      end
      Registers: begin
        port_done = register_done_i;
        port_status = register_status_i;
      end
      Board: begin
        port_done = board_done_i;
        port_status = Ok;
      end
      default: begin
        port_done = answer_done && index_q[2:0] == 3'd7;
        port_status = status_q;
      end
    endcase
  end

  // ---- course ----
  always_comb begin
    state_d = state_q;
    header_d = header_q;
    index_d = index_q;
    count_d = count_q;
    target_d = target_q;
    status_d = status_q;
    take_d = take_q;
    kept_d = kept_q;
    session_d = session_q;
    expected_d = expected_q;
    taken_d = taken_q;
    content_read_o = 1'b0;
    content_release_o = 1'b0;
    content_rewind_o = 1'b0;

    unique case (state_q)
      Header: begin
        count_d = '0;
        if (content_valid_i) begin
          content_read_o = 1'b1;
          content_release_o = 1'b1;
          header_d = {content_data_i, header_q[$bits(header_t)-1:8]};
          index_d = index_q + 4'd1;
          if (&index_q) state_d = content_last_i ? Decide : Data;
        end
      end
      Data: begin
        if (content_valid_i) begin
          content_read_o = 1'b1;
          count_d = count_q + length_t'(1);
          if (content_last_i) state_d = Decide;
        end
      end
      Decide: begin
        state_d = Head;
        index_d = '0;
        target_d = Nothing;
        take_d = 1'b0;
        kept_d = 1'b0;
        if (is_open) begin
          status_d = NoSession;
          if (header_q.session != 16'd0) begin
            target_d = Open;
            status_d = Refused;
            if (wanted == Open) begin
              status_d = Ok;
              session_d = header_q.session;
              expected_d = header_q.number + 8'd1;
              taken_d = '0;
            end
          end
        end else if (!same_session) begin
          status_d = NoSession;
        end else if (!is_next && !repeated) begin
          status_d = Gap;
        end else if (repeated && is_write) begin
          status_d = status_t'({1'b0, kept_outcome});
          kept_d = 1'b1;
        end else begin
          take_d = is_next;
          target_d = wanted;
          status_d = (wanted == Nothing) ? Refused : Ok;
        end
        // Only data that are to be written are needed again.
        content_rewind_o = is_write && target_d != Nothing;
        content_release_o = !content_rewind_o;
      end
      Head: begin
        if (answer_done) begin
          index_d = index_q + 4'd1;
          if (index_q == 4'd3) begin
            index_d = '0;
            state_d = (target_q == Nothing) ? Finish : Work;
          end
        end
      end
      Work: begin
        if (write_ready && content_valid_i) begin
          content_read_o = 1'b1;
          content_release_o = 1'b1;
        end
        if (target_q == Open && answer_done) index_d = index_q + 4'd1;
        if (port_done) begin
          status_d = port_status;
          state_d = Finish;
        end
      end
      Finish: begin
        index_d = TailStart;
        state_d = Tail;
        if (take_q) begin
          expected_d = expected_q + 8'd1;
          if (taken_q != 5'(Window)) taken_d = taken_q + 5'd1;
        end
      end
      Tail: begin
        if (answer_done) begin
          index_d = index_q + 4'd1;     // from the last to 0
          if (answer_last_o) state_d = Header;
        end
      end
      default: state_d = Header;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Header;
      header_q <= '0;
      index_q <= '0;
      count_q <= '0;
      target_q <= Nothing;
      status_q <= Ok;
      take_q <= 1'b0;
      kept_q <= 1'b0;
      session_q <= '0;
      expected_q <= '0;
      taken_q <= '0;
    end else begin
      state_q <= state_d;
      header_q <= header_d;
      index_q <= index_d;
      count_q <= count_d;
      target_q <= target_d;
      status_q <= status_d;
      take_q <= take_d;
      kept_q <= kept_d;
      session_q <= session_d;
      expected_q <= expected_d;
      taken_q <= taken_d;
    end
  end

  // ---- time of an access ----
  localparam int unsigned TimeWidth = $clog2(Timeout);
  logic [TimeWidth-1:0] time_q, time_d;   // cycles before this one
  logic access;
  assign access = memory_access_i || register_access_i;
  assign expired_o = access && time_q == TimeWidth'(Timeout - 1);
  assign time_d = (access && !expired_o) ? time_q + TimeWidth'(1) : '0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) time_q <= '0;
    else time_q <= time_d;
  end

  `ASSERT(OneTarget, $onehot0({memory_start_o, register_start_o, board_start_o}))
  `ASSERT(TakenInRange, taken_q <= 5'(Window))
  `ASSERT(OutcomeIsKept, !(state_q == Finish && take_q) || !status_q[2])
  `ASSERT(SessionOfNumbers, session_q != '0 || taken_q == '0)
  `ASSERT(HeaderIsWhole, !(state_q == Header && content_valid_i && content_last_i) || (&index_q))
  `ASSERT(WriteEndsWithContent, !(state_q == Work && request_o.write && port_done && target_q != Open)
      || !content_read_o || content_last_i)
  `ASSERT_NEXT(AnswerHeld, answer_valid_o && !answer_ready_i, answer_valid_o && $stable(answer_data_o))

endmodule

`default_nettype wire
