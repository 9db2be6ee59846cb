import { elements, storageBytes } from '../../../trace/facts.ts';
import type { Op, Trace, UpdateOp } from '../../../trace/trace.ts';
import { VECTOR, WAIT_LOAD, type Waits, withWait } from '../program.ts';
import { access, type Builder, emit } from './builder.ts';
import { type Group, normalisesByConstants } from './groups.ts';
import { load, store } from './transfer.ts';

/**
 * Element operations per element for functions that take several steps on a vector unit: statistics, then scaling
 * (normalisation; its gradient needs two sums more); maximum, subtraction, exponential, sum, division (softmax; its gradient is
 * a product, a sum, a difference and a product); the state of an optimizer.
 */
const NORM_STEPS = { forward: 4, 'input-gradient': 6, 'weight-gradient': 4 } as const;
const STORED_STATISTICS_STEPS = 2;
const SOFTMAX_STEPS = 5;
const SOFTMAX_GRADIENT_STEPS = 4;
const UPDATE_STEPS = {
  gd: 2,
  sgd: 2,
  momentum: 4,
  nesterov: 6,
  sag: 5,
  adagrad: 6,
  rmsprop: 7,
  adam: 12,
  lars: 8,
} as const;

/** Element operations of an op that runs on the vector unit by itself. */
export function vectorOperations(trace: Trace, op: Op): number {
  const size = (id: number): number => elements(trace.tensors[id]!.shape);
  const out = size(op.outputs[0]!);
  const first = size(op.inputs[0]!);
  switch (op.kind) {
    case 'pool':
      return Math.min(out, first) * op.window[0] * op.window[1];
    case 'norm': {
      if (normalisesByConstants(op, trace.workload.phase === 'training')) return first * STORED_STATISTICS_STEPS;
      return first * NORM_STEPS[op.phase === 'input-gradient' || op.phase === 'weight-gradient' ? op.phase : 'forward'];
    }
    case 'softmax':
      return out * (op.phase === 'forward' ? SOFTMAX_STEPS : SOFTMAX_GRADIENT_STEPS);
    case 'update':
      return Math.min(out, updated(trace, op)) * UPDATE_STEPS[op.optimizer];
    case 'reduce':
      return Math.max(first, out);
    case 'gather':
      return op.rows * op.width;
    case 'elementwise':
      if (op.function === 'loss') return first * SOFTMAX_STEPS;
      return out * Math.max(1, op.inputs.filter((id) => trace.tensors[id]!.role !== 'weight').length - 1);
    default:
      return out;
  }
}

/** Elements of a weight that change: all, or the rows of a table that have a gradient. */
function updated(trace: Trace, op: UpdateOp): number {
  const change = op.inputs.find((id) => trace.tensors[id]!.role !== 'weight')!;
  return elements(trace.tensors[change]!.shape);
}

/** Bytes of some of an op's tensors. Of tables, and of what goes with them, only the rows that are picked move. */
function movedBytes(trace: Trace, op: Op, ids: readonly number[]): number {
  const picked =
    op.kind === 'gather' ? op.rows * op.width : op.kind === 'update' && op.sparse ? updated(trace, op) : null;
  let bytes = 0;
  for (const id of ids) {
    const { role, shape, dtype } = trace.tensors[id]!;
    const isTable = role === 'weight' || role === 'state' || (op.kind === 'gather' && role === 'gradient');
    const size = elements(shape);
    bytes += storageBytes(isTable && picked !== null ? Math.min(size, picked) : size, dtype);
  }
  return bytes;
}

/** An op (with what is fused into it) that needs no array: pooling, normalisation, residual adds, copies. */
export function lowerVectorOp(
  builder: Builder,
  trace: Trace,
  group: Group,
  offChip: (id: number) => boolean,
  waits: Waits,
): void {
  const { spec, components } = builder;
  const lead = group.members[0]!;
  const op = trace.ops[lead]!;
  const operations = group.members.reduce((sum, member) => sum + vectorOperations(trace, trace.ops[member]!), 0);
  // A table is read row by row from where it lies.
  const inputs = op.kind === 'gather' && op.phase === 'forward' ? [...op.inputs] : group.inputs;
  const [inputBytes, outputBytes] = [movedBytes(trace, op, inputs), movedBytes(trace, op, group.outputs)];
  const loaded = inputs.filter((id) => offChip(id) || trace.tensors[id]!.role === 'weight');
  const loadBytes = movedBytes(trace, op, loaded);
  const storeBytes = movedBytes(trace, op, group.outputs.filter(offChip));
  let vectorWaits = waits;
  if (loadBytes > 0) {
    emit(builder, [load(builder, lead, loadBytes, components.inputs, waits)]);
    vectorWaits = withWait(waits, WAIT_LOAD, 0);
  }
  const cycles = Math.max(
    operations / spec.vectorUnit.elementsPerCycle,
    (inputBytes + outputBytes) / spec.buffer.bytesPerCycle,
  );
  emit(builder, [
    builder.instruction({
      lane: VECTOR,
      op: lead,
      cycles: Math.max(1, Math.ceil(cycles)),
      waits: vectorWaits,
      accesses: [
        access(components.vectorUnit, 'vector.op', operations),
        access(components.inputs, 'read', 1, inputBytes),
        access(components.outputs, 'write', 1, outputBytes),
      ],
    }),
  ]);
  if (storeBytes > 0) emit(builder, [store(builder, lead, storeBytes)]);
}
