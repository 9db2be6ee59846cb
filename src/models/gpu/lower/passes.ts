import { elements, tensorBytes } from '../../../trace/facts.ts';
import type { NormOp, Op, TensorId, Trace } from '../../../trace/trace.ts';
import type { Stream } from './stream.ts';

/** Plain and special-function operations per element of a result. */
interface Work {
  readonly alu: number;
  readonly sfu: number;
}

/** Counted in the usual formulas: an exponential, a reciprocal or a root is one special-function operation. */
const FUNCTIONS: Readonly<Record<string, Work>> = {
  sigmoid: { alu: 3, sfu: 2 },
  tanh: { alu: 4, sfu: 2 },
  gelu: { alu: 8, sfu: 2 },
  silu: { alu: 4, sfu: 2 },
  exp: { alu: 1, sfu: 1 },
  loss: { alu: 4, sfu: 2 },
  hardswish: { alu: 5, sfu: 0 },
  dropout: { alu: 12, sfu: 0 },
};
const SIMPLE: Work = { alu: 2, sfu: 0 };
const NORMALISE: Work = { alu: 6, sfu: 0 };
const SOFTMAX: Work = { alu: 6, sfu: 1 };
const UPDATES: Readonly<Record<string, Work>> = {
  adam: { alu: 14, sfu: 2 },
  lars: { alu: 8, sfu: 0 },
  rmsprop: { alu: 8, sfu: 2 },
};
const UPDATE: Work = { alu: 6, sfu: 0 };

export function workOf(op: Op): Work {
  switch (op.kind) {
    case 'elementwise':
      return FUNCTIONS[op.function] ?? SIMPLE;
    case 'norm':
      return NORMALISE;
    case 'softmax':
      return SOFTMAX;
    case 'update':
      return UPDATES[op.optimizer] ?? UPDATE;
    case 'pool':
      // Per element of the larger side, which is in so many windows.
      return { alu: 2 * Math.ceil((op.window[0] * op.window[1]) / (op.stride[0] * op.stride[1])), sfu: 0 };
    default:
      return SIMPLE;
  }
}

/** Rows longer than a block can hold in its registers are read once more to be normalised; elements. */
const ROW_IN_REGISTERS = 8192;

/** Statistics over a whole batch are complete only after the first pass over it; over a short row they are at once. */
function readsTwice(op: NormOp, rowElements: number): boolean {
  if (op.phase === 'weight-gradient') return false;
  if (op.function === 'layer' || op.function === 'local-response') return rowElements > ROW_IN_REGISTERS;
  // Backward, the sums are those of the weight gradients, which the op before has taken.
  return op.phase === 'forward';
}

/** How often each input of an op is read. */
function passes(trace: Trace, op: Op): number {
  const lastAxis = trace.tensors[op.inputs[0]!]!.shape.at(-1) ?? 1;
  if (op.kind === 'norm') return readsTwice(op, lastAxis) ? 2 : 1;
  return op.kind === 'softmax' && op.axisLength > ROW_IN_REGISTERS ? 2 : 1;
}

/** Bytes of a group that is not led by a contraction: what its ops read from outside, with repetition, and what they write. */
export function groupBytes(trace: Trace, op: Op, extraReads: readonly TensorId[], writes: readonly TensorId[]) {
  const bytesOf = (ids: readonly TensorId[]): number =>
    ids.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  const written = bytesOf(writes);
  if (op.kind === 'gather') {
    // Of a table only the rows that are picked are touched; its gradient adds to them.
    const table = trace.tensors[op.inputs[0]!]!;
    const picked = op.phase === 'forward' ? Math.min(tensorBytes(table), written) : tensorBytes(table);
    return { read: picked + bytesOf(op.inputs.slice(1)) + bytesOf(extraReads), written };
  }
  return { read: bytesOf(op.inputs) * passes(trace, op) + bytesOf(extraReads), written };
}

/** One pass over memory for a group led by `op`. */
export function groupStream(
  trace: Trace,
  ops: readonly Op[],
  bytes: { readonly read: number; readonly written: number },
): Stream {
  const lead = ops[0]!;
  const count = Math.max(1, ...[...lead.inputs, ...lead.outputs].map((id) => elements(trace.tensors[id]!.shape)));
  const work = ops.map(workOf);
  return {
    name: lead.name,
    elements: count,
    readBytesPerElement: bytes.read / count,
    writeBytesPerElement: bytes.written / count,
    aluPerElement: work.reduce((sum, { alu }) => sum + alu, 0),
    sfuPerElement: work.reduce((sum, { sfu }) => sum + sfu, 0),
    offChipReadShare: 1,
    offChipWriteShare: 1,
  };
}
