// A butterfly of the number-theoretic transform (Cooley and Tukey), one per cycle, for any odd modulus below 2^WIDTH
// at run time: u + w * v and u - w * v. 12 cycles. `w` is given times 2^WIDTH, as Montgomery multiplication takes it.
module mod_butterfly #(
    parameter WIDTH = 32
) (
    input                  clk,
    input                  valid_in,
    input      [WIDTH-1:0] modulus,
    input      [WIDTH-1:0] inverse,
    input      [WIDTH-1:0] w,
    input      [WIDTH-1:0] u,
    input      [WIDTH-1:0] v,
    output reg             valid_out,
    output reg [WIDTH-1:0] sum,
    output reg [WIDTH-1:0] difference
);
  wire [WIDTH-1:0] waited, product;
  wire multiplied;
  mod_multiplier #(.WIDTH(WIDTH)) multiply (
      .clk(clk), .valid_in(valid_in), .modulus(modulus), .inverse(inverse), .a(w), .b(v),
      .valid_out(multiplied), .product(product)
  );
  delay_line #(.WIDTH(WIDTH), .DEPTH(11)) wait_for_product (.clk(clk), .d(u), .q(waited));

  wire [WIDTH:0] plus = {1'b0, waited} + {1'b0, product};
  wire [WIDTH:0] reduced = plus - {1'b0, modulus};
  wire [WIDTH:0] minus = {1'b0, waited} - {1'b0, product};
  always @(posedge clk) begin
    valid_out <= multiplied;
    sum <= reduced[WIDTH] ? plus[WIDTH-1:0] : reduced[WIDTH-1:0];
    difference <= minus[WIDTH] ? minus[WIDTH-1:0] + modulus : minus[WIDTH-1:0];
  end
endmodule
