// Looks for a window that holds a whole extent with a permission, one window a cycle.
//
// `start_i` begins; the operands stay stable until `done_o`, a pulse with `found_o`. Latency: a
// cycle to start and one for every window looked at, the first that fits ends the search.
`include "systolith_assert.svh"
`default_nettype none

module window_check
  import systolith_config_pkg::*;
  import systolith_pkg::*;
(
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic [Windows-1:0][63:0] window_base_i,
  input  logic [Windows-1:0][63:0] window_last_i,
  input  logic [Windows-1:0][1:0]  window_permit_i,  // bit 0 read, bit 1 write
  input  logic                     start_i,
  input  logic                     write_i,          // needs the permission to write, else to read
  input  logic [63:0]              first_i,
  input  logic [63:0]              last_i,
  output logic                     done_o,
  output logic                     found_o
);

  if (Windows < 1 || Windows > 8) begin : gen_bad_windows
    $error("window_check: Windows must be 1 to 8");
  end

  localparam int unsigned Width = index_width(Windows);
  logic             active_q, active_d;
  logic [Width-1:0] window_q, window_d;

  assign found_o = window_permit_i[window_q][write_i] && first_i >= window_base_i[window_q] &&
                   last_i <= window_last_i[window_q];
  assign done_o = active_q && (found_o || window_q == Width'(Windows - 1));

  always_comb begin
    active_d = active_q;
    window_d = window_q;
    if (start_i) begin
      active_d = 1'b1;
      window_d = '0;
    end else if (done_o) begin
      active_d = 1'b0;
      window_d = '0;
    end else if (active_q) begin
      window_d = window_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      window_q <= '0;
    end else begin
      active_q <= active_d;
      window_q <= window_d;
    end
  end

endmodule

`default_nettype wire
