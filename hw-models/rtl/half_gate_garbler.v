// Garbles one AND gate per cycle (Zahur, Rosulek and Evans, EUROCRYPT 2015): four hashes, of both labels of both
// inputs.
//
// `tweak` is the gate's even one; the second input is hashed under the odd one above it. A label's colour is its
// lowest bit. 23 cycles with eight AES pipelines, or 12 with four and two key schedules when REKEYED.
module half_gate_garbler #(
    parameter REKEYED = 0
) (
    input              clk,
    input              valid_in,
    input     [1407:0] round_keys,
    input      [127:0] delta,
    input       [63:0] tweak,
    input      [127:0] zero_a,
    input      [127:0] zero_b,
    output reg         valid_out,
    output reg [127:0] garbler_half,
    output reg [127:0] evaluator_half,
    output reg [127:0] zero_out
);
  localparam HASH_LATENCY = REKEYED ? 11 : 22;

  wire [127:0] hash_a0, hash_a1, hash_b0, hash_b1;
  wire hashed, unused;
  label_hash #(.LABELS(2), .REKEYED(REKEYED)) hash_a (
      .clk(clk), .valid_in(valid_in), .round_keys(round_keys), .tweak(tweak),
      .labels({zero_a ^ delta, zero_a}), .valid_out(hashed), .hashes({hash_a1, hash_a0})
  );
  label_hash #(.LABELS(2), .REKEYED(REKEYED)) hash_b (
      .clk(clk), .valid_in(valid_in), .round_keys(round_keys), .tweak(tweak ^ 64'd1),
      .labels({zero_b ^ delta, zero_b}), .valid_out(unused), .hashes({hash_b1, hash_b0})
  );

  wire [127:0] a;
  wire colour_b;
  delay_line #(.WIDTH(129), .DEPTH(HASH_LATENCY)) labels (.clk(clk), .d({zero_b[0], zero_a}), .q({colour_b, a}));

  wire [127:0] both_b = hash_b0 ^ hash_b1;
  wire [127:0] half = hash_a0 ^ hash_a1 ^ (delta & {128{colour_b}});
  always @(posedge clk) begin
    valid_out <= hashed;
    garbler_half <= half;
    evaluator_half <= both_b ^ a;
    zero_out <= hash_a0 ^ hash_b0 ^ (half & {128{a[0]}}) ^ (both_b & {128{colour_b}});
  end
endmodule
