import {
  type Address,
  at,
  type CoreTiming,
  drainableAfter,
  linkSkew,
  NO_STREAMS,
  type Operand,
  type Program,
  repeat,
  type Step,
  storableAfter,
  type Word,
  wait,
} from './program.ts';

/**
 * Part of a weight matrix in the memories A of a core: element (row, column) lies in the PE (row mod size, column mod size), at
 * floor(row / size) x `columns` + floor(column / size). `rows` and `columns` count what one PE has.
 */
export interface LocalMatrix {
  readonly rows: number;
  readonly columns: number;
}

/** Words of memory B of a training pass: errors of the rows, the same times the learning rate, values of the columns. */
interface VectorLayout {
  readonly errors: number;
  readonly scaled: number;
  readonly inputs: number;
}

function vectorLayout({ rows }: LocalMatrix): VectorLayout {
  return { errors: 0, scaled: rows, inputs: 2 * rows };
}

const ADD_LINK: Word = {
  kind: 'word',
  fmac: {
    left: { from: 'link' },
    right: { from: 'constant', name: 'one' },
    addend: 'accumulator',
    result: { to: 'link' },
  },
};
const IDLE: Word = { kind: 'word' };

function memoryB(address: Address): Operand {
  return { from: 'memoryB', address };
}

/** Cycles from the last word until the results of the last position are on their way out. */
function resultDrain(timing: CoreTiming): number {
  return (timing.size - 1) * linkSkew(timing) + drainableAfter(timing);
}

/** How a program goes on with sums over a part of the weights before, which come back through the ports: none before, or so many words ago. */
function continued(timing: CoreTiming, goesOn: boolean, sums: number, wordsBefore: number) {
  return {
    // The first sum must be there before the first position adds its own.
    wait: goesOn ? wait(resultDrain(timing) - wordsBefore) : [],
    streamWords: { ...NO_STREAMS, initial: goesOn ? sums : 0, result: sums },
  };
}

/**
 * Weights times a vector whose element for column j lies in memory B at `inputs` + floor(j / size) of that column's PEs. Each PE makes
 * the inner products of its rows; partial sums go from position to position, each adding its own. Transposed: errors times weights, summed
 * over rows, with the vector at `errors`. `goesOn`: the first position adds to what the same program gave for an equal part of the weights.
 */
export function gemv(timing: CoreTiming, matrix: LocalMatrix, transposed: boolean, goesOn = false): Program {
  const { errors, inputs } = vectorLayout(matrix);
  const [outer, inner] = transposed ? [matrix.columns, matrix.rows] : [matrix.rows, matrix.columns];
  const [outerStride, innerStride] = transposed ? [1, matrix.columns] : [matrix.columns, 1];
  const vector = transposed ? errors : inputs;
  const product = (start: number, strides: readonly number[], addend: 'zero' | 'accumulator'): Word => ({
    kind: 'word',
    fmac: {
      left: { from: 'memoryA', address: at(start * innerStride, outerStride, ...strides.map(() => innerStride)) },
      right: memoryB(at(vector + start, 0, ...strides)),
      addend,
      result: { to: 'accumulator' },
    },
  });
  const before = continued(timing, goesOn, outer, outer * (inner + 1));
  return {
    transposed,
    steps: [
      ...before.wait,
      ...repeat(outer, [product(0, [], 'zero'), ...repeat(inner - 1, [product(1, [1], 'accumulator')]), ADD_LINK]),
    ],
    skewCycles: linkSkew(timing),
    drainCycles: resultDrain(timing),
    streamWords: before.streamWords,
    vectorWords: inner,
  };
}

/** Errors times the learning rate, all of them before the first update, which is so many words behind. */
function scaleErrors(timing: CoreTiming, matrix: LocalMatrix, wordsBefore: number): Step[] {
  const { errors, scaled } = vectorLayout(matrix);
  const scale: Word = {
    kind: 'word',
    fmac: {
      left: memoryB(at(errors, 1)),
      right: { from: 'constant', name: 'rate' },
      addend: 'zero',
      result: { to: 'memoryB', address: at(scaled, 1), delayCycles: storableAfter(timing) },
    },
  };
  // An update needs both ports of memory B, the last scaled error one.
  return [...repeat(matrix.rows, [scale]), ...wait(storableAfter(timing) - wordsBefore)];
}

/** Every weight changes by error x value, line by line: one access of memory A brings the words of a line, one takes them back. */
export function outerProductUpdate(timing: CoreTiming, matrix: LocalMatrix): Program {
  const { rows, columns } = matrix;
  const { scaled, inputs } = vectorLayout(matrix);
  const address = at(0, columns, 1);
  const delayCycles = storableAfter(timing);
  const update: Word = {
    kind: 'word',
    latch: address,
    fmac: {
      left: memoryB(at(scaled, 1)),
      right: memoryB(at(inputs, 0, 1)),
      addend: 'latch',
      result: { to: 'line', address, delayCycles },
    },
  };
  return {
    transposed: false,
    steps: [...scaleErrors(timing, matrix, 0), ...repeat(rows, repeat(columns, [update]))],
    skewCycles: 0,
    drainCycles: delayCycles,
    streamWords: NO_STREAMS,
    vectorWords: rows,
  };
}

/**
 * Delta path and weight update in one pass: a weight is read once, multiplies the error of its row for the layer before, changes, and is
 * written in the cycle that the update's multiply-add takes anyway. `goesOn` as in `gemv`.
 */
export function deltaWithUpdate(timing: CoreTiming, matrix: LocalMatrix, goesOn = false): Program {
  const { rows, columns } = matrix;
  const { errors, scaled, inputs } = vectorLayout(matrix);
  const delta = (start: number, strides: readonly number[]): Word => ({
    kind: 'word',
    fmac: {
      left: { from: 'memoryA', address: at(start * columns, 1, ...strides.map((stride) => stride * columns)) },
      right: memoryB(at(errors + start, 0, ...strides)),
      addend: start === 0 ? 'zero' : 'accumulator',
      result: { to: 'accumulator' },
    },
  });
  // Memory A is read in one of two words and written in the other.
  const delayCycles = 2 * Math.ceil(storableAfter(timing) / 2);
  const update = (start: number, strides: readonly number[]): Word => ({
    kind: 'word',
    fmac: {
      left: memoryB(at(scaled + start, 0, ...strides)),
      right: memoryB(at(inputs, 1)),
      addend: 'latch',
      result: {
        to: 'memoryA',
        address: at(start * columns, 1, ...strides.map((stride) => stride * columns)),
        delayCycles,
      },
    },
  });
  const both = (start: number, strides: readonly number[]): Step[] => [delta(start, strides), update(start, strides)];
  // The idle word keeps reads and writes of memory A apart.
  const column = [...both(0, []), ...repeat(rows - 1, both(1, [1])), ADD_LINK, IDLE];
  const before = continued(timing, goesOn, columns, columns * (2 * rows + 2));
  return {
    transposed: true,
    steps: [...before.wait, ...scaleErrors(timing, matrix, 1), ...repeat(columns, column)],
    skewCycles: linkSkew(timing),
    // The last sum leaves with the word before the last.
    drainCycles: resultDrain(timing) - 1,
    streamWords: before.streamWords,
    vectorWords: rows,
  };
}
