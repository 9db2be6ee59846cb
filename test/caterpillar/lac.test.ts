import { describe, expect, it } from 'vitest';
import { gemm, type GemmShape } from '../../src/models/caterpillar/micro/gemm.ts';
import { runOnCore } from '../../src/models/caterpillar/units/core.ts';

/** The authors' simulator cuts A into square blocks of K x K. */
function cycles(m: number, n: number, k: number, fmacLatencyCycles: number): number {
  const shape: GemmShape = {
    parts: 1,
    blocks: m / k,
    blockRows: k,
    depth: k,
    columns: n,
    streamsA: true,
    keepsB: false,
    streamsC: true,
    transposed: false,
  };
  return runOnCore(gemm({ size: 4, fmacLatencyCycles, readoutCycles: 2 }, shape), 4).cycles;
}

/** Cycles that LAP_SIM (github.com/LAProc/LAP_SIM, BSD-3), the simulator of the core's authors, prints; latency 7. */
const RUNS = [
  [32, 32, 32, 2354],
  [96, 96, 32, 18738],
  [64, 128, 32, 16690],
  [64, 64, 64, 17490],
  [128, 64, 64, 33874],
  [128, 128, 128, 135314],
] as const;

describe("rank-1 updates on one core take the cycles of its authors' simulator", () => {
  it.each(RUNS)('%i x %i x %i: %i', (m, n, k, expected) => {
    expect(cycles(m, n, k, 7)).toBe(expected);
  });

  it.each([5, 7])('at a latency of %i, as the closed form of its runs says', (latency) => {
    for (const [m, n, k] of RUNS) {
      // Steps at full rate; before them the first tile of C, panel of B and block of A; after them the last result.
      const closedForm = (m * n * k) / 16 + (4 + k + (k * k) / 4) + (latency + 4 + 3);
      expect(cycles(m, n, k, latency)).toBe(closedForm);
    }
  });
});
