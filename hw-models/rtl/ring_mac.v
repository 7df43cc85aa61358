// Multiply-accumulate in Z_2^WIDTH, one per cycle; `clear` starts a new sum with this product. 3 cycles, or 4 for
// words of more than 32 bits, whose product takes one more.
module ring_mac #(
    parameter WIDTH = 32
) (
    input                  clk,
    input                  valid_in,
    input                  clear,
    input      [WIDTH-1:0] a,
    input      [WIDTH-1:0] b,
    output reg             valid_out,
    output reg [WIDTH-1:0] sum
);
  localparam STAGES = WIDTH > 32 ? 3 : 2;

  wire [WIDTH-1:0] product;
  wire multiplied, first;
  multiplier #(.WIDTH(WIDTH), .RESULT(WIDTH), .STAGES(STAGES)) multiply (.clk(clk), .a(a), .b(b), .product(product));
  delay_line #(.WIDTH(2), .DEPTH(STAGES)) control (.clk(clk), .d({valid_in, clear}), .q({multiplied, first}));

  always @(posedge clk) begin
    valid_out <= multiplied;
    if (multiplied) sum <= (first ? {WIDTH{1'b0}} : sum) + product;
  end
endmodule
