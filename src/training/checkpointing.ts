import type { TraceBuilder } from '../trace/builder.ts';
import type { Op, TensorId, Trace } from '../trace/trace.ts';
import { runningStatistics } from './statistics.ts';

/**
 * What of the forward pass is kept for the backward pass: everything; what crosses the borders of about sqrt(ops) equal segments (Chen
 * 2016); or what crosses the borders of residual blocks. The rest is computed again.
 */
export const CHECKPOINTING = ['none', 'sqrt', 'blocks'] as const;
export type Checkpointing = (typeof CHECKPOINTING)[number];

/** Ops [start, end) of the forward pass that are computed again together. */
export interface Segment {
  readonly start: number;
  readonly end: number;
}

/** Cuts the forward pass; one segment means that nothing is computed again. */
export function segmentsOf({ ops }: Trace, checkpointing: Checkpointing): Segment[] {
  if (checkpointing === 'none') return [{ start: 0, end: ops.length }];
  const borders = checkpointing === 'sqrt' ? equalBorders(ops.length) : blockBorders(ops);
  const starts = [0, ...borders.filter((border) => border > 0 && border < ops.length)];
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? ops.length }));
}

function equalBorders(count: number): number[] {
  const segments = Math.max(1, Math.round(Math.sqrt(count)));
  return Array.from({ length: segments }, (_, index) => Math.round((index * count) / segments));
}

/** After each residual addition and the function that follows it. */
function blockBorders(ops: readonly Op[]): number[] {
  return ops.flatMap((op, index) => {
    if (op.kind !== 'elementwise' || op.function !== 'add') return [];
    const next = ops[index + 1];
    return [next?.kind === 'elementwise' && next.inputs[0] === op.outputs[0] ? index + 2 : index + 1];
  });
}

/** Adds the ops of a segment a second time, before its gradients; returns the new tensor for each that they make. */
export function computeAgain(
  builder: TraceBuilder,
  { ops }: Trace,
  { start, end }: Segment,
): ReadonlyMap<TensorId, TensorId> {
  const again = new Map<TensorId, TensorId>();
  const made = (id: TensorId): TensorId => again.get(id) ?? id;
  builder.phase = 'forward';
  for (const op of ops.slice(start, end).map(withoutStatistics)) {
    const { id: _id, phase: _phase, outputs, ...fields } = op;
    const copies = outputs.map((id) => {
      const { name, shape, dtype } = builder.tensors[id]!;
      return builder.tensor(`${name}.again`, shape, 'activation', dtype);
    });
    builder.push({ ...fields, name: `${op.name}.again`, inputs: op.inputs.map(made) }, copies);
    outputs.forEach((id, index) => again.set(id, copies[index]!));
  }
  return again;
}

/** A normalisation goes by what it kept of the statistics, or by those of its operand, and leaves the running ones alone. */
function withoutStatistics(op: Op): Op {
  const statistics = runningStatistics(op);
  if (statistics.length === 0) return op;
  return { ...op, inputs: [...op.inputs.slice(0, 3), ...op.outputs.slice(3)], outputs: op.outputs.slice(0, 1) };
}

/** Makes the ops from `start` on read what was computed again in place of the first results. */
export function readAgain(builder: TraceBuilder, start: number, again: ReadonlyMap<TensorId, TensorId>): void {
  for (let index = start; index < builder.ops.length; index++) {
    const op = builder.ops[index]!;
    builder.ops[index] = { ...op, inputs: op.inputs.map((id) => again.get(id) ?? id) };
  }
}
