import { InputError } from '../../errors.ts';
import { NO_CLASS } from '../../numerics/ops/loss.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { Random } from '../../numerics/random.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';
import { isFeedback } from '../alignment.ts';
import { runningStatistics } from '../statistics.ts';
import { isLoss } from './storage.ts';
import { updateParts } from './update-parts.ts';

/** Activations under which He's variance 2 / fan-in keeps the signal's size. */
const RECTIFIERS: ReadonlySet<string> = new Set(['relu', 'relu6', 'leaky-relu', 'gelu', 'silu', 'hardswish']);
/** Standard deviation of trained tables of positions (Devlin 2018). */
const POSITIONS_DEVIATION = 0.02;

/**
 * First values of the weights, by the op that reads each first. Matrices and filters before a rectifier: normal with variance
 * 2 / fan-in (He 2015); others: uniform with variance 2 / (fan-in + fan-out) (Glorot 2010). Embedding tables: normal with variance
 * 1 / width; tables of positions: deviation 0.02; scales 1; shifts and biases 0. Each weight has a generator of its own, from seed
 * and name, so its values do not depend on what else the network has. Master copies start as their weights.
 */
export function initialise(trace: Trace, seed: number, values: readonly Values[]): void {
  const readers = firstReaders(trace);
  trace.tensors.forEach(({ name, role }, id) => {
    if (role === 'weight') fill(name, id, readers, Random.named(seed, name), values[id]!);
  });
  for (const op of trace.ops) {
    if (op.kind !== 'update') continue;
    const { weight, master } = updateParts(op);
    if (master !== null) values[master]!.set(values[weight]!);
  }
}

/**
 * Values of the fixed random tensors of feedback alignment, uniform with Glorot's variance, from seed and name like weights. Their ids
 * are returned, so that they can be rounded to their formats.
 */
export function initialiseFeedback(trace: Trace, seed: number, values: readonly Values[]): TensorId[] {
  const ids = trace.tensors.flatMap((tensor, id) => (isFeedback(tensor) ? [id] : []));
  const readers = firstReaders(trace);
  for (const id of ids) {
    const { name } = trace.tensors[id]!;
    fill(name, id, readers, Random.named(seed, name), values[id]!);
  }
  return ids;
}

/**
 * First values of states that are not 0: running variances and deviations, those that are not lent, are 1, and where a pipeline has not
 * brought a mini-batch yet its targets are no class.
 */
export function initialiseStates(trace: Trace, values: readonly Values[], lent: ReadonlySet<TensorId>): void {
  for (const id of trace.ops.flatMap((op) => runningStatistics(op).slice(1))) if (!lent.has(id)) values[id]!.fill(1);
  const targets = new Set(trace.ops.flatMap((op) => (isLoss(op) ? op.inputs[1]! : [])));
  for (const op of trace.ops)
    if (op.kind === 'move' && op.function === 'delay' && op.outputs.some((id) => targets.has(id)))
      for (const id of op.outputs) values[id]!.fill(NO_CLASS);
}

type Readers = ReadonlyMap<TensorId, Op>;

function firstReaders({ ops }: Trace): Readers {
  const readers = new Map<TensorId, Op>();
  for (const op of ops) for (const id of op.inputs) if (!readers.has(id)) readers.set(id, op);
  return readers;
}

function fill(name: string, id: TensorId, readers: Readers, random: Random, values: Values): void {
  const op = readers.get(id);
  switch (op?.kind) {
    case 'conv': {
      // Each result of a transposed convolution gets a share of the taps only.
      const taps = (op.r * op.s) / (op.transposed ? op.stride[0] * op.stride[1] : 1);
      return fillMatrix(op, readers, (op.c / op.groups) * taps, (op.k / op.groups) * op.r * op.s, random, values);
    }
    case 'matmul':
      return fillMatrix(op, readers, op.k, op.inputs[0] === id ? op.m : op.n, random, values);
    case 'gather':
      return fillNormal(random, 1 / Math.sqrt(op.width), values);
    case 'norm':
      return void values.fill(op.inputs[1] === id ? 1 : 0);
    case 'elementwise':
      // What layers call a weight is a trained table, of positions for example.
      if (op.function === 'bias' && name.endsWith('.weight')) return fillNormal(random, POSITIONS_DEVIATION, values);
      if (op.function === 'bias') return void values.fill(0);
  }
  const reader = op === undefined ? 'nothing' : `${op.name} (${op.kind})`;
  throw InputError.of(name, `a weight that is read by ${reader}`, 'use it in a product, a table, a norm or a bias');
}

function fillMatrix(op: Op, readers: Readers, fanIn: number, fanOut: number, random: Random, values: Values): void {
  if (isRectified(op, readers)) return fillNormal(random, Math.sqrt(2 / fanIn), values);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  for (let index = 0; index < values.length; index++) values[index] = (2 * random.uniform() - 1) * limit;
}

/** Whether the first function after an op, behind bias, normalisation and reshapes, is a rectifier. */
function isRectified(op: Op, readers: Readers): boolean {
  const next = readers.get(op.outputs[0]!);
  if (next === undefined || next.phase !== 'forward') return false;
  const passes =
    next.kind === 'norm' ||
    (next.kind === 'elementwise' && next.function === 'bias') ||
    (next.kind === 'move' && next.function === 'reshape');
  return passes ? isRectified(next, readers) : next.kind === 'elementwise' && RECTIFIERS.has(next.function);
}

function fillNormal(random: Random, deviation: number, values: Values): void {
  for (let index = 0; index < values.length; index++) values[index] = random.normal() * deviation;
}
