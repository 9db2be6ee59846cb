import type { Op, Trace, UpdateOp } from '../../../trace/trace.ts';
import type { VectorWork } from '../program.ts';
import type { CaterpillarSpec } from '../spec.ts';
import { touchedWords } from './touched.ts';

/** Elementwise functions that a multiply-add alone does not compute. */
const SPECIAL: ReadonlySet<string> = new Set(['sigmoid', 'tanh', 'gelu', 'silu', 'exp', 'loss']);

/** Multiply-adds of an update for each weight, as its equations have them; quotients and roots count four. */
const UPDATE_OPERATIONS: Readonly<Record<UpdateOp['optimizer'], number>> = {
  gd: 1,
  sgd: 1,
  momentum: 2,
  nesterov: 3,
  sag: 3,
  adagrad: 6,
  rmsprop: 7,
  adam: 10,
  lars: 4,
};

/** What an op costs for each element of its largest tensor: passes over its operands, multiply-adds, special functions. */
interface ElementCost {
  readonly passes: number;
  readonly operations: number;
  readonly special: number;
}

function costOf(op: Op): ElementCost {
  switch (op.kind) {
    case 'softmax':
      // Largest, exponentials with their sum, division.
      return { passes: 3, operations: 4, special: 1 };
    case 'norm':
      // Mean, variance, and the result; backwards two sums and the result.
      return { passes: 3, operations: 6, special: 0 };
    case 'elementwise':
      return { passes: 1, operations: 1, special: SPECIAL.has(op.function) ? 1 : 0 };
    case 'update':
      return { passes: 1, operations: UPDATE_OPERATIONS[op.optimizer], special: 0 };
    default:
      return { passes: 1, operations: 1, special: 0 };
  }
}

/** A move that only gives a tensor another shape. */
export function isView(op: Op): boolean {
  return op.kind === 'move' && op.function === 'reshape';
}

/**
 * An op that multiplies no matrices, without the tensors in `skipped`: all PEs of so many cores take an even share of its elements, line by line through
 * the port of memory A, a multiply-add a cycle, and special functions on the diagonals.
 */
export function vectorWork(
  spec: CaterpillarSpec,
  trace: Trace,
  op: Op,
  skipped: ReadonlySet<number>,
  cores: number,
): VectorWork {
  const cost = costOf(op);
  const words = (ids: readonly number[]): number =>
    ids.filter((id) => !skipped.has(id)).reduce((sum, id) => sum + touchedWords(trace, op, id), 0);
  const windows = op.kind === 'pool' ? op.window[0] * op.window[1] * words(op.outputs) : 0;
  const wordsRead = cost.passes * Math.max(windows, words(op.inputs));
  const wordsWritten = words(op.outputs);
  const elements = Math.max(windows, ...[...op.inputs, ...op.outputs].map((id) => touchedWords(trace, op, id)));
  const operations = cost.operations * elements;
  const pes = cores * spec.core.size ** 2;
  return {
    cycles: Math.max(
      Math.ceil((wordsRead + wordsWritten) / spec.pe.memoryALineWords / pes),
      Math.ceil(operations / pes),
      Math.ceil((cost.special * elements) / (cores * spec.core.size)),
    ),
    operations,
    wordsRead,
    wordsWritten,
  };
}
