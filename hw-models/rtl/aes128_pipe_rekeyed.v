// AES-128 under a new key in every cycle: a key schedule next to the rounds.
module aes128_pipe_rekeyed (
    input          clk,
    input          valid_in,
    input  [127:0] key,
    input  [127:0] block,
    output         valid_out,
    output [127:0] cipher
);
  /* verilator hier_block */

  wire [1407:0] round_keys;
  aes128_key_schedule schedule (.clk(clk), .key(key), .round_keys(round_keys));
  aes128_pipe pipe (
      .clk(clk), .valid_in(valid_in), .round_keys(round_keys), .block(block), .valid_out(valid_out), .cipher(cipher)
  );
endmodule
