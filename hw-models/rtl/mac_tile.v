// An output-stationary systolic tile: cell (i, j) sums a[i] * b[j] over the terms that come in one per cycle, from
// the one with `clear` to the one with `last`.
//
// Row i's operand enters i cycles late and column j's j cycles late, and both move on by one cell per cycle. A
// finished sum goes to the cell's drain register and then up its column, one cell per cycle; as row i + 1 finishes
// one cycle after row i, rows leave at the top every second cycle, row 0 first. Tiles follow each other without a gap
// if their sums have at least 2 * ROWS - 1 terms; shorter ones would meet on the way up.
module mac_tile #(
    parameter ROWS    = 2,
    parameter COLUMNS = 2,
    parameter WIDTH   = 32
) (
    input                         clk,
    input                         valid_in,
    input                         clear,
    input                         last,
    input  [      ROWS*WIDTH-1:0] a,
    input  [   COLUMNS*WIDTH-1:0] b,
    output                        valid_out,
    output [   COLUMNS*WIDTH-1:0] sums
);
  localparam MAC_LATENCY = WIDTH > 32 ? 4 : 3;

  // Operands and control between cells: into cell (i, j) from the left at i * (COLUMNS + 1) + j, from above at i *
  // COLUMNS + j.
  wire [ROWS*(COLUMNS+1)*(WIDTH+3)-1:0] across;
  wire [(ROWS+1)*COLUMNS*WIDTH-1:0] down;
  // What goes up a column: a valid bit over a sum.
  wire [(ROWS+1)*COLUMNS*(WIDTH+1)-1:0] up;

  genvar i, j;
  generate
    for (i = 0; i < ROWS; i = i + 1) begin : left_edge
      delay_line #(.WIDTH(WIDTH + 3), .DEPTH(i)) skew (
          .clk(clk), .d({valid_in, clear, last, a[i*WIDTH+:WIDTH]}),
          .q(across[i*(COLUMNS+1)*(WIDTH+3)+:WIDTH+3])
      );
    end
    for (j = 0; j < COLUMNS; j = j + 1) begin : top_edge
      delay_line #(.WIDTH(WIDTH), .DEPTH(j)) skew (.clk(clk), .d(b[j*WIDTH+:WIDTH]), .q(down[j*WIDTH+:WIDTH]));
      assign up[(ROWS*COLUMNS+j)*(WIDTH+1)+:WIDTH+1] = 0;
      // Columns leave together, with the last one.
      wire valid;
      delay_line #(.WIDTH(WIDTH + 1), .DEPTH(COLUMNS - 1 - j)) align (
          .clk(clk), .d(up[j*(WIDTH+1)+:WIDTH+1]), .q({valid, sums[j*WIDTH+:WIDTH]})
      );
    end
    for (i = 0; i < ROWS; i = i + 1) begin : rows
      for (j = 0; j < COLUMNS; j = j + 1) begin : cells
        mac_cell #(.WIDTH(WIDTH), .LATENCY(MAC_LATENCY)) mac (
            .clk(clk),
            .left(across[(i*(COLUMNS+1)+j)*(WIDTH+3)+:WIDTH+3]), .right(across[(i*(COLUMNS+1)+j+1)*(WIDTH+3)+:WIDTH+3]),
            .top(down[(i*COLUMNS+j)*WIDTH+:WIDTH]), .bottom(down[((i+1)*COLUMNS+j)*WIDTH+:WIDTH]),
            .below(up[((i+1)*COLUMNS+j)*(WIDTH+1)+:WIDTH+1]), .drain(up[(i*COLUMNS+j)*(WIDTH+1)+:WIDTH+1])
        );
      end
    end
  endgenerate
  assign valid_out = top_edge[COLUMNS-1].valid;
endmodule

// One cell: a multiply-accumulate, a register for each operand on its way, and a drain register.
module mac_cell #(
    parameter WIDTH   = 32,
    parameter LATENCY = 3
) (
    input                  clk,
    input      [WIDTH+2:0] left,   // valid, clear, last, operand
    output reg [WIDTH+2:0] right,
    input      [WIDTH-1:0] top,
    output reg [WIDTH-1:0] bottom,
    input      [  WIDTH:0] below,  // valid, sum
    output reg [  WIDTH:0] drain
);
  wire [WIDTH-1:0] sum;
  wire finished, unused;
  ring_mac #(.WIDTH(WIDTH)) mac (
      .clk(clk), .valid_in(left[WIDTH+2]), .clear(left[WIDTH+1]), .a(left[WIDTH-1:0]), .b(top),
      .valid_out(unused), .sum(sum)
  );
  delay_line #(.DEPTH(LATENCY)) last (.clk(clk), .d(left[WIDTH+2] & left[WIDTH]), .q(finished));

  always @(posedge clk) begin
    right  <= left;
    bottom <= top;
    drain  <= finished ? {1'b1, sum} : below;
  end
endmodule
