// Runs PASSES tiles over the array as early as its own state allows, prints every sum and the cycles until the last.
module bench;
  parameter R = 4, C = 4, T = 4, PASSES = 1, DOUBLE = 1, OVERLAP = 1;
  reg clk = 0;
  reg [7:0] weights [0:PASSES*R*C-1];
  reg [7:0] rows [0:PASSES*T*R-1];
  reg [C*8-1:0] weights_in = 0;
  reg [15:0] shifts_in = 0;
  reg [R*8-1:0] activations_in = 0;
  reg [R-1:0] valid_in = 0, first_in = 0;
  wire [C*32-1:0] sums_out;
  wire [C-1:0] valid_out;
  stationary_array #(.R(R), .C(C), .DOUBLE(DOUBLE)) array (
    .clk(clk), .weights_in(weights_in), .shifts_in(shifts_in), .activations_in(activations_in), .valid_in(valid_in), .first_in(first_in),
    .sums_out(sums_out), .valid_out(valid_out)
  );

  integer shift_start [0:PASSES-1];
  integer stream_start [0:PASSES-1];
  integer seen [0:C-1];
  integer shifted = 0, streamed = 0, missing = PASSES * T * C;
  integer cycle = 0, p, r, c, k, t, free;
  initial begin
    $readmemh("weights.hex", weights);
    $readmemh("rows.hex", rows);
    for (c = 0; c < C; c = c + 1) seen[c] = 0;
    while (missing > 0 && cycle < 1000000) begin
      // The controller: start streaming, then shifting, as soon as the pass before lets it.
      if (streamed < shifted && cycle >= shift_start[streamed] + R) begin
        free = streamed == 0 ? 0 : stream_start[streamed-1] + T + (OVERLAP ? 0 : R + C - 2);
        if (cycle >= free) begin
          stream_start[streamed] = cycle;
          streamed = streamed + 1;
        end
      end
      if (shifted < PASSES && (shifted == 0 || (streamed == shifted && cycle >= (DOUBLE ? stream_start[shifted-1] : stream_start[shifted-1] + T + (OVERLAP ? 0 : R + C - 2))))) begin
        shift_start[shifted] = cycle;
        shifted = shifted + 1;
      end
      // Column c gets weight k of a tile c cycles after column 0; row r gets row t r cycles after row 0.
      weights_in = 0;
      shifts_in = 0;
      valid_in = 0;
      first_in = 0;
      for (p = 0; p < shifted; p = p + 1) begin
        k = cycle - shift_start[p];
        if (k >= 0 && k < R) shifts_in = R - k;
        for (c = 0; c < C; c = c + 1) begin
          k = cycle - shift_start[p] - c;
          if (k >= 0 && k < R) weights_in[c*8 +: 8] = weights[(p*R + R-1-k)*C + c];
        end
      end
      for (p = 0; p < streamed; p = p + 1) begin
        for (r = 0; r < R; r = r + 1) begin
          t = cycle - stream_start[p] - r;
          if (t >= 0 && t < T) begin
            valid_in[r] = 1;
            first_in[r] = t == 0;
            activations_in[r*8 +: 8] = rows[(p*T + t)*R + r];
          end
        end
      end
      #1 clk = 1;
      #1 clk = 0;
      cycle = cycle + 1;
      for (c = 0; c < C; c = c + 1) begin
        if (valid_out[c]) begin
          $display("%0d %0d %0d %0d", seen[c] / T, seen[c] % T, c, $signed(sums_out[c*32 +: 32]));
          seen[c] = seen[c] + 1;
          missing = missing - 1;
        end
      end
    end
    $display("cycles %0d", cycle);
    $finish;
  end
endmodule
