// The windows of memory that commands may touch: registers that the generated block hands on, an
// access a cycle, answered in the cycle of `request_i`.
//
// A window is 32 bytes: base (64 bits), last (64 bits), permission (bit 0 reads, bit 1 writes); the
// rest, and windows that are not built, read 0 and take nothing. All are 0 after reset.
// No parameters; Windows comes from the configuration.
`default_nettype none

module window_registers
  import systolith_config_pkg::*;
(
  input  logic        clk_i,
  input  logic        rst_ni,

  input  logic        request_i,
  input  logic        write_i,       // else a read
  input  logic [7:2]  address_i,     // window in bits 7:5
  input  logic [31:0] data_i,
  input  logic [31:0] bit_enable_i,
  output logic [31:0] word_o,        // 0 without a request

  output logic [Windows-1:0][63:0] base_o,
  output logic [Windows-1:0][63:0] last_o,
  output logic [Windows-1:0][1:0]  permit_o
);

  logic [31:0] kept, written;
  assign kept = word_o & ~bit_enable_i;
  assign written = kept | (data_i & bit_enable_i);

  logic [31:0] word [Windows];

  for (genvar w = 0; w < Windows; w++) begin : gen_window
    logic [63:0] base_q, last_q;
    logic [1:0] permit_q;
    logic addressed;

    assign addressed = request_i && address_i[7:5] == 3'(w);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        base_q <= '0;
        last_q <= '0;
        permit_q <= '0;
      end else if (addressed && write_i) begin
        unique case (address_i[4:2])
          3'd0: base_q[31:0] <= written;
          3'd1: base_q[63:32] <= written;
          3'd2: last_q[31:0] <= written;
          3'd3: last_q[63:32] <= written;
          3'd4: permit_q <= written[1:0];
          default: ;
        endcase
      end
    end

    always_comb begin
      word[w] = '0;
      if (addressed) begin
        unique case (address_i[4:2])
          3'd0: word[w] = base_q[31:0];
          3'd1: word[w] = base_q[63:32];
          3'd2: word[w] = last_q[31:0];
          3'd3: word[w] = last_q[63:32];
          3'd4: word[w] = {30'd0, permit_q};
          default: ;
        endcase
      end
    end

    assign base_o[w] = base_q;
    assign last_o[w] = last_q;
    assign permit_o[w] = permit_q;
  end

  always_comb begin
    word_o = '0;
    for (int unsigned w = 0; w < Windows; w++) word_o = word_o | word[w];
  end

endmodule

`default_nettype wire
