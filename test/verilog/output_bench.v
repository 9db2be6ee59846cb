// Runs PASSES output tiles, prints every sum and the cycles until the last; two sums on one bus end the run with a word on it.
module bench;
  parameter R = 4, C = 4, T = 4, PASSES = 1, OVERLAP = 1;
  reg clk = 0;
  reg [7:0] lefts [0:PASSES*T*R-1];
  reg [7:0] aboves [0:PASSES*T*C-1];
  reg [R*8-1:0] left_in = 0;
  reg [C*8-1:0] above_in = 0;
  reg [R-1:0] valid_in = 0, first_in = 0, last_in = 0;
  wire [R*C*32-1:0] values;
  wire [R*C-1:0] drives;
  output_array #(.R(R), .C(C)) array (
    .clk(clk), .left_in(left_in), .above_in(above_in), .valid_in(valid_in), .first_in(first_in), .last_in(last_in), .values(values), .drives(drives)
  );
  integer start [0:PASSES-1];
  integer seen [0:R*C-1];
  integer streamed = 0, missing = PASSES * R * C, cycle = 0, p, r, c, t, free, driving;
  initial begin
    $readmemh("rows.hex", lefts);
    $readmemh("weights.hex", aboves);
    for (r = 0; r < R * C; r = r + 1) seen[r] = 0;
    while (missing > 0 && cycle < 1000000) begin
      if (streamed < PASSES) begin
        // The next pass may follow at once, but its sums must find the buses free: R cycles from the last step of this one.
        free = streamed == 0 ? 0 : OVERLAP ? start[streamed-1] + T + (R > T ? R - T : 0) : start[streamed-1] + T + R + C - 2;
        if (cycle >= free) begin
          start[streamed] = cycle;
          streamed = streamed + 1;
        end
      end
      valid_in = 0;
      for (p = 0; p < streamed; p = p + 1) begin
        for (r = 0; r < R; r = r + 1) begin
          t = cycle - start[p] - r;
          if (t >= 0 && t < T) begin
            valid_in[r] = 1;
            first_in[r] = t == 0;
            last_in[r] = t == T - 1;
            left_in[r*8 +: 8] = lefts[(p*T + t)*R + r];
          end
        end
        for (c = 0; c < C; c = c + 1) begin
          t = cycle - start[p] - c;
          if (t >= 0 && t < T) above_in[c*8 +: 8] = aboves[(p*T + t)*C + c];
        end
      end
      #1;
      for (c = 0; c < C; c = c + 1) begin
        driving = 0;
        for (r = 0; r < R; r = r + 1) begin
          if (drives[r*C+c]) begin
            driving = driving + 1;
            $display("%0d %0d %0d %0d", seen[r*C+c], r, c, $signed(values[(r*C+c)*32 +: 32]));
            seen[r*C+c] = seen[r*C+c] + 1;
            missing = missing - 1;
          end
        end
        if (driving > 1) $display("hazard: two sums on the bus of column %0d in cycle %0d", c, cycle);
      end
      clk = 1;
      #1 clk = 0;
      cycle = cycle + 1;
    end
    $display("cycles %0d", cycle);
    $finish;
  end
endmodule
