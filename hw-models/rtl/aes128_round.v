// One round of AES-128 without registers (FIPS 197, section 5.1): bytes, rows, columns, key. The last round leaves the
// columns alone: LAST = 0 is never the last, 1 always, 2 when `last` is high.
//
// Byte k of a block is bits 8k+7..8k, and byte 4c+r is row r of column c: blocks lie here as in a little-endian memory.
module aes128_round #(
    parameter LAST = 0
) (
    input  [127:0] state,
    input          last,
    input  [127:0] round_key,
    output [127:0] next
);
  /* verilator no_inline_module */

  wire [127:0] substituted, shifted, mixed;

  genvar k, c, r;
  generate
    for (k = 0; k < 16; k = k + 1) begin : bytes
      aes128_sbox sbox (.x(state[8*k+:8]), .y(substituted[8*k+:8]));
    end
    for (c = 0; c < 4; c = c + 1) begin : columns
      for (r = 0; r < 4; r = r + 1) begin : rows
        // Row r moves r columns to the left.
        assign shifted[8*(4*c+r)+:8] = substituted[8*(4*((c+r)%4)+r)+:8];
        // Each byte of a column: itself and the next below, times x in GF(2^8), and all others once.
        wire [7:0] a = shifted[8*(4*c+r)+:8];
        wire [7:0] b = shifted[8*(4*c+(r+1)%4)+:8];
        wire [7:0] both = a ^ b;
        assign mixed[8*(4*c+r)+:8] = {both[6:0], 1'b0} ^ (both[7] ? 8'h1b : 8'h00) ^ b
            ^ shifted[8*(4*c+(r+2)%4)+:8] ^ shifted[8*(4*c+(r+3)%4)+:8];
      end
    end
  endgenerate

  assign next = (LAST == 1 || (LAST == 2 && last) ? shifted : mixed) ^ round_key;
endmodule
