// What only waveforms have: bus transfers as text, bursts that are owed, the commands of the units.
// Bound into the device where it writes waveforms; drives nothing.
`default_nettype none
/* verilator lint_off UNUSEDSIGNAL */   // viewers read them

module trace_monitor
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input logic clk_i,
  input logic rst_ni,

  input logic [IdWidth-1:0]      m_axi_awid,
  input logic [AddressWidth-1:0] m_axi_awaddr,
  input logic [7:0]              m_axi_awlen,
  input logic                    m_axi_awvalid,
  input logic                    m_axi_awready,
  input logic                    m_axi_wlast,
  input logic                    m_axi_wvalid,
  input logic                    m_axi_wready,
  input logic [IdWidth-1:0]      m_axi_bid,
  input logic [1:0]              m_axi_bresp,
  input logic                    m_axi_bvalid,
  input logic                    m_axi_bready,
  input logic [IdWidth-1:0]      m_axi_arid,
  input logic [AddressWidth-1:0] m_axi_araddr,
  input logic [7:0]              m_axi_arlen,
  input logic                    m_axi_arvalid,
  input logic                    m_axi_arready,
  input logic [IdWidth-1:0]      m_axi_rid,
  input logic [1:0]              m_axi_rresp,
  input logic                    m_axi_rlast,
  input logic                    m_axi_rvalid,
  input logic                    m_axi_rready,

  input logic        s_axil_awvalid,
  input logic        s_axil_awready,
  input logic [12:0] s_axil_awaddr,
  input logic        s_axil_wvalid,
  input logic        s_axil_wready,
  input logic [31:0] s_axil_wdata,
  input logic        s_axil_arvalid,
  input logic        s_axil_arready,
  input logic [12:0] s_axil_araddr,
  input logic        s_axil_rvalid,
  input logic        s_axil_rready,
  input logic [31:0] s_axil_rdata,

  input logic            load_command_valid,
  input logic            load_command_ready,
  input load_command_t   load_command,
  input logic            matrix_command_valid,
  input logic            matrix_command_ready,
  input matrix_command_t matrix_command,
  input logic            store_command_valid,
  input logic            store_command_ready,
  input store_command_t  store_command,
  input logic [2:0]      report_valid,
  input logic [2:0]      report_ready,
  input report_t [2:0]   report
);

  // ---- text: ASCII, one character a byte; the last transfer of each channel ----
  localparam int unsigned Digits = (AddressWidth + 3) / 4;
  typedef logic [5:0][7:0] name_t;
  typedef logic [3:0][7:0] response_t;

  function automatic name_t name_of(logic [IdWidth-1:0] id);
    case (id)
      IdFetch: return "fetch ";
      IdLoad: return "load  ";
      IdStore: return "store ";
      default: return "record";
    endcase
  endfunction

  function automatic response_t response_of(logic [1:0] response);
    case (response)
      2'd0: return "OKAY";
      2'd1: return "EXOK";
      2'd2: return "SLVE";
      default: return "DECE";
    endcase
  endfunction

  function automatic logic [Digits-1:0][7:0] hexadecimal(logic [AddressWidth-1:0] value);
    logic [4*Digits-1:0] wide;
    wide = (4*Digits)'(value);
    for (int unsigned i = 0; i < Digits; i++) begin
      hexadecimal[i] = 8'(wide[4*i +: 4]) + ((wide[4*i +: 4] > 4'd9) ? 8'h57 : 8'h30);
    end
  endfunction

  function automatic logic [2:0][7:0] decimal(logic [7:0] length);   // of length + 1
    int unsigned beats;
    beats = 32'(length) + 1;
    return {8'(beats / 100) + 8'h30, 8'(beats / 10 % 10) + 8'h30, 8'(beats % 10) + 8'h30};
  endfunction

  typedef logic [6+1+Digits+2+3-1:0][7:0] address_text_t;   // "load   0080020000 x016"
  typedef logic [6+1+4+5-1:0][7:0] read_text_t;             // "load   OKAY last"
  typedef logic [6+1+4-1:0][7:0] response_text_t;           // "store  OKAY"

  logic ar_taken, r_taken, aw_taken, w_taken, b_taken;
  address_text_t ar, aw, ar_q, aw_q;
  read_text_t r, r_q;
  response_text_t b, b_q;
  logic [3:0][7:0] w, w_q;

  assign ar_taken = m_axi_arvalid && m_axi_arready;
  assign r_taken = m_axi_rvalid && m_axi_rready;
  assign aw_taken = m_axi_awvalid && m_axi_awready;
  assign w_taken = m_axi_wvalid && m_axi_wready;
  assign b_taken = m_axi_bvalid && m_axi_bready;
  assign ar = ar_taken ? {name_of(m_axi_arid), " ", hexadecimal(m_axi_araddr), " x", decimal(m_axi_arlen)} : ar_q;
  assign aw = aw_taken ? {name_of(m_axi_awid), " ", hexadecimal(m_axi_awaddr), " x", decimal(m_axi_awlen)} : aw_q;
  assign r = r_taken ? {name_of(m_axi_rid), " ", response_of(m_axi_rresp), m_axi_rlast ? " last" : " beat"} : r_q;
  assign b = b_taken ? {name_of(m_axi_bid), " ", response_of(m_axi_bresp)} : b_q;
  assign w = !w_taken ? w_q : m_axi_wlast ? "last" : "beat";

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_q <= '0;
      r_q <= '0;
      aw_q <= '0;
      w_q <= '0;
      b_q <= '0;
    end else begin
      ar_q <= ar;
      r_q <= r;
      aw_q <= aw;
      w_q <= w;
      b_q <= b;
    end
  end

  // ---- bursts that are owed, by requester ----
  logic [7:0] fetch_reads_q, load_reads_q, store_writes_q, record_writes_q;

  function automatic logic [7:0] owed(logic [7:0] count, logic more, logic less);
    return count + 8'(more) - 8'(less);
  endfunction

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_reads_q <= '0;
      load_reads_q <= '0;
      store_writes_q <= '0;
      record_writes_q <= '0;
    end else begin
      fetch_reads_q <= owed(fetch_reads_q, ar_taken && m_axi_arid == IdFetch,
                            r_taken && m_axi_rlast && m_axi_rid == IdFetch);
      load_reads_q <= owed(load_reads_q, ar_taken && m_axi_arid == IdLoad,
                           r_taken && m_axi_rlast && m_axi_rid == IdLoad);
      store_writes_q <= owed(store_writes_q, aw_taken && m_axi_awid == IdStore, b_taken && m_axi_bid == IdStore);
      record_writes_q <= owed(record_writes_q, aw_taken && m_axi_awid == IdRecord, b_taken && m_axi_bid == IdRecord);
    end
  end

  // ---- register accesses: the last address and data of each channel ----
  logic [12:0] write_address_q, read_address_q;
  logic [31:0] write_data_q, read_data_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_address_q <= '0;
      read_address_q <= '0;
      write_data_q <= '0;
      read_data_q <= '0;
    end else begin
      if (s_axil_awvalid && s_axil_awready) write_address_q <= {s_axil_awaddr[12:2], 2'b00};
      if (s_axil_arvalid && s_axil_arready) read_address_q <= {s_axil_araddr[12:2], 2'b00};
      if (s_axil_wvalid && s_axil_wready) write_data_q <= s_axil_wdata;
      if (s_axil_rvalid && s_axil_rready) read_data_q <= s_axil_rdata;
    end
  end

  // ---- commands of load, matrix and store unit: last taken, last ended; -1 none ----
  logic [2:0][31:0] taken_q, ended_q;
  logic [2:0][7:0] state_q, cause_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      taken_q <= '1;
      ended_q <= '1;
      state_q <= '0;
      cause_q <= '0;
    end else begin
      if (load_command_valid && load_command_ready) taken_q[0] <= load_command.header.index;
      if (matrix_command_valid && matrix_command_ready) taken_q[1] <= matrix_command.header.index;
      if (store_command_valid && store_command_ready) taken_q[2] <= store_command.header.index;
      for (int unsigned u = 0; u < 3; u++) begin
        if (report_valid[u] && report_ready[u]) begin
          ended_q[u] <= report[u].index;
          state_q[u] <= report[u].state;
          cause_q[u] <= report[u].cause;
        end
      end
    end
  end

  // One by one, as viewers want them.
  for (genvar u = 0; u < 3; u++) begin : gen_unit
    logic [31:0] taken, ended;
    logic [7:0] state, cause;
    assign taken = taken_q[u];
    assign ended = ended_q[u];
    assign state = state_q[u];
    assign cause = cause_q[u];
  end

endmodule

bind systolith trace_monitor u_trace (.*);

/* verilator lint_on UNUSEDSIGNAL */
`default_nettype wire
