// AES-128 with one round per stage: a block per cycle, 11 cycles from block to cipher.
//
// `round_keys` holds round key r in bits 128r+127..128r. It is constant for a fixed key; for a key per block it comes
// from aes128_key_schedule, each round key in the cycle in which its stage works on the block.
module aes128_pipe (
    input           clk,
    input           valid_in,
    input  [1407:0] round_keys,
    input  [ 127:0] block,
    output          valid_out,
    output [ 127:0] cipher
);
  /* verilator hier_block */

  reg [1407:0] stages;  // bits 128r+127..128r: the state after round r
  assign cipher = stages[1407:1280];

  always @(posedge clk) stages[127:0] <= block ^ round_keys[127:0];

  genvar r;
  generate
    for (r = 1; r <= 10; r = r + 1) begin : rounds
      wire [127:0] next;
      aes128_round #(.LAST(r == 10 ? 1 : 0)) round (
          .state(stages[128*(r-1)+:128]), .last(1'b0), .round_key(round_keys[128*r+:128]),
          .next(next)
      );
      always @(posedge clk) stages[128*r+:128] <= next;
    end
  endgenerate

  delay_line #(.DEPTH(11)) valid (.clk(clk), .d(valid_in), .q(valid_out));
endmodule
