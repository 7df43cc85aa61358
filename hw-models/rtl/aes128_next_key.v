// One step of the key schedule of AES-128 without registers (FIPS 197, section 5.2).
module aes128_next_key (
    input  [127:0] key,
    input  [  7:0] constant,  // the round's
    output [127:0] next
);
  // Word 3 rotated by one byte, through the S-box.
  wire [31:0] rotated = {key[103:96], key[127:104]};
  wire [31:0] substituted;

  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : bytes
      aes128_sbox sbox (.x(rotated[8*k+:8]), .y(substituted[8*k+:8]));
    end
  endgenerate

  wire [31:0] word0 = key[31:0] ^ substituted ^ {24'b0, constant};
  wire [31:0] word1 = key[63:32] ^ word0;
  wire [31:0] word2 = key[95:64] ^ word1;
  assign next = {key[127:96] ^ word2, word2, word1, word0};
endmodule
