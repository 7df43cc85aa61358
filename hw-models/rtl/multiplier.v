// The low RESULT bits of a product: operands in one register, the product in STAGES - 1 further ones, which synthesis may
// move into DSP blocks.
module multiplier #(
    parameter WIDTH  = 32,
    parameter RESULT = 64,
    parameter STAGES = 3
) (
    input               clk,
    input  [ WIDTH-1:0] a,
    input  [ WIDTH-1:0] b,
    output [RESULT-1:0] product
);
  reg [WIDTH-1:0] left, right;
  reg [RESULT-1:0] whole;
  always @(posedge clk) begin
    left  <= a;
    right <= b;
    whole <= left * right;
  end
  delay_line #(.WIDTH(RESULT), .DEPTH(STAGES - 2)) rest (.clk(clk), .d(whole), .q(product));
endmodule
