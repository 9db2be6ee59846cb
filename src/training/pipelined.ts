import { InputError, ModelBug } from '../errors.ts';
import { TraceBuilder } from '../trace/builder.ts';
import type { Op, Precision, TensorId, Trace } from '../trace/trace.ts';

/**
 * How mini-batches follow each other through the layers: one step at a time; or pipelined, where every layer works on another
 * mini-batch at the same time and changes its weights as soon as it has a gradient (continuous propagation, Li and Pedram 2017).
 */
export const PROPAGATIONS = ['stepwise', 'pipelined'] as const;
export type Propagation = (typeof PROPAGATIONS)[number];

/**
 * A training step in which every layer works on another mini-batch. Forward op of layer l (from 0) takes the mini-batch of l steps ago,
 * its gradients, with L layers, that of 2 (L - 1) - l steps ago: weights change 2 (L - 1 - l) steps after the forward pass that the
 * gradient is of, and errors go back through weights that have changed meanwhile. What lies between is kept in states, so that no op waits
 * for one of another layer. `originOf` names the forward op that each op before the updates comes from; `forwardOps` come first.
 * Throws InputError for dropout, whose draws are not kept from step to step.
 */
export function pipelined(step: Trace, originOf: readonly number[], forwardOps: number, precision: Precision): Trace {
  const layers = layerOf(step, forwardOps);
  const last = Math.max(...layers);
  const madeAt = new Map<TensorId, number>();
  const times: number[] = [];
  const ops = step.ops.map((op, index): Op => {
    const operands = latest(op, madeAt);
    // A sum of gradients waits for the branch of fewest layers, whose gradient comes last.
    const time =
      op.kind === 'update'
        ? operands
        : Math.max(operands, timeOf(op, layers[originOf[index]!]!, index < forwardOps, last));
    times.push(time);
    for (const id of op.outputs) if (step.tensors[id]!.role !== 'state') madeAt.set(id, time);
    if (op.kind !== 'update') return op;
    const reader = step.ops.findIndex(({ inputs }) => inputs.includes(op.outputs[0]!));
    return { ...op, delaySteps: time - layers[reader]! };
  });
  const builder = TraceBuilder.continuing({ ...step, ops }, precision);
  delayOperands(builder, times, madeAt);
  return { ...step, tensors: builder.tensors, ops: builder.ops };
}

/** Delay of each weight's update by the weight's name; empty where layers work one after the other. */
export function updateDelays({ tensors, ops }: Trace): Map<string, number> {
  return new Map(
    ops.flatMap((op) =>
      op.kind === 'update' && op.delaySteps !== undefined ? [[tensors[op.outputs[0]!]!.name, op.delaySteps]] : [],
    ),
  );
}

/**
 * Layer of each forward op: what has weights in a product or a table begins one, behind all that it reads from. Products that do not
 * wait for each other share a layer.
 */
function layerOf({ tensors, ops }: Trace, forwardOps: number): number[] {
  const madeIn = new Map<TensorId, number>();
  return ops.slice(0, forwardOps).map((op) => {
    if (op.kind === 'elementwise' && op.function === 'dropout')
      throw InputError.of(op.name, 'dropout, with pipelined propagation', 'leave out dropout, or train stepwise');
    const before = op.inputs.flatMap((id) => madeIn.get(id) ?? []);
    const weighted = op.kind === 'matmul' || op.kind === 'conv' || op.kind === 'gather';
    const begins = weighted && before.length > 0 && op.inputs.some((id) => tensors[id]!.role === 'weight');
    const layer = Math.max(0, ...before) + (begins ? 1 : 0);
    for (const id of op.outputs) if (tensors[id]!.role !== 'state') madeIn.set(id, layer);
    return layer;
  });
}

/** Steps after a mini-batch came in at which an op of a layer works on it; loss and the error it starts belong to the forward pass. */
function timeOf(op: Op, layer: number, forward: boolean, last: number): number {
  const ofLoss = op.kind === 'elementwise' && op.function === 'loss';
  return forward || ofLoss ? layer : 2 * last - layer;
}

function latest({ inputs }: Op, madeAt: ReadonlyMap<TensorId, number>): number {
  return Math.max(...inputs.map((id) => madeAt.get(id) ?? 0));
}

/**
 * Makes each op read what its operand was as many steps ago as lie between the two, and lets those values move on at the end of the
 * step. Weights and states are read as they are.
 */
function delayOperands(builder: TraceBuilder, times: readonly number[], madeAt: ReadonlyMap<TensorId, number>): void {
  const ago = new Map<TensorId, TensorId[]>();
  const delayed = (id: TensorId, steps: number): TensorId => {
    const { name, shape, dtype } = builder.tensors[id]!;
    if (steps < 0) throw new ModelBug(`${name} is read ${-steps} steps before it is made`);
    const states = ago.get(id) ?? [];
    ago.set(id, states);
    // Names of tensors are not unique, those of states have to be: checkpoints go by them.
    while (states.length < steps)
      states.push(builder.tensor(`${name}#${id}.ago${states.length + 1}`, shape, 'state', dtype));
    return states[steps - 1]!;
  };
  times.forEach((time, index) => {
    const op = builder.ops[index]!;
    const inputs = op.inputs.map((id) => {
      const { role } = builder.tensors[id]!;
      const steps = role === 'weight' || role === 'state' ? 0 : time - (madeAt.get(id) ?? 0);
      return steps === 0 ? id : delayed(id, steps);
    });
    builder.ops[index] = { ...op, inputs };
  });
  builder.phase = 'update';
  for (const [id, states] of ago) {
    const name = `${builder.tensors[id]!.name}.delay`;
    builder.push({ kind: 'move', function: 'delay', name, inputs: [id, ...states.slice(0, -1)] }, states);
  }
}
