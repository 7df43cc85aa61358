// The hash of garbling, of LABELS labels under one tweak, one tweak per cycle.
//
// REKEYED = 0: pisim's own, two calls of AES under a fixed key, H(x, i) = AES(AES(x) ^ i) ^ AES(x); 22 cycles.
// REKEYED = 1: one call under the tweak as key, H(x, i) = AES_i(x) ^ x, as HAAC garbles; 11 cycles, and a key
// schedule that all labels share. `round_keys` is not used.
module label_hash #(
    parameter LABELS  = 1,
    parameter REKEYED = 0
) (
    input                    clk,
    input                    valid_in,
    input  [       1407:0]   round_keys,
    input  [         63:0]   tweak,
    input  [128*LABELS-1:0]  labels,
    output                   valid_out,
    output [128*LABELS-1:0]  hashes
);
  wire [1407:0] keys;
  wire [63:0] second_tweak;
  wire [LABELS-1:0] valid;
  assign valid_out = valid[0];

  genvar i;
  generate
    if (REKEYED) begin : rekeyed
      aes128_key_schedule schedule (.clk(clk), .key({64'b0, tweak}), .round_keys(keys));
    end else begin : fixed
      assign keys = round_keys;
      delay_line #(.WIDTH(64), .DEPTH(11)) tweaks (.clk(clk), .d(tweak), .q(second_tweak));
    end

    for (i = 0; i < LABELS; i = i + 1) begin : each
      wire [127:0] label = labels[128*i+:128];
      wire [127:0] once, forward;
      wire once_valid;
      aes128_pipe first_call (
          .clk(clk), .valid_in(valid_in), .round_keys(keys), .block(label), .valid_out(once_valid), .cipher(once)
      );
      if (REKEYED) begin : one_call
        delay_line #(.WIDTH(128), .DEPTH(11)) forward_line (.clk(clk), .d(label), .q(forward));
        assign valid[i] = once_valid;
        assign hashes[128*i+:128] = once ^ forward;
      end else begin : two_calls
        wire [127:0] twice;
        aes128_pipe second_call (
            .clk(clk), .valid_in(once_valid), .round_keys(keys), .block(once ^ {64'b0, second_tweak}),
            .valid_out(valid[i]), .cipher(twice)
        );
        delay_line #(.WIDTH(128), .DEPTH(11)) forward_line (.clk(clk), .d(once), .q(forward));
        assign hashes[128*i+:128] = twice ^ forward;
      end
    end
  endgenerate
endmodule
