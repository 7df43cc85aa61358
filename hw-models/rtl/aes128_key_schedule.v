// The key schedule of AES-128 as a pipeline, for a new key in every cycle. Round key r leaves r cycles after its key
// came in, which is when stage r of aes128_pipe needs it.
module aes128_key_schedule (
    input           clk,
    input  [ 127:0] key,
    output [1407:0] round_keys
);
  // Byte r-1: the constant of round r, x^(r-1) in GF(2^8).
  localparam [79:0] CONSTANTS = 80'h361b8040201008040201;

  assign round_keys[127:0] = key;

  genvar r;
  generate
    for (r = 1; r <= 10; r = r + 1) begin : rounds
      reg [127:0] last;
      always @(posedge clk) last <= round_keys[128*(r-1)+:128];
      aes128_next_key step (.key(last), .constant(CONSTANTS[8*(r-1)+:8]), .next(round_keys[128*r+:128]));
    end
  endgenerate
endmodule
