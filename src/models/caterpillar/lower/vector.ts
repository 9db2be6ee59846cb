import { elements } from '../../../trace/facts.ts';
import type { Op, Trace } from '../../../trace/trace.ts';
import type { VectorWork } from '../program.ts';
import { type CaterpillarSpec, coreCount, peCount } from '../spec.ts';

/** Elementwise functions that a multiply-add alone does not compute. */
const SPECIAL: ReadonlySet<string> = new Set(['sigmoid', 'tanh', 'gelu', 'silu', 'exp', 'loss']);

/** Words of memory A for each element of the largest tensor, multiply-adds on the way, and special functions. */
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
      return { passes: 1, operations: op.inputs.length + 1, special: 0 };
    case 'pool':
      return { passes: 1, operations: 1, special: 0 };
    default:
      return { passes: 1, operations: 1, special: 0 };
  }
}

/** A move that only gives a tensor another shape or name. */
export function isView(op: Op): boolean {
  return op.kind === 'move' && op.function === 'reshape';
}

/** An op that multiplies no matrices: its tensors are read and written through the one port of memory A, element by element. */
export function vectorWork(spec: CaterpillarSpec, trace: Trace, op: Op, skipped: ReadonlySet<number>): VectorWork {
  const { passes, operations, special } = costOf(op);
  const words = (ids: readonly number[]): number =>
    ids.filter((id) => !skipped.has(id)).reduce((sum, id) => sum + elements(trace.tensors[id]!.shape), 0);
  // Of a table only the rows that are picked are read.
  const picked = op.kind === 'gather' && op.phase === 'forward' ? words(op.outputs) : words(op.inputs);
  const wordsRead = passes * (op.kind === 'pool' ? op.window[0] * op.window[1] * words(op.outputs) : picked);
  const wordsWritten = words(op.outputs);
  const largest = Math.max(...[...op.inputs, ...op.outputs].map((id) => elements(trace.tensors[id]!.shape)));
  const portCycles = Math.ceil((wordsRead + wordsWritten) / peCount(spec));
  const specialCycles = Math.ceil((special * largest) / (coreCount(spec) * spec.core.size));
  return {
    cycles: Math.max(portCycles, specialCycles),
    operations: operations * (op.kind === 'gather' ? wordsWritten : largest),
    wordsRead,
    wordsWritten,
  };
}
