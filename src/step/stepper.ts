/**
 * A machine shown cycle by cycle with real values. `State` is plain data; what it looks like is a Scene, which the terminal
 * and the page draw alike.
 */
export interface Stepper<State> {
  readonly title: string;
  readonly initial: State;
  /** Lets one cycle pass: changes the state it is given, an Immer draft. */
  readonly advance: (state: State) => void;
  readonly isDone: (state: State) => boolean;
  readonly scene: (state: State) => Scene;
}

/** What a value is to its PE: held in place, passing through, a sum, or nothing. */
export type Tone = 'held' | 'moving' | 'sum' | 'empty';

export interface Register {
  readonly name: string;
  readonly text: string;
  readonly tone: Tone;
}

/** A processing element. */
export interface Cell {
  readonly busy: boolean;
  readonly registers: readonly Register[];
}

/** Values on the wires along one side of a grid, one per row or column; empty text: nothing. */
export interface Wires {
  readonly name: string;
  readonly values: readonly string[];
}

export interface Grid {
  readonly name: string;
  /** [row][column]. */
  readonly cells: readonly (readonly Cell[])[];
  readonly left: Wires | null;
  readonly top: Wires | null;
  readonly right: Wires | null;
  readonly bottom: Wires | null;
}

/** How far an element of an operand or a result is. */
export type Mark = 'waiting' | 'active' | 'done';

export interface Table {
  readonly name: string;
  readonly rows: readonly (readonly { readonly text: string; readonly mark: Mark }[])[];
}

/** A message on its way between two grids. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

export interface Scene {
  /** Cycles that have passed. */
  readonly cycle: number;
  /** What happens, in sentences. */
  readonly says: readonly string[];
  readonly grids: readonly Grid[];
  readonly links: readonly Link[];
  readonly tables: readonly Table[];
}

/** Rows and columns of the largest grid that is drawn. */
export const MAX_GRID = 16;
/** Largest dimension of a product that is drawn. */
export const MAX_DIMENSION = 64;
/** Cores of the largest ring, and words of the longest vector, that are drawn. */
export const MAX_CORES = 16;
export const MAX_WORDS = 1024;
/** Longest run that is kept, cycle by cycle, in memory. */
export const MAX_CYCLES = 1000;
