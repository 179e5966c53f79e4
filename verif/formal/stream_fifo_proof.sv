// stream_fifo: every word that goes in comes out once, unchanged and in order, or goes with a flush.
//
// One word, chosen freely, is followed through the queue with the number of words in front of it; as any word can be the
// chosen one, what holds for it holds for all.
`include "systolith_assert.svh"
`default_nettype none

module stream_fifo_proof #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 2,
  localparam int unsigned CountWidth = $clog2(Depth + 1)
) (
  input logic             clk_i,
  input logic             flush_i,
  input logic             valid_i,
  input logic [Width-1:0] data_i,
  input logic             ready_i,
  input logic             choose_i   // follow the word that goes in now
);

  logic rst_ni = 1'b0;
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic in_ready, out_valid;
  logic [Width-1:0] out_data;
  logic [CountWidth-1:0] count;

  stream_fifo #(.Width(Width), .Depth(Depth)) u_fifo (
    .clk_i, .rst_ni, .flush_i,
    .valid_i, .data_i, .ready_o(in_ready),
    .valid_o(out_valid), .data_o(out_data), .ready_i, .count_o(count)
  );

  logic push, pop;
  assign push = valid_i && in_ready;
  assign pop = out_valid && ready_i;

  // One bit more than `count`, so that a word too many shows.
  logic [CountWidth:0] held_q, held_d;
  logic followed_q, followed_d;
  logic [CountWidth:0] ahead_q, ahead_d;
  logic [Width-1:0] word_q, word_d;

  always_comb begin
    held_d = held_q + (CountWidth + 1)'(push) - (CountWidth + 1)'(pop);
    followed_d = followed_q;
    ahead_d = ahead_q;
    word_d = word_q;
    if (followed_q && pop) begin
      followed_d = ahead_q != '0;
      ahead_d = ahead_q - 1'b1;
    end
    if (!followed_q && push && choose_i) begin
      followed_d = 1'b1;
      ahead_d = held_q - (CountWidth + 1)'(pop);
      word_d = data_i;
    end
    if (flush_i) begin
      held_d = '0;
      followed_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      held_q <= '0;
      followed_q <= 1'b0;
      ahead_q <= '0;
      word_q <= '0;
    end else begin
      held_q <= held_d;
      followed_q <= followed_d;
      ahead_q <= ahead_d;
      word_q <= word_d;
    end
  end

  `ASSERT(CountsWords, (CountWidth + 1)'(count) == held_q)
  `ASSERT(OffersWhatItHolds, out_valid == (held_q != '0))
  `ASSERT(TakesWhileThereIsRoom, in_ready == (held_q < (CountWidth + 1)'(Depth)))
  `ASSERT(KeepsOrder, !(followed_q && ahead_q == '0) || (out_valid && out_data == word_q))

endmodule

`default_nettype wire
