// The one on-chip memory: a write port with strobes and a read port, for block RAM, with a code
// that finds or corrects flipped bits.
//
// Write: taken in the cycle of `write_valid_i`; granule g (Granule bits) changes where strobe g is
// set.
// Read: `read_data_o` is there Latency cycles after `read_valid_i` and keeps its value until the
// next read's data. One read and one write a cycle; a read sees the writes of all earlier cycles.
// Read and write of one address in the same cycle: the old word in simulation, undefined in block
// RAM, so no user may rely on it; AllowCollision = 0 asserts that it never happens.
//
// Code: a code word is a granule, or 64 bits of a longer one, and its check bits, which are written
// with it: no write has to read. Parity (one check bit) finds an odd number of flipped bits. Secded
// (Hsiao's code: 4 check bits for 2 bits, 5 for 8, 7 for 32, 8 for 64) corrects one flipped bit of
// a code word and finds two. Zeros are a word of both. Stored are, for each granule, its data and
// above them the check bits of its code words.
// `corrected_o`, `uncorrected_o`: pulses with a read's data: a flipped bit was corrected; there are
// flipped bits that were not, `read_data_o` is wrong. A word never written may give either.
//
// Width a multiple of Granule; Granule 8, 16, 32, a multiple of 64 or, a power of two up to 64, the
// Width; Depth >= 2; Latency 1 or 2.
`include "systolith_assert.svh"
`default_nettype none

module memory #(
  parameter int unsigned Width = 32,
  parameter int unsigned Depth = 512,
  parameter int unsigned Granule = 8,
  parameter int unsigned Latency = 1,
  parameter bit Secded = 1'b0,
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
  // errors found by the code
  output logic                  corrected_o,
  output logic                  uncorrected_o
);

  localparam int unsigned CodeData = (Granule < 64) ? Granule : 64;   // data bits of a code word
  localparam int unsigned Words = Width / CodeData;                   // code words
  localparam int unsigned GranuleWords = Granule / CodeData;
  // Data are encoded in parts of up to 64 bits: all code words of a part at once.
  localparam int unsigned Part = (Width < 64) ? Width : 64;
  localparam int unsigned Parts = Width / Part;
  localparam int unsigned PartWords = Part / CodeData;

  if (Width % Granule != 0) $error("memory: Width must be a multiple of Granule");
  if (Width % Part != 0 || Granule % CodeData != 0 || (CodeData & (CodeData - 1)) != 0 ||
      PartWords > CodeData) begin : gen_bad_granule
    $error("memory: Granule must be 8, 16, 32, a multiple of 64 or the Width");
  end
  if (Depth < 2) $error("memory: Depth must be at least 2");
  if (Latency != 1 && Latency != 2) $error("memory: Latency must be 1 or 2");

  // ---- code: the columns of the parity-check matrix are different and of odd weight ----
  // reason: runs at elaboration alone
  // verilator coverage_off
  function automatic int unsigned check_bits(int unsigned data);
    int unsigned bits;
    bits = 1;
    while ((32'd1 << (bits - 1)) - bits < data) bits++;   // columns of weight 3 and more
    return bits;
  endfunction
  // verilator coverage_on

  localparam int unsigned Checks = Secded ? check_bits(CodeData) : 1;
  typedef logic [CodeData-1:0][Checks-1:0] columns_t;
  typedef logic [Checks*Words-1:0] checks_t;   // check bit j of code word w at w x Checks + j

  // reason: run at elaboration alone
  // verilator coverage_off
  function automatic columns_t columns_of_code();
    columns_t columns;
    int unsigned bit_index;
    columns = '1;      // parity
    bit_index = 0;
    if (Secded) begin
      for (int unsigned weight = 3; weight <= Checks; weight += 2) begin
        for (int unsigned v = 0; v < (1 << Checks); v++) begin
          if ($countones(v) == weight && bit_index < CodeData) begin
            columns[bit_index] = Checks'(v);
            bit_index++;
          end
        end
      end
    end
    return columns;
  endfunction

  localparam columns_t Columns = columns_of_code();

  // The data bits of a part that check bit j covers.
  function automatic logic [Checks-1:0][Part-1:0] covered_of_code();
    logic [Checks-1:0][Part-1:0] covered;
    for (int unsigned j = 0; j < Checks; j++) begin
      for (int unsigned b = 0; b < Part; b++) covered[j][b] = Columns[b%CodeData][j];
    end
    return covered;
  endfunction
  // verilator coverage_on

  localparam logic [Checks-1:0][Part-1:0] Covered = covered_of_code();

  // Parity of each code word of a part.
  function automatic logic [PartWords-1:0] parities(logic [Part-1:0] data);
    logic [Part-1:0] fold;
    if (PartWords == 1) return PartWords'(^data);
    fold = data;
    for (int unsigned s = CodeData / 2; s > 0; s = s / 2) fold = fold ^ (fold >> s);
    // Each parity is bit 0 of its code word now; bring them together.
    fold = fold & {PartWords{CodeData'(1)}};
    for (int unsigned k = 1; k < PartWords; k = 2 * k) fold = fold | (fold >> (k * (CodeData - 1)));
    return fold[PartWords-1:0];
  endfunction

  function automatic checks_t encode(logic [Width-1:0] data);
    checks_t checks;
    logic [PartWords-1:0] bits;
    for (int unsigned p = 0; p < Parts; p++) begin
      for (int unsigned j = 0; j < Checks; j++) begin
        bits = parities(data[p*Part +: Part] & Covered[j]);
        if (Checks == 1) begin
          checks[p*PartWords +: PartWords] = bits;
        end else begin
          for (int unsigned w = 0; w < PartWords; w++) checks[(p*PartWords+w)*Checks+j] = bits[w];
        end
      end
    end
    return checks;
  endfunction

  // ---- storage: each granule beside its check bits, as wide block RAM with enables has them ----
  localparam int unsigned GranuleChecks = Checks * GranuleWords;
  localparam int unsigned Lane = Granule + GranuleChecks;
  localparam int unsigned Stored = Granules * Lane;

  (* no_rw_check, ram_style = "block" *) logic [Stored-1:0] mem [Depth];

  // Merged word rather than a write a granule: synthesis turns the feedback into byte enables,
  // simulation writes one word.
  always_ff @(posedge clk_i) begin
    if (write_valid_i) begin
      automatic checks_t checks = encode(write_data_i);
      automatic logic [Stored-1:0] word = '0;
      for (int unsigned g = 0; g < Granules; g++) begin
        word[g*Lane +: Lane] = {checks[g*GranuleChecks +: GranuleChecks],
                                write_data_i[g*Granule +: Granule]};
      end
      if (!(&write_strobe_i)) begin
        for (int unsigned g = 0; g < Granules; g++) begin
          if (!write_strobe_i[g]) word[g*Lane +: Lane] = mem[write_index_i][g*Lane +: Lane];
        end
      end
      mem[write_index_i] <= word;
    end
  end

  // ---- read ----
  logic [Width-1:0] word_q;
  checks_t checks_q;
  logic fresh_q;               // they were read in the last cycle
  always_ff @(posedge clk_i) begin
    if (read_valid_i) begin
      for (int unsigned g = 0; g < Granules; g++) begin
        word_q[g*Granule +: Granule] <= mem[read_index_i][g*Lane +: Granule];
        checks_q[g*GranuleChecks +: GranuleChecks] <=
            mem[read_index_i][g*Lane+Granule +: GranuleChecks];
      end
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) fresh_q <= 1'b0;
    else fresh_q <= read_valid_i;
  end

  logic [Width-1:0] data;
  logic corrected, uncorrected;

  if (Secded) begin : gen_secded
    always_comb begin : decode
      checks_t syndromes;
      logic [Checks-1:0] syndrome;
      logic hit;
      data = word_q;
      corrected = 1'b0;
      uncorrected = 1'b0;
      syndrome = '0;
      hit = 1'b0;
      syndromes = encode(word_q) ^ checks_q;
      if (syndromes != '0) begin
        for (int unsigned w = 0; w < Words; w++) begin
          for (int unsigned j = 0; j < Checks; j++) syndrome[j] = syndromes[w*Checks+j];
          hit = $onehot(syndrome);   // a check bit
          for (int unsigned b = 0; b < CodeData; b++) begin
            if (syndrome == Columns[b]) begin
              data[w*CodeData+b] = !word_q[w*CodeData+b];
              hit = 1'b1;
            end
          end
          corrected = corrected || hit;
          uncorrected = uncorrected || (syndrome != '0 && !hit);
        end
      end
      corrected = corrected && fresh_q;
      uncorrected = uncorrected && fresh_q;
    end
  end else begin : gen_parity
    always_comb begin
      data = word_q;
      corrected = 1'b0;
      uncorrected = 1'b0;
      // A branch, not an and: simulation skips memories that nobody reads.
      if (fresh_q) uncorrected = encode(word_q) != checks_q;
    end
  end

  if (Latency == 1) begin : gen_latency_1
    assign read_data_o = data;
    assign corrected_o = corrected;
    assign uncorrected_o = uncorrected;
  end else begin : gen_latency_2
    logic [Width-1:0] data_q;
    logic corrected_q, uncorrected_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        corrected_q <= 1'b0;
        uncorrected_q <= 1'b0;
      end else begin
        corrected_q <= corrected;
        uncorrected_q <= uncorrected;
      end
    end
    always_ff @(posedge clk_i) begin
      if (fresh_q) data_q <= data;
    end
    assign read_data_o = data_q;
    assign corrected_o = corrected_q;
    assign uncorrected_o = uncorrected_q;
  end

  `ASSERT(NoCollision,
          AllowCollision || !(write_valid_i && read_valid_i && write_index_i == read_index_i))

endmodule

`default_nettype wire
