import { type ArrayTiming, drainCycles } from '../../models/systolic/pass-timing.ts';
import { register, dimensionsOf, type Product, tableOf, valueText } from '../matrix.ts';
import type { Cell, Mark, Scene, Stepper } from '../stepper.ts';
import { schedule } from './schedule.ts';

/** An operand of step `step` of a pass's reduction. */
interface Operand {
  readonly value: number;
  readonly pass: number;
  readonly step: number;
}

interface OutputCell {
  left: Operand | null;
  right: Operand | null;
  sum: Operand | null;
}

export interface OutputState {
  cycle: number;
  cells: OutputCell[][];
  /** m x n; null: not complete yet. */
  results: (number | null)[][];
}

/** An output-stationary array: rows of `a` (m x k) move right, columns of `b` (k x n) down, every PE keeps one sum. */
export function outputStationaryStepper(title: string, product: Product, timing: ArrayTiming): Stepper<OutputState> {
  const { rows: R, columns: C } = timing;
  const { a, b } = product;
  const { m, k, n } = dimensionsOf(product);
  const passes = schedule({ m, k, n }, timing);

  /** What enters a lane (row or column) of the array in a cycle: step s of the reduction comes s + lane cycles after the first. */
  const entering = (cycle: number, lane: number, read: (pass: number, step: number) => number): Operand | null => {
    for (const [pass, { streamStartCycle }] of passes.entries()) {
      const step = cycle - streamStartCycle - lane;
      if (step >= 0 && step < k) return { value: read(pass, step), pass, step };
    }
    return null;
  };
  const fromLeft = (cycle: number, r: number) =>
    entering(cycle, r, (pass, step) => a[passes[pass]!.firstM + r]?.[step] ?? 0);
  const fromAbove = (cycle: number, c: number) =>
    entering(cycle, c, (pass, step) => b[step]![passes[pass]!.firstN + c] ?? 0);

  const advance = (state: OutputState): void => {
    // From the last PE to the first, so that each finds what its neighbours held when the cycle began.
    for (let r = R - 1; r >= 0; r--) {
      for (let c = C - 1; c >= 0; c--) {
        const cell = state.cells[r]![c]!;
        const left = c === 0 ? fromLeft(state.cycle, r) : state.cells[r]![c - 1]!.left;
        const right = r === 0 ? fromAbove(state.cycle, c) : state.cells[r - 1]![c]!.right;
        cell.left = left === null ? null : { ...left };
        cell.right = right === null ? null : { ...right };
        if (left === null || right === null) continue;
        const before = left.step === 0 ? 0 : cell.sum!.value;
        cell.sum = { ...left, value: before + left.value * right.value };
        if (left.step < k - 1) continue;
        const { firstM, firstN } = passes[left.pass]!;
        if (firstM + r < m && firstN + c < n) state.results[firstM + r]![firstN + c] = cell.sum.value;
      }
    }
    state.cycle += 1;
  };

  const cellOf = ({ left, right, sum }: OutputCell): Cell => ({
    busy: left !== null && right !== null,
    registers: [
      register('a', left?.value, 'moving'),
      register('b', right?.value, 'moving'),
      register('sum', sum?.value, 'sum'),
    ],
  });

  const markOf = (starts: readonly number[], span: number, cycle: number): Mark => {
    if (starts.some((start) => cycle > start && cycle <= start + span)) return 'active';
    return starts.every((start) => cycle > start + span) ? 'done' : 'waiting';
  };

  const scene = ({ cycle, cells, results }: OutputState): Scene => {
    const says = passes.flatMap(({ streamStartCycle }, index) => {
      const step = cycle - streamStartCycle + 1;
      if (step < 1 || step > k + drainCycles(timing)) return [];
      const name = `pass ${index + 1} of ${passes.length}`;
      return [step <= k ? `${name}: step ${step} of ${k} of the reduction enters` : `${name}: its last operands pass`];
    });
    const text = (operand: Operand | null): string => (operand === null ? '' : valueText(operand.value));
    return {
      cycle,
      says: says.length === 0 ? ['done'] : says,
      grids: [
        {
          name: 'array',
          cells: cells.map((row) => row.map(cellOf)),
          left: { name: 'a: what enters next', values: cells.map((_, r) => text(fromLeft(cycle, r))) },
          top: { name: 'b: what enters next', values: cells[0]!.map((_, c) => text(fromAbove(cycle, c))) },
          right: null,
          bottom: null,
        },
      ],
      links: [],
      tables: [
        tableOf(`a (${m} x ${k})`, a, (row, step) => {
          const uses = passes.filter(({ firstM }) => row >= firstM && row < firstM + R);
          return markOf(
            uses.map((pass) => pass.streamStartCycle + step + row - pass.firstM),
            C,
            cycle,
          );
        }),
        tableOf(`b (${k} x ${n})`, b, (step, column) => {
          const uses = passes.filter(({ firstN }) => column >= firstN && column < firstN + C);
          return markOf(
            uses.map((pass) => pass.streamStartCycle + step + column - pass.firstN),
            R,
            cycle,
          );
        }),
        {
          name: `result (${m} x ${n})`,
          rows: results.map((row) =>
            row.map((value) => ({
              text: value === null ? '' : valueText(value),
              mark: value === null ? ('waiting' as const) : ('done' as const),
            })),
          ),
        },
      ],
    };
  };

  const lastCycle = passes.at(-1)!.streamStartCycle + k + drainCycles(timing);
  return {
    title,
    initial: {
      cycle: 0,
      cells: Array.from({ length: R }, () => Array.from({ length: C }, () => ({ left: null, right: null, sum: null }))),
      results: Array.from({ length: m }, () => new Array<number | null>(n).fill(null)),
    },
    advance,
    isDone: ({ cycle }) => cycle >= lastCycle,
    scene,
  };
}
