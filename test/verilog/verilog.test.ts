import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ArrayTiming,
  drainCycles,
  earliestShiftCycle,
  earliestStreamCycle,
  type PassState,
  shiftCycles,
} from '../../src/models/systolic/pass-timing.ts';

/** Debian's package iverilog; .ci/run installs it. Without it these tests are skipped, and say so. */
const INSTALLED = spawnSync('iverilog', ['-V']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accsim-verilog-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function values(count: number, seed: number): number[] {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) - 128;
  });
}

function hex(numbers: readonly number[]): string {
  return `${numbers.map((value) => (value & 255).toString(16).padStart(2, '0')).join('\n')}\n`;
}

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly steps: number;
  readonly passes: number;
}

/** Compiles and runs one array; returns its sums by `pass row column` and the cycles. */
function run(
  kind: 'stationary' | 'output',
  shape: Shape,
  timing: ArrayTiming,
  stored: readonly number[],
  streamed: readonly number[],
) {
  writeFileSync(join(folder, 'weights.hex'), hex(stored));
  writeFileSync(join(folder, 'rows.hex'), hex(streamed));
  const parameters = {
    R: shape.rows,
    C: shape.columns,
    T: shape.steps,
    PASSES: shape.passes,
    OVERLAP: Number(timing.overlapPasses),
    ...(kind === 'stationary' && { DOUBLE: Number(timing.doubleBuffered) }),
  };
  const flags = Object.entries(parameters).map(([name, value]) => `-Pbench.${name}=${value}`);
  const files = [`${kind}_array.v`, `${kind}_bench.v`].map((file) => join(import.meta.dirname, file));
  execFileSync('iverilog', ['-g2012', '-o', 'array.vvp', ...flags, ...files], { cwd: folder });
  const lines = execFileSync('vvp', ['array.vvp'], { cwd: folder, encoding: 'utf8' }).trim().split('\n');
  const sums = new Map<string, number>();
  let cycles = Number.NaN;
  for (const line of lines) {
    const words = line.split(' ');
    if (words[0] === 'cycles') cycles = Number(words[1]);
    else if (words[0] === 'hazard:') throw new Error(line);
    else if (words.length === 4) sums.set(words.slice(0, 3).join(' '), Number(words[3]));
  }
  return { sums, cycles };
}

/** Cycles of a sequence of passes by the timing rules of the model. */
function predicted(timing: ArrayTiming, passes: number, streamed: number): number {
  const state: PassState = { streamStartCycle: 0, streamEndCycle: 0, drainEndCycle: 0, started: false };
  for (let pass = 0; pass < passes; pass++) {
    const shifted =
      timing.dataflow === 'output-stationary' ? 0 : earliestShiftCycle(timing, state) + shiftCycles(timing);
    state.streamStartCycle = Math.max(shifted, earliestStreamCycle(timing, state, streamed));
    state.streamEndCycle = state.streamStartCycle + streamed;
    state.drainEndCycle = state.streamEndCycle + drainCycles(timing);
    state.started = true;
  }
  return state.drainEndCycle;
}

const SHAPES: Shape[] = [
  { rows: 1, columns: 1, steps: 1, passes: 3 },
  { rows: 4, columns: 4, steps: 4, passes: 3 },
  { rows: 4, columns: 3, steps: 9, passes: 4 },
  { rows: 5, columns: 2, steps: 2, passes: 4 },
  { rows: 2, columns: 6, steps: 7, passes: 3 },
  { rows: 8, columns: 8, steps: 3, passes: 2 },
  { rows: 3, columns: 7, steps: 1, passes: 5 },
  { rows: 7, columns: 5, steps: 16, passes: 2 },
];

describe.skipIf(!INSTALLED)('Verilog arrays in Icarus Verilog', () => {
  // Input-stationary hardware is the same array: inputs stand still, weights stream.
  describe.each(['weight-stationary', 'input-stationary'] as const)('%s', (dataflow) => {
    describe.each([
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ] as const)('double-buffered %s, overlapped %s', (doubleBuffered, overlapPasses) => {
      it.each(SHAPES)('$rows x $columns, $steps rows, $passes passes', (shape) => {
        const { rows, columns, steps, passes } = shape;
        const timing: ArrayTiming = { rows, columns, dataflow, doubleBuffered, overlapPasses };
        const stored = values(passes * rows * columns, 3);
        const streamed = values(passes * steps * rows, dataflow === 'weight-stationary' ? 5 : 11);
        const { sums, cycles } = run('stationary', shape, timing, stored, streamed);
        for (let p = 0; p < passes; p++) {
          for (let t = 0; t < steps; t++) {
            for (let c = 0; c < columns; c++) {
              let expected = 0;
              for (let r = 0; r < rows; r++)
                expected += streamed[(p * steps + t) * rows + r]! * stored[(p * rows + r) * columns + c]!;
              expect(sums.get(`${p} ${t} ${c}`)).toBe(expected);
            }
          }
        }
        expect(cycles).toBe(predicted(timing, passes, steps));
      });
    });
  });

  describe.each([true, false])('output-stationary, overlapped %s', (overlapPasses) => {
    it.each(SHAPES)('$rows x $columns, $steps steps, $passes passes', (shape) => {
      const { rows, columns, steps, passes } = shape;
      const timing: ArrayTiming = {
        rows,
        columns,
        dataflow: 'output-stationary',
        doubleBuffered: false,
        overlapPasses,
      };
      const right = values(passes * steps * columns, 3);
      const left = values(passes * steps * rows, 5);
      const { sums, cycles } = run('output', shape, timing, right, left);
      for (let p = 0; p < passes; p++) {
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < columns; c++) {
            let expected = 0;
            for (let t = 0; t < steps; t++)
              expected += left[(p * steps + t) * rows + r]! * right[(p * steps + t) * columns + c]!;
            expect(sums.get(`${p} ${r} ${c}`)).toBe(expected);
          }
        }
      }
      expect(cycles).toBe(predicted(timing, passes, steps));
    });
  });
});
