// An output-stationary array: left operands move right, right operands move down, every cell keeps its sum and puts it on its
// column's bus in the cycle of its last product.
module output_cell (
  input clk,
  input signed [7:0] left_in, input signed [7:0] above_in,
  input valid_in, input first_in, input last_in,
  output reg signed [7:0] left_right, output reg signed [7:0] above_down,
  output reg valid_right, output reg first_right, output reg last_right,
  output signed [31:0] bus_value, output bus_drive
);
  reg signed [31:0] sum;
  wire signed [31:0] next = (first_in ? 0 : sum) + left_in * above_in;
  assign bus_value = next;
  assign bus_drive = valid_in & last_in;
  initial begin
    valid_right = 0; first_right = 0; last_right = 0;
  end
  always @(posedge clk) begin
    if (valid_in) sum <= next;
    left_right <= left_in;
    above_down <= above_in;
    valid_right <= valid_in;
    first_right <= first_in;
    last_right <= last_in;
  end
endmodule

module output_array #(parameter R = 4, C = 4) (
  input clk,
  input [R*8-1:0] left_in, input [C*8-1:0] above_in,
  input [R-1:0] valid_in, input [R-1:0] first_in, input [R-1:0] last_in,
  output [R*C*32-1:0] values, output [R*C-1:0] drives
);
  wire signed [7:0] left [0:R-1][0:C];
  wire signed [7:0] above [0:R][0:C-1];
  wire valid [0:R-1][0:C];
  wire first [0:R-1][0:C];
  wire last [0:R-1][0:C];
  genvar r, c;
  generate
    for (r = 0; r < R; r = r + 1) begin : row
      assign left[r][0] = left_in[r*8 +: 8];
      assign valid[r][0] = valid_in[r];
      assign first[r][0] = first_in[r];
      assign last[r][0] = last_in[r];
      for (c = 0; c < C; c = c + 1) begin : column
        if (r == 0) assign above[0][c] = above_in[c*8 +: 8];
        output_cell one (
          .clk(clk), .left_in(left[r][c]), .above_in(above[r][c]), .valid_in(valid[r][c]), .first_in(first[r][c]), .last_in(last[r][c]),
          .left_right(left[r][c+1]), .above_down(above[r+1][c]), .valid_right(valid[r][c+1]), .first_right(first[r][c+1]), .last_right(last[r][c+1]),
          .bus_value(values[(r*C+c)*32 +: 32]), .bus_drive(drives[r*C+c])
        );
      end
    end
  endgenerate
endmodule
