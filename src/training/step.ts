import { InputError } from '../errors.ts';
import { TraceBuilder } from '../trace/builder.ts';
import type { Precision, TensorId, Trace } from '../trace/trace.ts';
import { alignFeedback, type Feedback } from './alignment.ts';
import { chainResult, directFeedback } from './alignment-direct.ts';
import { type Checkpointing, computeAgain, readAgain, segmentsOf } from './checkpointing.ts';
import { gradient } from './gradients/gradient.ts';
import { OPTIMIZER_STATES, type Optimizer } from './optimizers.ts';
import { type Propagation, pipelined } from './pipelined.ts';
import { writeStatistics } from './statistics.ts';
import { Tape } from './tape.ts';

export interface StepOptions {
  readonly optimizer: Optimizer;
  /** Formats of weights and activations, as in the forward trace. */
  readonly precision: Precision;
  /** What of the forward pass is computed again rather than kept; `none` if absent. */
  readonly checkpointing?: Checkpointing;
  /** What takes errors back from layer to layer; `backpropagation` if absent. */
  readonly feedback?: Feedback;
  /** How mini-batches follow each other through the layers; `stepwise` if absent. */
  readonly propagation?: Propagation;
}

/**
 * One whole training step from its forward pass, by shapes alone: loss, gradients in reverse order, updates. Weights narrower
 * than 32 bits have a master copy in fp32, which the update reads and writes with the optimizer's state (Micikevicius 2018).
 * Throws InputError for direct feedback through a network that is no chain of layers, and for what cannot be
 * pipelined.
 */
export function trainingStep(forward: Trace, options: StepOptions): Trace {
  if (options.propagation === 'pipelined') refuseUnlessPlain(options);
  const { trace, originOf } = recordStep(forward, options);
  return options.propagation === 'pipelined'
    ? pipelined(trace, originOf, forward.ops.length, options.precision)
    : trace;
}

export interface RecordedStep {
  readonly trace: Trace;
  /** For each op before the updates the forward op it is, belongs to the loss of, takes the gradient of or computes again. */
  readonly originOf: readonly number[];
}

/** `trainingStep` with what each op comes from; direct feedback adds ops, for which that does not hold. */
export function recordStep(inference: Trace, options: StepOptions): RecordedStep {
  const builder = TraceBuilder.continuing(inference, options.precision);
  writeStatistics(builder);
  const forward = { ...inference, tensors: [...builder.tensors], ops: [...builder.ops] };
  const tape = new Tape(builder, trainedTensors(forward), rowTables(forward));
  const originOf = [...forward.ops.keys()];
  const originate = (index: number): void => {
    while (originOf.length < builder.ops.length) originOf.push(index);
  };
  for (const [id, tensor] of forward.tensors.entries()) {
    if (tensor.role !== 'output' || !tape.needs(id)) continue;
    addLoss(builder, tape, id);
    originate(forward.ops.findIndex(({ outputs }) => outputs.includes(id)));
  }
  const segments = segmentsOf(forward, options.checkpointing ?? 'none');
  segments.reverse().forEach((segment, fromEnd) => {
    // What the last segment made is still there.
    const again = fromEnd === 0 ? null : computeAgain(builder, forward, segment);
    const start = builder.ops.length;
    for (let index = segment.start; originOf.length < start; index++) originOf.push(index);
    for (let index = segment.end - 1; index >= segment.start; index--) {
      gradient(tape, forward.ops[index]!);
      originate(index);
    }
    if (again !== null) readAgain(builder, start, again);
  });
  if (options.feedback === 'alignment') alignFeedback(builder, forward.ops.length);
  if (options.feedback === 'direct')
    directFeedback(builder, forward.ops.length, tape.gradientOf(chainResult(forward))!);
  builder.phase = 'update';
  for (const [id, tensor] of forward.tensors.entries()) {
    if (tensor.role !== 'weight') continue;
    const rows = tape.rows.get(id) ?? null;
    const change = rows?.gradient ?? tape.gradientOf(id);
    if (change !== null) addUpdate(builder, id, change, options.optimizer, rows?.indices ?? null);
  }
  const trace = {
    ...forward,
    workload: { ...forward.workload, phase: 'training' },
    tensors: builder.tensors,
    ops: builder.ops,
  } as const;
  return { trace, originOf };
}

/** What computes ops again, or takes them out of their layers, does not go with layers that work at different times. */
function refuseUnlessPlain({ checkpointing = 'none', feedback }: StepOptions): void {
  const remedy = 'leave out one of them';
  if (checkpointing !== 'none')
    throw InputError.of('--checkpointing', `${checkpointing}, with pipelined propagation`, remedy);
  if (feedback === 'direct') throw InputError.of('--feedback', 'direct, with pipelined propagation', remedy);
}

/** Everything that a weight has a part in. */
function trainedTensors({ tensors, ops }: Trace): ReadonlySet<TensorId> {
  const trained = new Set<TensorId>();
  tensors.forEach((tensor, id) => {
    if (tensor.role === 'weight') trained.add(id);
  });
  for (const op of ops) if (op.inputs.some((id) => trained.has(id))) for (const id of op.outputs) trained.add(id);
  return trained;
}

/** Tables that one op reads, by rows. */
function rowTables({ tensors, ops }: Trace): ReadonlySet<TensorId> {
  const readers = new Map<TensorId, number>();
  for (const op of ops) for (const id of op.inputs) readers.set(id, (readers.get(id) ?? 0) + 1);
  const tables = ops.flatMap((op) => (op.kind === 'gather' ? [op.inputs[0]!] : []));
  return new Set(tables.filter((id) => tensors[id]!.role === 'weight' && readers.get(id) === 1));
}

/** Cross entropy against a class for each position; classes are the channels of a feature map, else the last axis. */
function addLoss(builder: TraceBuilder, tape: Tape, output: TensorId): void {
  const { name, shape } = builder.tensors[output]!;
  const classes = shape.length === 4 ? 1 : shape.length - 1;
  const positions = shape.filter((_, axis) => axis !== classes);
  const target = builder.tensor(`${name}.target`, positions, 'input', 'int32');
  const loss = builder.tensor(`${name}.loss`, [1], 'output', 'fp32');
  // What was the network's result stays on the machine now.
  builder.tensors[output] = { ...builder.tensors[output]!, role: 'activation' };
  builder.phase = 'forward';
  const fields = { kind: 'elementwise', function: 'loss', inputs: [output, target] } as const;
  builder.push({ ...fields, name: `${name}.loss` }, [loss]);
  builder.phase = 'input-gradient';
  tape.contribute(output, tape.gradientOp({ ...fields, name: `${name}.loss.input-gradient` }, output));
}

function addUpdate(
  builder: TraceBuilder,
  weight: TensorId,
  change: TensorId,
  optimizer: Optimizer,
  indices: TensorId | null,
): void {
  const { name, shape, dtype } = builder.tensors[weight]!;
  const state = (label: string): TensorId => builder.tensor(`${name}.${label}`, shape, 'state', 'fp32');
  const master = dtype === 'fp32' || dtype === 'fp64' ? [] : [state('master')];
  const states = OPTIMIZER_STATES[optimizer].map(state);
  const kept = [...master, ...states];
  // A master copy is read in place of the weight.
  const rows = indices === null ? [] : [indices];
  const inputs = [...(master.length > 0 ? [] : [weight]), change, ...kept, ...rows];
  builder.push({ kind: 'update', optimizer, name: `${name}.update`, inputs, sparse: indices !== null }, [
    weight,
    ...kept,
  ]);
}
