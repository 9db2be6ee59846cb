/**
 * Register-by-register simulator of a weight-stationary array with real values: every cell has a weight register (and a shadow one
 * when double-buffered), an activation register that moves right and a sum that moves down, all updated once a cycle.
 * Every value carries the pass it belongs to, so that a cell that multiplies with the wrong weight, loses a weight that is still
 * needed, or adds to the wrong sum is found out, whatever the controller believed.
 */

export interface Tile {
  /** rows x columns; missing rows and columns are zero. */
  readonly weights: readonly (readonly number[])[];
  /** One streamed row each: activations of the array's rows. */
  readonly rows: readonly (readonly number[])[];
  readonly shiftStartCycle: number;
  readonly streamStartCycle: number;
}

interface Tagged {
  readonly value: number;
  readonly pass: number;
  readonly row: number;
}

export class Hazard extends Error {}

interface Cell {
  weight: number;
  weightPass: number;
  shadow: number;
  /** Pass of the shadow weight; -1: free. */
  shadowPass: number;
  activation: Tagged | null;
  sum: Tagged | null;
  /** Last cycle in which the weight was used. */
  usedCycle: number;
}

/** Runs passes as the controller scheduled them; returns for each pass its sums [row][column], and the cycles until the last. */
export function runStationary(
  rows: number,
  columns: number,
  doubleBuffered: boolean,
  tiles: readonly Tile[],
): { sums: number[][][]; cycles: number } {
  const cells: Cell[][] = Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => ({
      weight: 0,
      weightPass: -1,
      shadow: 0,
      shadowPass: -1,
      activation: null,
      sum: null,
      usedCycle: -1,
    })),
  );
  const sums = tiles.map((tile) => tile.rows.map(() => new Array<number>(columns).fill(Number.NaN)));
  let missing = tiles.reduce((count, tile) => count + tile.rows.length * columns, 0);
  let cycle = 0;
  for (; missing > 0; cycle++) {
    if (cycle > 1e6) throw new Hazard('the array never finishes');
    const results: (Tagged | null)[][] = cells.map((row) => row.map(() => null));
    const moved: (Tagged | null)[][] = cells.map((row) => row.map(() => null));
    // Every cell works on what its registers and its neighbours' registers hold at the start of the cycle.
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const cell = cells[r]![c]!;
        const activation = c === 0 ? injected(tiles, cycle, r) : cells[r]![c - 1]!.activation;
        moved[r]![c] = activation;
        if (activation === null) continue;
        if (doubleBuffered && cell.weightPass !== activation.pass) {
          // The first row of a pass swaps the shadow weight in; it is multiplied in the same cycle.
          if (cell.shadowPass !== activation.pass)
            throw new Hazard(`cycle ${cycle}: cell ${r},${c} has no weight of pass ${activation.pass}`);
          cell.weight = cell.shadow;
          cell.weightPass = cell.shadowPass;
          cell.shadowPass = -1;
        }
        if (cell.weightPass !== activation.pass)
          throw new Hazard(`cycle ${cycle}: cell ${r},${c} holds pass ${cell.weightPass}, needs ${activation.pass}`);
        cell.usedCycle = cycle;
        const above = r === 0 ? { value: 0, pass: activation.pass, row: activation.row } : cells[r - 1]![c]!.sum;
        if (above === null || above.pass !== activation.pass || above.row !== activation.row)
          throw new Hazard(`cycle ${cycle}: cell ${r},${c} adds to the wrong sum`);
        results[r]![c] = {
          value: above.value + activation.value * cell.weight,
          pass: activation.pass,
          row: activation.row,
        };
      }
    }
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        cells[r]![c]!.activation = moved[r]![c]!;
        cells[r]![c]!.sum = results[r]![c]!;
      }
    }
    for (let c = 0; c < columns; c++) {
      const leaving = results[rows - 1]![c]!;
      if (leaving === null) continue;
      sums[leaving.pass]![leaving.row]![c] = leaving.value;
      missing--;
    }
    shiftWeights(cells, tiles, cycle, doubleBuffered);
  }
  return { sums, cycles: cycle };
}

/** Row r of the array gets its activation of streamed row t in cycle streamStart + t + r. */
function injected(tiles: readonly Tile[], cycle: number, r: number): Tagged | null {
  let found: Tagged | null = null;
  tiles.forEach((tile, pass) => {
    const t = cycle - tile.streamStartCycle - r;
    if (t < 0 || t >= tile.rows.length) return;
    if (found !== null) throw new Hazard(`cycle ${cycle}: two passes stream into row ${r}`);
    found = { value: tile.rows[t]![r] ?? 0, pass, row: t };
  });
  return found;
}

/** At the end of a cycle weight k of a column (for row R-1-k) moves one row down, a cycle later in each further column. */
function shiftWeights(cells: Cell[][], tiles: readonly Tile[], cycle: number, doubleBuffered: boolean): void {
  const rows = cells.length;
  tiles.forEach((tile, pass) => {
    for (let c = 0; c < cells[0]!.length; c++) {
      for (let k = 0; k < rows; k++) {
        const r = cycle - tile.shiftStartCycle - k - c;
        if (r < 0 || r > rows - 1 - k) continue;
        const cell = cells[r]![c]!;
        const value = tile.weights[rows - 1 - k]?.[c] ?? 0;
        if (doubleBuffered) {
          if (cell.shadowPass !== -1 && cell.shadowPass !== pass)
            throw new Hazard(`cycle ${cycle}: shadow ${r},${c} of pass ${cell.shadowPass} is lost`);
          cell.shadow = value;
          cell.shadowPass = pass;
        } else {
          const stillNeeded =
            cell.weightPass >= 0 && cell.weightPass !== pass && lastUse(tiles[cell.weightPass]!, r, c) >= cycle;
          if (stillNeeded) throw new Hazard(`cycle ${cycle}: weight ${r},${c} of pass ${cell.weightPass} is lost`);
          cell.weight = value;
          cell.weightPass = pass;
        }
      }
    }
  });
}

/** Cycle in which a cell needs a pass's weight for the last time; a single register is not written in that cycle. */
function lastUse(tile: Tile, r: number, c: number): number {
  return tile.streamStartCycle + tile.rows.length - 1 + r + c;
}
