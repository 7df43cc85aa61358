// The low RESULT bits of a product in 2 or 3 STAGES: a register for the operands, the others for the product, which
// synthesis may move into DSP blocks.
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

  generate
    if (STAGES > 2) begin : deep
      reg [RESULT-1:0] last;
      always @(posedge clk) last <= whole;
      assign product = last;
    end else begin : shallow
      assign product = whole;
    end
  endgenerate
endmodule
