// A weight-stationary systolic array. Weights enter at the top of each column and move down until every row has its own;
// activations enter at the left and move right; sums move down and leave at the bottom. An input-stationary array is the same
// array with inputs in the place of weights.
module stationary_cell #(parameter DOUBLE = 1) (
  input clk,
  input signed [7:0] weight_above,   // weight moving down
  input [15:0] shifts_in,            // how many more weights pass here, this one included; 0: none
  output reg signed [7:0] weight_below,
  output reg [15:0] shifts_below,
  output reg [15:0] shifts_right,
  input signed [7:0] activation_in,
  input valid_in,
  input first_in,                    // first row of a pass: its weights take over
  output reg signed [7:0] activation_right,
  output reg valid_right,
  output reg first_right,
  input signed [31:0] sum_above,
  output reg signed [31:0] sum_below,
  output reg valid_below
);
  reg signed [7:0] active;
  // With one register the weight that moves down is the weight in use.
  wire signed [7:0] weight = DOUBLE ? (first_in ? weight_below : active) : weight_below;
  initial begin
    shifts_below = 0; shifts_right = 0; valid_right = 0; first_right = 0; valid_below = 0;
  end
  always @(posedge clk) begin
    if (valid_in) active <= weight;
    sum_below <= sum_above + activation_in * weight;
    valid_below <= valid_in;
    activation_right <= activation_in;
    valid_right <= valid_in;
    first_right <= valid_in & first_in;
    if (shifts_in != 0) weight_below <= weight_above;
    shifts_below <= shifts_in == 0 ? 0 : shifts_in - 1;
    shifts_right <= shifts_in;
  end
endmodule

module stationary_array #(parameter R = 4, C = 4, DOUBLE = 1) (
  input clk,
  input [C*8-1:0] weights_in,
  input [15:0] shifts_in,
  input [R*8-1:0] activations_in,
  input [R-1:0] valid_in,
  input [R-1:0] first_in,
  output [C*32-1:0] sums_out,
  output [C-1:0] valid_out
);
  wire signed [7:0] weight [0:R][0:C-1];
  wire [15:0] shifts_down [0:R][0:C];
  wire signed [7:0] activation [0:R-1][0:C];
  wire valid [0:R-1][0:C];
  wire first [0:R-1][0:C];
  wire signed [31:0] sum [0:R][0:C-1];
  wire valid_down [0:R-1][0:C-1];
  assign shifts_down[0][0] = shifts_in;
  genvar r, c;
  generate
    for (c = 0; c < C; c = c + 1) begin : column
      assign weight[0][c] = weights_in[c*8 +: 8];
      assign sum[0][c] = 0;
      assign sums_out[c*32 +: 32] = sum[R][c];
      assign valid_out[c] = valid_down[R-1][c];
      for (r = 0; r < R; r = r + 1) begin : row
        wire [15:0] to_the_right;
        stationary_cell #(.DOUBLE(DOUBLE)) one (
          .clk(clk), .weight_above(weight[r][c]), .shifts_in(shifts_down[r][c]), .weight_below(weight[r+1][c]), .shifts_below(shifts_down[r+1][c]),
          .shifts_right(to_the_right), .activation_in(activation[r][c]), .valid_in(valid[r][c]), .first_in(first[r][c]),
          .activation_right(activation[r][c+1]), .valid_right(valid[r][c+1]), .first_right(first[r][c+1]),
          .sum_above(sum[r][c]), .sum_below(sum[r+1][c]), .valid_below(valid_down[r][c])
        );
        // Only the top row hands the start of a shift on to the next column; below it comes from above.
        if (r == 0) assign shifts_down[0][c+1] = to_the_right;
        if (c == 0) begin
          assign activation[r][0] = activations_in[r*8 +: 8];
          assign valid[r][0] = valid_in[r];
          assign first[r][0] = first_in[r];
        end
      end
    end
  endgenerate
endmodule
