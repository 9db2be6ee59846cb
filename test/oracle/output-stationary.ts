import { Hazard } from './stationary.ts';

export interface OutputTile {
  /** rows x steps and steps x columns. */
  readonly left: readonly (readonly number[])[];
  readonly right: readonly (readonly number[])[];
  readonly streamStartCycle: number;
}

interface Step {
  readonly value: number;
  readonly pass: number;
  readonly step: number;
}

/**
 * Register-by-register simulator of an output-stationary array: left operands move right, right operands move down, every cell
 * keeps its sum; a finished sum leaves in the cycle of its last product over its column's bus, which carries one a cycle.
 */
export function runOutputStationary(
  rows: number,
  columns: number,
  tiles: readonly OutputTile[],
): { sums: number[][][]; cycles: number } {
  const steps = tiles.map((tile) => tile.right.length);
  let left: (Step | null)[][] = grid(rows, columns);
  let right: (Step | null)[][] = grid(rows, columns);
  const kept = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => ({ value: 0, pass: -1, step: -1 })),
  );
  const sums = tiles.map(() => Array.from({ length: rows }, () => new Array<number>(columns).fill(Number.NaN)));
  let missing = tiles.length * rows * columns;
  let cycle = 0;
  for (; missing > 0; cycle++) {
    if (cycle > 1e6) throw new Hazard('the array never finishes');
    const nextLeft = grid(rows, columns);
    const nextRight = grid(rows, columns);
    const bus = new Array<number>(columns).fill(-1);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const a = c === 0 ? enter(tiles, cycle, r, (tile, step) => tile.left[r]?.[step] ?? 0) : left[r]![c - 1]!;
        const b = r === 0 ? enter(tiles, cycle, c, (tile, step) => tile.right[step]?.[c] ?? 0) : right[r - 1]![c]!;
        nextLeft[r]![c] = a;
        nextRight[r]![c] = b;
        if (a === null && b === null) continue;
        if (a === null || b === null || a.pass !== b.pass || a.step !== b.step)
          throw new Hazard(`cycle ${cycle}: operands do not meet in cell ${r},${c}`);
        const cell = kept[r]![c]!;
        const first = a.step === 0;
        if (!first && (cell.pass !== a.pass || cell.step !== a.step - 1))
          throw new Hazard(`cycle ${cycle}: cell ${r},${c} adds to the wrong sum`);
        const value = (first ? 0 : cell.value) + a.value * b.value;
        kept[r]![c] = { value, pass: a.pass, step: a.step };
        if (a.step < steps[a.pass]! - 1) continue;
        if (bus[c] !== -1) throw new Hazard(`cycle ${cycle}: two results on the bus of column ${c}`);
        bus[c] = r;
        sums[a.pass]![r]![c] = value;
        missing--;
      }
    }
    left = nextLeft;
    right = nextRight;
  }
  return { sums, cycles: cycle };
}

function grid(rows: number, columns: number): (Step | null)[][] {
  return Array.from({ length: rows }, () => new Array<Step | null>(columns).fill(null));
}

/** Lane `lane` gets its operand of step k in cycle streamStart + k + lane. */
function enter(
  tiles: readonly OutputTile[],
  cycle: number,
  lane: number,
  read: (tile: OutputTile, step: number) => number,
): Step | null {
  let found: Step | null = null;
  tiles.forEach((tile, pass) => {
    const step = cycle - tile.streamStartCycle - lane;
    if (step < 0 || step >= tile.right.length) return;
    if (found !== null) throw new Hazard(`cycle ${cycle}: two passes enter lane ${lane}`);
    found = { value: read(tile, step), pass, step };
  });
  return found;
}
