// An XOR gate: the sum of its labels, zero labels when garbling and active ones when evaluating. To negate, a garbler
// adds delta and an evaluator nothing.
module free_xor (
    input              clk,
    input              valid_in,
    input      [127:0] label_a,
    input      [127:0] label_b,
    output reg         valid_out,
    output reg [127:0] label_out
);
  always @(posedge clk) begin
    valid_out <= valid_in;
    label_out <= label_a ^ label_b;
  end
endmodule
