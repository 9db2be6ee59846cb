import { elements } from '../../trace/facts.ts';
import type { ElementwiseOp, MoveOp, NormOp, Op, TensorId, Trace } from '../../trace/trace.ts';
import { prunableWeights, type WeightLayout } from './weight-layout.ts';
import { runningStatistics } from '../statistics.ts';

/** Channels that several tensors share, so that one can only be removed from all of them. */
export interface ChannelSpace {
  readonly channels: number;
  /** Nothing can be removed: inputs and results of the network, and wherever channels are not followed. */
  pinned: boolean;
  /** Weights whose outputs are these channels. */
  readonly producers: Set<WeightLayout>;
  /** Weights that read them. */
  readonly consumers: Set<WeightLayout>;
  /** Biases and shifts: what a channel is where all it is made from is zero. */
  readonly terms: Set<TensorId>;
  /** Scales of norms. */
  readonly scales: Set<TensorId>;
}

/** The channels of a tensor: of which space, and how many neighbouring features each has become. */
export interface ChannelAxis {
  readonly space: ChannelSpace;
  readonly features: number;
}

/** The channels that each weight of a trace reads and makes. */
export interface ChannelSpaces {
  readonly spaces: readonly ChannelSpace[];
  readonly read: ReadonlyMap<string, ChannelAxis>;
  readonly made: ReadonlyMap<string, ChannelAxis>;
}

/** Functions that give 0 for 0, so that a silent channel stays silent. */
const ZERO_STAYS: ReadonlySet<ElementwiseOp['function']> = new Set([
  ...(['relu', 'relu6', 'tanh', 'gelu', 'silu', 'hardswish', 'leaky-relu', 'dropout', 'scale', 'cast'] as const),
  ...(['add', 'sub', 'mul'] as const),
]);
const BY_CHANNEL: ReadonlySet<NormOp['function']> = new Set(['batch', 'instance']);
const PLACES_KEPT: ReadonlySet<MoveOp['function']> = new Set(['copy', 'upsample']);

/**
 * Follows channels from the weights that make them to those that read them: through biases, norms, activations, pools, sums
 * (PruneTrain's channel union: what is added up shares one space) and flattening. Ops that mix or split channels pin them.
 */
export function channelSpaces(trace: Trace): ChannelSpaces {
  const follow = new Follower(trace);
  for (const op of trace.ops) if (op.phase === 'forward') follow.op(op);
  return follow.result();
}

class Follower {
  private readonly axes = new Map<TensorId, ChannelAxis>();
  private readonly merged = new Map<ChannelSpace, ChannelSpace>();
  private readonly read = new Map<string, ChannelAxis>();
  private readonly made = new Map<string, ChannelAxis>();
  private readonly layouts: ReadonlyMap<string, WeightLayout>;

  constructor(private readonly trace: Trace) {
    this.layouts = new Map(prunableWeights(trace).map((layout) => [layout.name, layout]));
  }

  op(op: Op): void {
    const [input, second] = op.inputs as [TensorId, TensorId | undefined];
    const result = op.outputs[0]!;
    if (op.kind === 'matmul' || op.kind === 'conv') return this.contraction(op, input, second!, result);
    if (op.kind === 'pool' || this.passes(op)) return this.pass(op, input, result);
    for (const id of [...op.inputs, ...op.outputs]) this.axisOf(id).space.pinned = true;
  }

  result(): ChannelSpaces {
    const { tensors } = this.trace;
    for (const [id, { space }] of this.axes)
      if (tensors[id]!.role === 'output' || tensors[id]!.role === 'input') space.pinned = true;
    const settle = (axes: ReadonlyMap<string, ChannelAxis>): Map<string, ChannelAxis> =>
      new Map([...axes].map(([name, { space, features }]) => [name, { space: this.root(space), features }]));
    const [read, made] = [settle(this.read), settle(this.made)];
    for (const [name, { space }] of read) space.consumers.add(this.layouts.get(name)!);
    for (const [name, { space }] of made) space.producers.add(this.layouts.get(name)!);
    return { spaces: [...new Set([...read.values(), ...made.values()].map(({ space }) => space))], read, made };
  }

  private contraction(op: Op & { kind: 'matmul' | 'conv' }, input: TensorId, weight: TensorId, result: TensorId): void {
    const layout = this.layouts.get(this.trace.tensors[weight]!.name);
    const [from, to] = [this.axisOf(input), this.axisOf(result)];
    const plain =
      layout !== undefined &&
      this.trace.tensors[weight]!.role === 'weight' &&
      !this.read.has(layout.name) &&
      from.space.channels * from.features === layout.channels &&
      to.space.channels === layout.outputs &&
      (op.kind === 'matmul' ? !(op.left ?? op.result) : op.groups === 1 && !op.transposed);
    if (plain) {
      this.read.set(layout.name, from);
      this.made.set(layout.name, to);
      return;
    }
    for (const { space } of [from, to, this.axisOf(weight)]) space.pinned = true;
    for (const axis of layout === undefined ? [] : [this.read.get(layout.name), this.made.get(layout.name)])
      if (axis !== undefined) this.root(axis.space).pinned = true;
  }

  /** Whether a silent channel of the operand is one of the result, at the same place. */
  private passes(op: Op): boolean {
    const shapes = op.inputs.map((id) => this.trace.tensors[id]!.shape);
    const { channels } = this.axisOf(op.inputs[0]!).space;
    if (op.kind === 'norm') return BY_CHANNEL.has(op.function) && op.inputs.length >= 3;
    if (op.kind === 'move')
      return PLACES_KEPT.has(op.function) || (op.function === 'reshape' && this.flattens(op, shapes[0]!));
    if (op.kind === 'reduce')
      return (op.function === 'sum' || op.function === 'mean') && shapes[0]!.length === 4 && op.axes.join() === '2,3';
    if (op.kind !== 'elementwise') return false;
    if (op.function === 'bias') return shapes[1]!.join() === String(channels);
    return ZERO_STAYS.has(op.function) && shapes.every((shape) => shape.join() === shapes[0]!.join());
  }

  private flattens(op: Op, from: readonly number[]): boolean {
    const to = this.trace.tensors[op.outputs[0]!]!.shape;
    return from.length === 4 && to.length === 2 && to[0] === from[0];
  }

  private pass(op: Op, input: TensorId, result: TensorId): void {
    const { space, features } = this.axisOf(input);
    const shape = this.trace.tensors[input]!.shape;
    const spread = op.kind === 'move' && op.function === 'reshape' ? elements(shape.slice(2)) : 1;
    this.axes.set(result, { space, features: features * spread });
    if (op.kind === 'norm') {
      space.scales.add(op.inputs[1]!);
      space.terms.add(op.inputs[2]!);
      // In a test the running mean is taken off; in training the mean of a silent channel, which is 0.
      for (const id of storedMean(op)) space.terms.add(id);
    } else if (op.kind === 'elementwise' && op.function === 'bias') space.terms.add(op.inputs[1]!);
    else for (const other of op.inputs.slice(1)) this.merge(this.axisOf(input), this.axisOf(other));
  }

  private axisOf(id: TensorId): ChannelAxis {
    const known = this.axes.get(id);
    if (known !== undefined) return { ...known, space: this.root(known.space) };
    const { shape } = this.trace.tensors[id]!;
    const channels = shape.length === 4 ? shape[1]! : (shape[shape.length - 1] ?? 1);
    const sets = { producers: new Set<WeightLayout>(), consumers: new Set<WeightLayout>() };
    const space = { channels, pinned: false, ...sets, terms: new Set<TensorId>(), scales: new Set<TensorId>() };
    const axis = { space, features: 1 };
    this.axes.set(id, axis);
    return axis;
  }

  private root(space: ChannelSpace): ChannelSpace {
    const next = this.merged.get(space);
    return next === undefined ? space : this.root(next);
  }

  private merge(first: ChannelAxis, second: ChannelAxis): void {
    const [into, from] = [first.space, second.space];
    if (into === from) return;
    if (into.channels !== from.channels || first.features !== second.features) {
      into.pinned = true;
      from.pinned = true;
      return;
    }
    this.merged.set(from, into);
    into.pinned ||= from.pinned;
    for (const id of from.terms) into.terms.add(id);
    for (const id of from.scales) into.scales.add(id);
  }
}

/** The running mean of a normalisation that goes by it. */
function storedMean(op: Op): readonly TensorId[] {
  return op.outputs.length === 1 ? runningStatistics(op).slice(0, 1) : [];
}
