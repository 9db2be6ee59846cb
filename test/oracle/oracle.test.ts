import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import {
  type ArrayTiming,
  drainCycles,
  earliestShiftCycle,
  earliestStreamCycle,
  type PassState,
  shiftCycles,
} from '../../src/models/systolic/pass-timing.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';
import { type OutputTile, runOutputStationary } from './output-stationary.ts';
import { Hazard, runStationary, type Tile } from './stationary.ts';

const SEED = 20170626;
const RUNS = 150;

type Matrix = number[][];

/** Small int8 values from a fixed linear congruence: the seed is the case. */
function matrix(rows: number, columns: number, seed: number): Matrix {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) - 128;
  };
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, column) => row.reduce((sum, value, k) => sum + value * b[k]![column]!, 0)));
}

function transpose(a: Matrix): Matrix {
  return a[0]!.map((_, column) => a.map((row) => row[column]!));
}

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly timing: ArrayTiming;
  readonly seed: number;
}

interface Scheduled {
  readonly shift: number;
  readonly stream: number;
  readonly streamed: number;
}

/** When each pass shifts and streams by the rules of the fast model. */
function schedule(timing: ArrayTiming, passes: number, streamed: number): { starts: Scheduled[]; cycles: number } {
  const state: PassState = { streamStartCycle: 0, streamEndCycle: 0, drainEndCycle: 0, started: false };
  const starts: Scheduled[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const stationary = timing.dataflow !== 'output-stationary';
    const shift = stationary ? earliestShiftCycle(timing, state) : 0;
    const stream = Math.max(earliestStreamCycle(timing, state, streamed), stationary ? shift + shiftCycles(timing) : 0);
    starts.push({ shift, stream, streamed });
    state.streamStartCycle = stream;
    state.streamEndCycle = stream + streamed;
    state.drainEndCycle = state.streamEndCycle + drainCycles(timing);
    state.started = true;
  }
  return { starts, cycles: state.drainEndCycle };
}

/** Tiled product on the oracle, column folds outside, row folds inside; `early` pulls one pass forward by a cycle. */
function runOracle(
  { m, n, k, timing, seed }: Case,
  early: { pass: number; what: 'shift' | 'stream' } | null = null,
): { result: Matrix; expected: Matrix; cycles: number; predicted: number; passes: number } {
  const a = matrix(m, k, seed);
  const b = matrix(k, n, seed + 1);
  const { rows: R, columns: C } = timing;
  const moveUp = (pass: number, what: 'shift' | 'stream', cycle: number): number =>
    early?.pass === pass && early.what === what ? cycle - 1 : cycle;
  if (timing.dataflow === 'output-stationary') {
    const folds = foldsOf(n, C).flatMap((column) => foldsOf(m, R).map((row) => ({ row, column })));
    const { starts, cycles: predicted } = schedule(timing, folds.length, k);
    const tiles: OutputTile[] = folds.map(({ row, column }, pass) => ({
      left: a.slice(row, row + R),
      right: b.map((line) => line.slice(column, column + C)),
      streamStartCycle: moveUp(pass, 'stream', starts[pass]!.stream),
    }));
    const { sums, cycles } = runOutputStationary(R, C, tiles);
    const result: Matrix = Array.from({ length: m }, () => new Array<number>(n).fill(0));
    folds.forEach(({ row, column }, pass) => {
      for (let r = row; r < Math.min(m, row + R); r++)
        for (let c = column; c < Math.min(n, column + C); c++) result[r]![c] = sums[pass]![r - row]![c - column]!;
    });
    return { result, expected: product(a, b), cycles, predicted, passes: folds.length };
  }
  // Input-stationary is the same array with the transposed problem: inputs stand still, weights stream.
  const swap = timing.dataflow === 'input-stationary';
  const streamed = swap ? transpose(b) : a;
  const standing = swap ? transpose(a) : b;
  const width = swap ? m : n;
  const folds = foldsOf(width, C).flatMap((column) => foldsOf(k, R).map((row) => ({ row, column })));
  const { starts, cycles: predicted } = schedule(timing, folds.length, streamed.length);
  const tiles: Tile[] = folds.map(({ row, column }, pass) => ({
    weights: standing.slice(row, row + R).map((line) => line.slice(column, column + C)),
    rows: streamed.map((line) => line.slice(row, row + R)),
    shiftStartCycle: moveUp(pass, 'shift', starts[pass]!.shift),
    streamStartCycle: moveUp(pass, 'stream', starts[pass]!.stream),
  }));
  const { sums, cycles } = runStationary(R, C, timing.doubleBuffered, tiles);
  const result: Matrix = Array.from({ length: streamed.length }, () => new Array<number>(width).fill(0));
  folds.forEach(({ column }, pass) => {
    for (let t = 0; t < streamed.length; t++)
      for (let c = column; c < Math.min(width, column + C); c++) result[t]![c]! += sums[pass]![t]![c - column]!;
  });
  return {
    result: swap ? transpose(result) : result,
    expected: product(a, b),
    cycles,
    predicted,
    passes: folds.length,
  };
}

function foldsOf(length: number, size: number): number[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, index) => index * size);
}

const DATAFLOWS = ['weight-stationary', 'input-stationary', 'output-stationary'] as const;
const cases = (
  dataflow: ArrayTiming['dataflow'],
  doubleBuffered: boolean,
  overlapPasses: boolean,
  least = 1,
  fewestRows = 1,
) =>
  fc
    .record({
      m: fc.integer({ min: least, max: 20 }),
      n: fc.integer({ min: least, max: 20 }),
      k: fc.integer({ min: least, max: 20 }),
      rows: fc.integer({ min: fewestRows, max: 8 }),
      columns: fc.integer({ min: 1, max: 8 }),
      seed: fc.nat(1e6),
    })
    .map(
      ({ m, n, k, rows, columns, seed }): Case => ({
        m,
        n,
        k,
        seed,
        timing: { rows, columns, dataflow, doubleBuffered, overlapPasses },
      }),
    );

const variants = DATAFLOWS.flatMap((dataflow) =>
  [true, false].flatMap((overlap) =>
    (dataflow === 'output-stationary' ? [false] : [true, false]).map((double) => [dataflow, double, overlap] as const),
  ),
);

describe.each(variants)('%s, double-buffered %s, overlapped %s', (dataflow, double, overlap) => {
  it('equals a plain product, in the cycles of the timing rules', () => {
    fc.assert(
      fc.property(cases(dataflow, double, overlap), (one) => {
        const { result, expected, cycles, predicted } = runOracle(one);
        expect(result).toEqual(expected);
        expect(cycles).toBe(predicted);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it('the whole model takes the cycles of the oracle', () => {
    // One instruction is issued a cycle, up to five for a pass: shorter passes than these wait for the issue, not for the array.
    fc.assert(
      fc.property(cases(dataflow, double, overlap, 6, 4), (one) => {
        const { m, n, k, timing } = one;
        const machine = loadMachine(
          'scalesim',
          [
            `array.rows=${timing.rows}`,
            `array.columns=${timing.columns}`,
            `array.dataflow=${dataflow}`,
            `array.doubleBuffered=${double}`,
            `array.overlapPasses=${overlap}`,
            // The oracle's sums are gathered outside: no pass may wait for accumulators.
            'accumulators={rows: 1048576, buffers: 8}',
            'energy.pricesPj.accumulators={read: 0, write: 0}',
          ],
          SCHEMAS,
        );
        const { totals } = simulate(machine, loadTrace(`matmul:${m}x${n}x${k}`, { phase: 'inference' }, 'int8')).report;
        const array =
          totals.activeCycles +
          ['weight-shift', 'fill', 'drain'].reduce((sum, cause) => sum + (totals.stallCycles[cause] ?? 0), 0);
        expect(totals.macs).toBe(m * n * k);
        expect(array).toBe(runOracle(one).cycles);
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

describe('the rules are as early as the hardware allows', () => {
  it.each([
    ['weight-stationary', true, 'shift'],
    ['weight-stationary', false, 'shift'],
    ['weight-stationary', true, 'stream'],
    ['output-stationary', false, 'stream'],
  ] as const)('%s, double-buffered %s: one cycle earlier is a hazard (%s)', (dataflow, double, what) => {
    // Long streams: the array, not the shift, decides; short ones: the shift decides.
    for (const one of [
      { m: what === 'shift' ? 3 : 12, n: 4, k: 9 },
      { m: what === 'shift' ? 2 : 15, n: 7, k: 8 },
    ]) {
      const timing: ArrayTiming = { rows: 4, columns: 3, dataflow, doubleBuffered: double, overlapPasses: true };
      expect(() => runOracle({ ...one, timing, seed: 7 }, { pass: 1, what })).toThrow(Hazard);
    }
  });
});
