// AES-128 in one round of hardware: a block every 11 cycles under any key, the key schedule on the fly. What comes in
// while a block is in work is lost.
module aes128_iter (
    input              clk,
    input              valid_in,
    input      [127:0] key,
    input      [127:0] block,
    output reg         valid_out,
    output     [127:0] cipher
);
  reg [127:0] state, last_key;
  reg [7:0] constant;
  reg [3:0] round = 0;  // the round to do next; 0 waits for a block
  wire [127:0] round_key, next_state;
  wire [7:0] next_constant = {constant[6:0], 1'b0} ^ (constant[7] ? 8'h1b : 8'h00);

  aes128_next_key step (.key(last_key), .constant(constant), .next(round_key));
  aes128_round #(.LAST(2)) rounds (.state(state), .last(round == 10), .round_key(round_key), .next(next_state));
  assign cipher = state;

  always @(posedge clk) begin
    valid_out <= round == 10;
    if (round == 0) begin
      if (valid_in) begin
        state <= block ^ key;
        last_key <= key;
        constant <= 8'h01;
        round <= 1;
      end
    end else begin
      state <= next_state;
      last_key <= round_key;
      constant <= next_constant;
      round <= round == 10 ? 4'd0 : round + 4'd1;
    end
  end
endmodule
