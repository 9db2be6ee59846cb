import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArrayTiming } from '../../src/models/systolic/pass-timing.ts';
import { exampleProduct } from '../../src/step/matrix.ts';
import { expected, productsOf } from './products.ts';
import type { Scene } from '../../src/step/stepper.ts';
import { systolicHistory } from '../../src/step/systolic/systolic.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { systolic } from '../../src/models/systolic/model.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

const SEED = 1982;

const small = fc.integer({ min: 1, max: 7 });
const products = productsOf(small, small, small);
const timings: fc.Arbitrary<ArrayTiming> = fc.record({
  rows: fc.integer({ min: 1, max: 4 }),
  columns: fc.integer({ min: 1, max: 4 }),
  dataflow: fc.constantFrom('weight-stationary', 'output-stationary', 'input-stationary'),
  doubleBuffered: fc.boolean(),
  overlapPasses: fc.boolean(),
});

function resultOf(scene: Scene): string[][] {
  return scene.tables.at(-1)!.rows.map((row) => row.map(({ text }) => text));
}

describe('a product on a systolic array, cycle by cycle', () => {
  it(`ends with the product, whatever the array (seed ${SEED})`, () => {
    fc.assert(
      fc.property(products, timings, (product, timing) => {
        const history = systolicHistory('test', product, timing);
        history.goTo(history.cycles);
        const wanted = expected(product);
        const turned = timing.dataflow === 'input-stationary';
        const shown = turned ? wanted[0]!.map((_, n) => wanted.map((row) => row[n]!)) : wanted;
        expect(resultOf(history.scene())).toEqual(shown.map((row) => row.map((value) => String(value))));
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it(`looks the same forward and backward, in any order (seed ${SEED})`, () => {
    fc.assert(
      fc.property(products, timings, fc.array(fc.nat(60), { maxLength: 8 }), (product, timing, jumps) => {
        const history = systolicHistory('test', product, timing);
        const scenes = Array.from({ length: history.cycles + 1 }, (_, cycle) => {
          history.goTo(cycle);
          return history.scene();
        });
        for (const jump of jumps) {
          history.goTo(jump);
          expect(history.scene()).toEqual(scenes[Math.min(jump, history.cycles)]);
        }
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('a 2 x 2 product on 2 x 2 PEs takes 2 cycles for the tile, 2 rows, and 2 for the last sums to leave', () => {
    const timing: ArrayTiming = {
      rows: 2,
      columns: 2,
      dataflow: 'weight-stationary',
      doubleBuffered: true,
      overlapPasses: true,
    };
    const history = systolicHistory(
      'test',
      {
        a: [
          [1, 2],
          [3, 4],
        ],
        b: [
          [5, 6],
          [7, 8],
        ],
      },
      timing,
    );
    expect(history.cycles).toBe(6);
    // Cycle 3: the first PE has multiplied 1 by 5; a cycle later its neighbour below has added 2 x 7.
    history.goTo(3);
    const sums = () => history.scene().grids[0]!.cells.map((row) => row.map(({ registers }) => registers.at(-1)!.text));
    expect(sums()).toEqual([
      ['5', ''],
      ['', ''],
    ]);
    history.goTo(4);
    expect(sums()).toEqual([
      ['15', '6'],
      ['19', ''],
    ]);
  });

  it.each(['weight-stationary', 'input-stationary', 'output-stationary'])(
    'takes the cycles that the fast model gives the array (%s)',
    (dataflow) => {
      const [m, n, k] = [7, 9, 11];
      const machine = loadMachine(
        'scalesim',
        [
          'array.rows=4',
          'array.columns=5',
          `array.dataflow=${dataflow}`,
          // Sums are gathered outside the array here: no pass may wait for accumulators.
          'accumulators={rows: 1048576, buffers: 8}',
          'energy.pricesPj.accumulators={read: 0, write: 0}',
        ],
        SCHEMAS,
      );
      const { totals } = simulate(machine, loadTrace(`matmul:${m}x${n}x${k}`, { phase: 'inference' }, 'int8')).report;
      const waits = ['weight-shift', 'fill', 'drain'].map((cause) => totals.stallCycles[cause] ?? 0);
      const { array } = systolic.schema.parse(machine.spec);
      const { cycles } = systolicHistory('test', exampleProduct({ m, n, k }), array);
      expect(cycles).toBe(totals.activeCycles + waits.reduce((sum, wait) => sum + wait, 0));
    },
  );
});
