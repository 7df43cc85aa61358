// What came in DEPTH cycles ago. It has no reset, so that it becomes shift registers; a valid bit in it is right
// after DEPTH idle cycles.
module delay_line #(
    parameter WIDTH = 1,
    parameter DEPTH = 1
) (
    input              clk,
    input  [WIDTH-1:0] d,
    output [WIDTH-1:0] q
);
  genvar i;
  generate
    if (DEPTH == 0) begin : wires
      assign q = d;
    end else begin : registers
      reg [WIDTH*DEPTH-1:0] line;
      assign q = line[WIDTH*(DEPTH-1)+:WIDTH];
      always @(posedge clk) line[WIDTH-1:0] <= d;
      for (i = 1; i < DEPTH; i = i + 1) begin : stages
        always @(posedge clk) line[WIDTH*i+:WIDTH] <= line[WIDTH*(i-1)+:WIDTH];
      end
    end
  endgenerate
endmodule
