import { type ArrayTiming, drainCycles } from '../../models/systolic/pass-timing.ts';
import { register, dimensionsOf, type Product, submatrix, tableOf, valueText } from '../matrix.ts';
import type { Cell, Mark, Scene, Stepper } from '../stepper.ts';
import { type Pass, schedule } from './schedule.ts';

interface Weight {
  readonly value: number;
  readonly pass: number;
}

/** A value of row `row` of what streams past in a pass. */
interface Moving {
  readonly value: number;
  readonly pass: number;
  readonly row: number;
}

interface StationaryCell {
  weight: Weight | null;
  /** The weight of the next pass, where registers are doubled. */
  shadow: Weight | null;
  activation: Moving | null;
  sum: Moving | null;
}

export interface StationaryState {
  cycle: number;
  cells: StationaryCell[][];
  /** Sums at the array's lower edge, m x n, and how many passes have added to each. */
  sums: number[][];
  added: number[][];
}

/** Names of what is held and what streams: weights and activations, or the other way round. */
export interface Names {
  readonly held: string;
  readonly streamed: string;
  readonly result: string;
}

/** A weight-stationary array: `a` (m x k) streams past tiles of `b` (k x n); sums leave below. */
export function stationaryStepper(
  title: string,
  product: Product,
  timing: ArrayTiming,
  names: Names,
): Stepper<StationaryState> {
  const { rows: R, columns: C, doubleBuffered } = timing;
  const { a, b } = product;
  const { m, k, n } = dimensionsOf(product);
  const passes = schedule({ m, k, n }, timing);
  const passesOfSum = Math.ceil(k / R);
  const tileWeights = passes.map(({ firstK, firstN }) => submatrix(b, firstK, R, firstN, C));

  /** What enters row r of the array in a cycle: element k of streamed row t comes t + r cycles after the first. */
  const entering = (cycle: number, r: number): Moving | null => {
    for (const [index, pass] of passes.entries()) {
      const row = cycle - pass.streamStartCycle - r;
      if (row >= 0 && row < m) return { value: a[row]![pass.firstK + r] ?? 0, pass: index, row };
    }
    return null;
  };

  const multiply = (state: StationaryState): void => {
    // From the last PE to the first, so that each finds what its neighbours held when the cycle began.
    for (let r = R - 1; r >= 0; r--) {
      for (let c = C - 1; c >= 0; c--) {
        const cell = state.cells[r]![c]!;
        const activation = c === 0 ? entering(state.cycle, r) : state.cells[r]![c - 1]!.activation;
        cell.activation = activation === null ? null : { ...activation };
        cell.sum = null;
        if (activation === null) continue;
        if (doubleBuffered && cell.weight?.pass !== activation.pass) {
          cell.weight = cell.shadow;
          cell.shadow = null;
        }
        const above = r === 0 ? 0 : state.cells[r - 1]![c]!.sum!.value;
        cell.sum = { ...activation, value: above + activation.value * cell.weight!.value };
      }
    }
  };

  const collect = (state: StationaryState): void => {
    for (let c = 0; c < C; c++) {
      const sum = state.cells[R - 1]![c]!.sum;
      if (sum === null) continue;
      const column = passes[sum.pass]!.firstN + c;
      if (column >= n) continue;
      state.sums[sum.row]![column]! += sum.value;
      state.added[sum.row]![column]! += 1;
    }
  };

  /** At the end of a cycle a column's weights move one row down, a cycle later in each further column. */
  const shift = (state: StationaryState): void => {
    passes.forEach(({ shiftStartCycle }, pass) => {
      for (let r = 0; r < R; r++) {
        for (let c = 0; c < C; c++) {
          const fromBottom = state.cycle - shiftStartCycle - r - c;
          if (fromBottom < 0 || fromBottom > R - 1 - r) continue;
          const weight = { value: tileWeights[pass]![R - 1 - fromBottom]![c]!, pass };
          if (doubleBuffered) state.cells[r]![c]!.shadow = weight;
          else state.cells[r]![c]!.weight = weight;
        }
      }
    });
  };

  const lastCycle = passes.at(-1)!.streamStartCycle + m + drainCycles(timing);
  return {
    title,
    initial: {
      cycle: 0,
      cells: Array.from({ length: R }, () =>
        Array.from({ length: C }, () => ({ weight: null, shadow: null, activation: null, sum: null })),
      ),
      sums: Array.from({ length: m }, () => new Array<number>(n).fill(0)),
      added: Array.from({ length: m }, () => new Array<number>(n).fill(0)),
    },
    advance: (state) => {
      multiply(state);
      collect(state);
      shift(state);
      state.cycle += 1;
    },
    isDone: ({ cycle }) => cycle >= lastCycle,
    scene: (state) => sceneOf(state),
  };

  function sceneOf(state: StationaryState): Scene {
    const { cycle, cells } = state;
    const next = Array.from({ length: R }, (_, r) => entering(cycle, r));
    const streamedMark = (row: number, column: number): Mark => {
      const uses = passes.filter(({ firstK }) => column >= firstK && column < firstK + R);
      const enters = uses.map((pass) => pass.streamStartCycle + row + column - pass.firstK);
      if (enters.some((start) => cycle > start && cycle <= start + C)) return 'active';
      return enters.every((start) => cycle > start + C) ? 'done' : 'waiting';
    };
    const heldMark = (row: number, column: number): Mark => {
      const { firstK, firstN, shiftStartCycle, streamStartCycle } = passes.find(
        (pass) => row >= pass.firstK && row < pass.firstK + R && column >= pass.firstN && column < pass.firstN + C,
      )!;
      const [r, c] = [row - firstK, column - firstN];
      if (cycle > streamStartCycle + m - 1 + r + c) return 'done';
      return cycle > shiftStartCycle + R - 1 + c ? 'active' : 'waiting';
    };
    return {
      cycle,
      says: sentences(cycle, passes, timing, m, names),
      grids: [
        {
          name: 'array',
          cells: cells.map((row) => row.map(cellOf)),
          left: {
            name: `${names.streamed}: what enters next`,
            values: next.map((one) => (one === null ? '' : valueText(one.value))),
          },
          top: null,
          right: null,
          bottom: {
            name: 'sums that left',
            values: cells[R - 1]!.map(({ sum }) => (sum === null ? '' : valueText(sum.value))),
          },
        },
      ],
      links: [],
      tables: [
        tableOf(`${names.streamed} (${m} x ${k})`, a, streamedMark),
        tableOf(`${names.held} (${k} x ${n})`, b, heldMark),
        {
          name: `${names.result} (${m} x ${n})`,
          rows: state.sums.map((row, r) =>
            row.map((sum, c) => {
              const added = state.added[r]![c]!;
              if (added === 0) return { text: '', mark: 'waiting' };
              return { text: valueText(sum), mark: added < passesOfSum ? 'active' : 'done' };
            }),
          ),
        },
      ],
    };
  }

  function cellOf({ weight, shadow, activation, sum }: StationaryCell): Cell {
    return {
      busy: sum !== null,
      registers: [
        register('held', weight?.value, 'held'),
        ...(doubleBuffered ? [register('next', shadow?.value, 'held')] : []),
        register('in', activation?.value, 'moving'),
        register('sum', sum?.value, 'sum'),
      ],
    };
  }
}

/** What every pass does in the cycle that comes. */
function sentences(cycle: number, passes: readonly Pass[], timing: ArrayTiming, m: number, names: Names): string[] {
  const { rows: R, columns: C } = timing;
  const found = passes.flatMap(({ shiftStartCycle, streamStartCycle }, index) => {
    const name = `pass ${index + 1} of ${passes.length}`;
    if (cycle >= streamStartCycle && cycle < streamStartCycle + m + R + C - 2)
      return [
        cycle < streamStartCycle + m
          ? `${name}: row ${cycle - streamStartCycle + 1} of ${m} of the ${names.streamed} enters`
          : `${name}: its last sums leave`,
      ];
    return cycle >= shiftStartCycle && cycle < shiftStartCycle + R + C - 1
      ? [`${name}: its tile of ${names.held} shifts in from above`]
      : [];
  });
  return found.length === 0 ? [cycle === 0 ? 'start' : 'done'] : found;
}
