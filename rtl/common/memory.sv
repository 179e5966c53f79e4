// The one on-chip memory: a write port with strobes and a read port, for block RAM.
//
// Write: taken in the cycle of `write_valid_i`; granule g (Granule bits) changes where strobe g is
// set.
// Read: `read_data_o` is there Latency cycles after `read_valid_i` and keeps its value until the
// next read's data. One read and one write a cycle; a read sees the writes of all earlier cycles.
// Read and write of one address in the same cycle: the old word in simulation, undefined in block
// RAM, so no user may rely on it; AllowCollision = 0 asserts that it never happens.
// `corrected_o`, `uncorrected_o`: with the data, an error was corrected, was not. No code is built
// yet: both are 0.
//
// Width a multiple of Granule; Depth >= 2; Latency 1 or 2.
`include "systolith_assert.svh"
`default_nettype none

module memory #(
  parameter int unsigned Width = 32,
  parameter int unsigned Depth = 512,
  parameter int unsigned Granule = 8,
  parameter int unsigned Latency = 1,
  parameter bit AllowCollision = 1'b1,
  localparam int unsigned Granules = Width / Granule,
  localparam int unsigned IndexWidth = $clog2(Depth)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  // write
  input  logic                  write_valid_i,
  input  logic [IndexWidth-1:0] write_index_i,
  input  logic [Granules-1:0]   write_strobe_i,
  input  logic [Width-1:0]      write_data_i,
  // read
  input  logic                  read_valid_i,
  input  logic [IndexWidth-1:0] read_index_i,
  output logic [Width-1:0]      read_data_o,
  // errors found by a code
  output logic                  corrected_o,
  output logic                  uncorrected_o
);

  if (Width % Granule != 0) $error("memory: Width must be a multiple of Granule");
  if (Depth < 2) $error("memory: Depth must be at least 2");
  if (Latency != 1 && Latency != 2) $error("memory: Latency must be 1 or 2");

  (* no_rw_check, ram_style = "block" *) logic [Width-1:0] mem [Depth];

  // Merged word rather than a write a granule: synthesis turns the feedback into byte enables,
  // simulation writes one word.
  always_ff @(posedge clk_i) begin
    if (write_valid_i) begin
      automatic logic [Width-1:0] word = write_data_i;
      if (!(&write_strobe_i)) begin
        for (int unsigned g = 0; g < Granules; g++) begin
          if (!write_strobe_i[g]) begin
            word[g*Granule +: Granule] = mem[write_index_i][g*Granule +: Granule];
          end
        end
      end
      mem[write_index_i] <= word;
    end
  end

  logic [Width-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (read_valid_i) data_q <= mem[read_index_i];
  end

  if (Latency == 1) begin : gen_latency_1
    assign read_data_o = data_q;
  end else begin : gen_latency_2
    logic [Width-1:0] output_q;
    logic read_valid_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) read_valid_q <= 1'b0;
      else read_valid_q <= read_valid_i;
    end
    always_ff @(posedge clk_i) begin
      if (read_valid_q) output_q <= data_q;
    end
    assign read_data_o = output_q;
  end

  assign corrected_o = 1'b0;
  assign uncorrected_o = 1'b0;

  `ASSERT(NoCollision,
          AllowCollision || !(write_valid_i && read_valid_i && write_index_i == read_index_i))

endmodule

`default_nettype wire
