// burst_walker with plain ports, for burst_walker_test.cpp.
`default_nettype none

module burst_walker_bench #(
    parameter int unsigned BusBytes = 16,
    parameter int unsigned MaxBurstBeats = 16
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             flush_i,

    input  logic             transfer_valid_i,
    input  logic [63:0]      base_i,
    input  logic [31:0]      run_i,
    input  logic             merge_i,
    input  logic [31:0]      merged_run_i,
    input  logic [3:0][31:0] count_i,
    input  logic [3:0][63:0] stride_i,
    output logic             transfer_ready_o,

    input  logic             run_allow_i,
    output logic             run_taken_o,

    output logic             burst_valid_o,
    output logic [63:0]      burst_address_o,
    output logic [7:0]       burst_offset_o,
    output logic [12:0]      burst_bytes_o,
    output logic [8:0]       burst_beats_o,
    output logic             burst_last_of_run_o,
    output logic             burst_last_o,
    input  logic             burst_ready_i,
    output logic             busy_o,

    // parameters of this build
    output logic [31:0]      bus_bytes_o,
    output logic [31:0]      max_burst_beats_o,
    output logic [31:0]      address_width_o
);

  import systolith_pkg::*;
  localparam int unsigned AddressWidth = systolith_config_pkg::AddressWidth;

  transfer_t transfer;
  address_t address;
  logic [$clog2(BusBytes)-1:0] offset;
  logic unused_high_bits;

  always_comb begin
    transfer.base        = AddressWidth'(base_i);
    transfer.run         = RunWidth'(run_i);
    transfer.merge       = merge_i;
    transfer.merged_run  = merged_run_i;
    transfer.rows        = '0;
    transfer.local_base  = '0;
    transfer.local_pitch = '0;
    for (int unsigned i = 0; i < 4; i++) begin
      transfer.count[i]  = RowsWidth'(count_i[i]);
      transfer.stride[i] = AddressWidth'(stride_i[i]);
    end
  end
  assign unused_high_bits = ^{base_i, run_i, count_i, stride_i};

  burst_walker #(
      .BusBytes     (BusBytes),
      .MaxBurstBeats(MaxBurstBeats)
  ) u_walker (
      .transfer_i     (transfer),
      .burst_address_o(address),
      .burst_offset_o (offset),
      .*
  );

  assign burst_address_o   = 64'(address);
  assign burst_offset_o    = 8'(offset);
  assign bus_bytes_o       = BusBytes;
  assign max_burst_beats_o = MaxBurstBeats;
  assign address_width_o   = AddressWidth;

endmodule

`default_nettype wire
