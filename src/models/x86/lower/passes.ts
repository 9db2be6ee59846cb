import { elements, tensorBytes } from '../../../trace/facts.ts';
import { DTYPES, type NormOp, type Op, type TensorId, type Trace } from '../../../trace/trace.ts';
import { linesOf } from '../units/caches.ts';
import { passLoop } from './pass-code.ts';
import { packingLoop } from './packing-code.ts';
import type { VectorSet } from './isa.ts';
import type { Level, Nest, Stream } from './nest.ts';

/** Vector operations and divisions per element. */
interface Work {
  readonly operations: number;
  readonly divisions: number;
}

/** An exponential is range reduction (3), a polynomial of degree 5 (6) and the power of two (2). */
const EXPONENTIAL = 11;
const FUNCTIONS: Readonly<Record<string, Work>> = {
  sigmoid: { operations: EXPONENTIAL + 2, divisions: 1 },
  tanh: { operations: EXPONENTIAL + 4, divisions: 1 },
  gelu: { operations: EXPONENTIAL + 9, divisions: 1 },
  silu: { operations: EXPONENTIAL + 3, divisions: 1 },
  exp: { operations: EXPONENTIAL, divisions: 0 },
  loss: { operations: 2 * EXPONENTIAL, divisions: 1 },
  hardswish: { operations: 5, divisions: 0 },
  dropout: { operations: 12, divisions: 0 },
};
const SIMPLE: Work = { operations: 1, divisions: 0 };
const UPDATES: Readonly<Record<string, Work>> = {
  adam: { operations: 10, divisions: 2 },
  lars: { operations: 6, divisions: 0 },
  rmsprop: { operations: 6, divisions: 2 },
};
const UPDATE: Work = { operations: 4, divisions: 0 };

function workOf(op: Op): Work {
  switch (op.kind) {
    case 'elementwise':
      // A gradient is the product with a derivative that costs about as much.
      return FUNCTIONS[op.function] ?? SIMPLE;
    case 'norm':
      return { operations: op.phase === 'forward' ? 4 : 6, divisions: 0 };
    case 'softmax':
      return op.phase === 'forward' ? { operations: EXPONENTIAL + 4, divisions: 0 } : { operations: 3, divisions: 0 };
    case 'update':
      return UPDATES[op.optimizer] ?? UPDATE;
    case 'pool':
      return { operations: Math.max(1, (op.window[0] * op.window[1]) / (op.stride[0] * op.stride[1])), divisions: 0 };
    case 'move':
    case 'gather':
      return { operations: 0, divisions: 0 };
    default:
      return SIMPLE;
  }
}

/** Statistics over a batch or a row are complete only after a pass over it; whole rows of a layer norm or softmax wait in the first level. */
function passesOver(op: Op): number {
  const takesBatch = (norm: NormOp): boolean => norm.function !== 'layer' && norm.function !== 'local-response';
  return op.kind === 'norm' && takesBatch(op) && op.phase !== 'weight-gradient' ? 2 : 1;
}

/** Where tensors of a group lie, by id. */
export type Residence = (id: TensorId) => Level;

/** Lines that come from and go to each level as some tensors pass. */
export function tensorStreams(
  trace: Trace,
  ids: readonly TensorId[],
  residence: Residence,
  pattern: Stream['pattern'],
  times = 1,
): Stream[] {
  return ids.map((id) => ({ lines: times * linesOf(tensorBytes(trace.tensors[id]!)), level: residence(id), pattern }));
}

/** Vectors of four, rounded so that nearly equal passes share their code. */
function perFour(count: number): number {
  const four = 4 * count;
  return four === 0 ? 0 : Math.min(64, Math.max(1, Math.round(four)));
}

/** Operations on results of a contraction while they are still in registers or in the first level. */
export function epilogueNest(
  trace: Trace,
  ops: readonly Op[],
  extraReads: readonly TensorId[],
  residence: Residence,
  set: VectorSet,
): Nest {
  const count = elements(trace.tensors[ops[0]!.outputs[0]!]!.shape);
  const work = ops.map(workOf);
  const large = extraReads.filter((id) => elements(trace.tensors[id]!.shape) === count);
  return {
    role: 'pass',
    code: passLoop(set, {
      loads: perFour(large.length),
      stores: 0,
      operations: perFour(work.reduce((sum, one) => sum + one.operations, 0)),
      divisions: perFour(work.reduce((sum, one) => sum + one.divisions, 0)),
    }),
    steps: count,
    entries: 0,
    lanesDone: 0,
    streams: tensorStreams(trace, extraReads, residence, 'sequence'),
  };
}

/** One pass over memory for a group that multiplies nothing. */
export function passNests(
  trace: Trace,
  ops: readonly Op[],
  extraReads: readonly TensorId[],
  writes: readonly TensorId[],
  residence: Residence,
  set: VectorSet,
): Nest[] {
  const lead = ops[0]!;
  const sizeOf = (id: TensorId): number => elements(trace.tensors[id]!.shape);
  // What is left of a table but the rows picked stays untouched.
  const inputs = lead.kind === 'gather' ? lead.inputs.slice(1) : lead.inputs;
  const picked =
    lead.kind === 'gather'
      ? gathered(trace, lead.inputs[0]!, lead.phase === 'forward' ? writes : inputs, residence)
      : [];
  const reads = [...inputs, ...extraReads];
  const count = Math.max(1, ...reads.map(sizeOf), ...writes.map(sizeOf));
  const times = passesOver(lead);
  const work = ops.map(workOf);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const streams = [
    ...tensorStreams(trace, reads, residence, 'sequence', times),
    ...picked,
    ...tensorStreams(trace, writes, residence, 'write'),
  ];
  if (lead.kind === 'move' && lead.function === 'transpose') {
    const bytes = DTYPES[trace.tensors[lead.inputs[0]!]!.dtype] / 8;
    return [
      {
        role: 'pass',
        code: packingLoop(set, 'transpose', Math.max(4, bytes)),
        steps: count,
        entries: 1,
        lanesDone: 0,
        streams,
      },
    ];
  }
  const windowReads = lead.kind === 'pool' && lead.phase === 'forward' ? workOf(lead).operations : 0;
  return [
    {
      role: 'pass',
      code: passLoop(set, {
        loads: perFour(
          Math.max((times * sum(reads.map(sizeOf))) / count, windowReads) + (lead.kind === 'gather' ? 1 : 0),
        ),
        stores: perFour(sum(writes.map(sizeOf)) / count),
        operations: perFour(sum(work.map(({ operations }) => operations))),
        divisions: perFour(sum(work.map(({ divisions }) => divisions))),
      }),
      steps: count,
      entries: 1,
      lanesDone: 0,
      streams,
    },
  ];
}

/** Rows of a table picked here and there. */
function gathered(trace: Trace, table: TensorId, like: readonly TensorId[], residence: Residence): Stream[] {
  const bytes = like.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  return [
    {
      lines: linesOf(Math.min(bytes, tensorBytes(trace.tensors[table]!))),
      level: residence(table),
      pattern: 'strided',
    },
  ];
}
