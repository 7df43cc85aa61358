// Evaluates one garbled AND gate per cycle: two hashes, of the active label of each input.
//
// The table comes with the labels. 23 cycles with four AES pipelines, or 12 with two and two key schedules when
// REKEYED.
module half_gate_evaluator #(
    parameter REKEYED = 0
) (
    input              clk,
    input              valid_in,
    input     [1407:0] round_keys,
    input       [63:0] tweak,
    input      [127:0] label_a,
    input      [127:0] label_b,
    input      [127:0] garbler_half,
    input      [127:0] evaluator_half,
    output reg         valid_out,
    output reg [127:0] label_out
);
  localparam HASH_LATENCY = REKEYED ? 11 : 22;

  wire [127:0] hash_a, hash_b;
  wire hashed, unused;
  label_hash #(.LABELS(1), .REKEYED(REKEYED)) first (
      .clk(clk), .valid_in(valid_in), .round_keys(round_keys), .tweak(tweak), .labels(label_a),
      .valid_out(hashed), .hashes(hash_a)
  );
  label_hash #(.LABELS(1), .REKEYED(REKEYED)) second (
      .clk(clk), .valid_in(valid_in), .round_keys(round_keys), .tweak(tweak ^ 64'd1), .labels(label_b),
      .valid_out(unused), .hashes(hash_b)
  );

  // What the colours pick of the table is known at once, so that one block waits for the hashes and not three.
  wire [127:0] picked = (garbler_half & {128{label_a[0]}}) ^ ((evaluator_half ^ label_a) & {128{label_b[0]}});
  wire [127:0] waited;
  delay_line #(.WIDTH(128), .DEPTH(HASH_LATENCY)) table_line (.clk(clk), .d(picked), .q(waited));

  always @(posedge clk) begin
    valid_out <= hashed;
    label_out <= hash_a ^ hash_b ^ waited;
  end
endmodule
