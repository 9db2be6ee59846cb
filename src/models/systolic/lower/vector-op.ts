import { elements, tensorBytes } from '../../../trace/facts.ts';
import type { Op, Trace } from '../../../trace/trace.ts';
import { VECTOR, WAIT_LOAD, type Waits, withWait } from '../program.ts';
import { access, type Builder, emit } from './builder.ts';
import type { Group } from './groups.ts';
import { load, store } from './transfer.ts';

/**
 * Element operations per element for functions that take several steps on a vector unit: statistics, then scaling
 * (normalisation); maximum, subtraction, exponential, sum, division (softmax); the state of an optimizer.
 */
const NORM_STEPS = 4;
const SOFTMAX_STEPS = 5;
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
  const out = op.outputs.reduce((sum, id) => sum + size(id), 0);
  switch (op.kind) {
    case 'pool':
      return out * op.window[0] * op.window[1];
    case 'norm':
      return out * (op.function === 'batch' && op.phase === 'forward' ? 2 : NORM_STEPS);
    case 'softmax':
      return out * SOFTMAX_STEPS;
    case 'update':
      return out * UPDATE_STEPS[op.optimizer];
    case 'reduce':
      return size(op.inputs[0]!);
    case 'gather':
      return op.rows * op.width;
    default: {
      const operands = op.inputs.filter((id) => trace.tensors[id]!.role !== 'weight').length;
      return out * Math.max(1, operands - 1);
    }
  }
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
  const bytesOf = (id: number): number => tensorBytes(trace.tensors[id]!);
  const inputBytes =
    op.kind === 'gather' ? Math.ceil(bytesOf(op.outputs[0]!)) : group.inputs.reduce((sum, id) => sum + bytesOf(id), 0);
  const outputBytes = bytesOf(group.output);
  // Tables of embeddings and other weights stay in off-chip memory; only the rows that are picked come in.
  const loadBytes =
    op.kind === 'gather' ? inputBytes : group.inputs.reduce((sum, id) => sum + (offChip(id) ? bytesOf(id) : 0), 0);
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
  if (offChip(group.output)) emit(builder, [store(builder, lead, outputBytes)]);
}
