// Montgomery multiplication, one per cycle, for any odd modulus below 2^WIDTH: a * b / 2^WIDTH, reduced. 11 cycles.
//
// `inverse` is the modulus' inverse modulo 2^WIDTH. With t = a * b and m = t * inverse mod 2^WIDTH, t - m * modulus
// is divisible by 2^WIDTH, and the difference of the upper halves is the result, or the result less the modulus.
module mod_multiplier #(
    parameter WIDTH = 32
) (
    input                  clk,
    input                  valid_in,
    input      [WIDTH-1:0] modulus,
    input      [WIDTH-1:0] inverse,
    input      [WIDTH-1:0] a,
    input      [WIDTH-1:0] b,
    output                 valid_out,
    output reg [WIDTH-1:0] product
);
  wire [2*WIDTH-1:0] t, multiple;
  wire [WIDTH-1:0] m, upper;
  multiplier #(.WIDTH(WIDTH), .RESULT(2*WIDTH)) first (.clk(clk), .a(a), .b(b), .product(t));
  multiplier #(.WIDTH(WIDTH), .RESULT(WIDTH)) second (.clk(clk), .a(t[WIDTH-1:0]), .b(inverse), .product(m));
  multiplier #(.WIDTH(WIDTH), .RESULT(2*WIDTH)) third (.clk(clk), .a(m), .b(modulus), .product(multiple));
  delay_line #(.WIDTH(WIDTH), .DEPTH(6)) wait_for_m (.clk(clk), .d(t[2*WIDTH-1:WIDTH]), .q(upper));

  reg [WIDTH:0] difference;
  always @(posedge clk) begin
    difference <= {1'b0, upper} - {1'b0, multiple[2*WIDTH-1:WIDTH]};
    product <= difference[WIDTH] ? difference[WIDTH-1:0] + modulus : difference[WIDTH-1:0];
  end

  delay_line #(.DEPTH(11)) valid (.clk(clk), .d(valid_in), .q(valid_out));
endmodule
