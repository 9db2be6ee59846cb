import type { Values } from '../../numerics/ops/values.ts';
import { elements, macs, totalMacs } from '../../trace/facts.ts';
import type { Trace } from '../../trace/trace.ts';
import { type ChannelAxis, type ChannelSpace, channelSpaces } from './channel-spaces.ts';
import type { Weight, WeightLayout } from './weight-layout.ts';

interface Change {
  readonly before: number;
  readonly after: number;
}

/** A layer of the smaller network: which outputs and input features of the larger one it keeps. */
export interface SmallerLayer {
  readonly weight: string;
  readonly outputs: Int32Array;
  readonly inputs: Int32Array;
}

/** The network without its silent channels. */
export interface Reconfiguration {
  readonly layers: readonly SmallerLayer[];
  readonly parameters: Change;
  /** Of the trace's forward pass. */
  readonly forwardMacs: Change;
}

/**
 * Sizes of a network after its silent channels have gone (PruneTrain's reconfiguration, Lym et al. 2019). A channel goes if all that
 * makes it is zero, biases and shifts too, or if nothing reads it; the smaller network computes the same. One at least stays.
 */
export function reconfigure(trace: Trace, read: (name: string) => Values): Reconfiguration {
  const found = channelSpaces(trace);
  const kept = new Map(found.spaces.map((space) => [space, channelsToKeep(trace, space, found.read, read)]));
  const layers = [...found.read].map(([weight, axis]) => ({
    weight,
    outputs: kept.get(found.made.get(weight)!.space)!,
    inputs: spread(kept.get(axis.space)!, axis.features),
  }));
  const shareOf = new Map(
    layers.map(({ weight, outputs, inputs }) => {
      const { space } = found.made.get(weight)!;
      const { space: from, features } = found.read.get(weight)!;
      return [weight, (outputs.length * inputs.length) / (space.channels * from.channels * features)];
    }),
  );
  for (const [space, channels] of kept)
    for (const id of [...space.terms, ...space.scales])
      shareOf.set(trace.tensors[id]!.name, channels.length / space.channels);
  const forward = { ...trace, ops: trace.ops.filter(({ phase }) => phase === 'forward') };
  let [parametersBefore, parametersAfter, macsAfter] = [0, 0, 0];
  for (const { name, role, shape } of trace.tensors) {
    if (role !== 'weight') continue;
    parametersBefore += elements(shape);
    parametersAfter += elements(shape) * (shareOf.get(name) ?? 1);
  }
  for (const op of forward.ops) {
    const second = op.inputs[1];
    const weight = second === undefined ? undefined : trace.tensors[second]!;
    macsAfter += macs(op) * (weight?.role === 'weight' ? (shareOf.get(weight.name) ?? 1) : 1);
  }
  return {
    layers,
    parameters: { before: parametersBefore, after: Math.round(parametersAfter) },
    forwardMacs: { before: totalMacs(forward), after: Math.round(macsAfter) },
  };
}

/** The elements of a weight that a smaller layer keeps, in their order. */
export function smallerWeight({ layout, values }: Weight, { outputs, inputs }: SmallerLayer): Float64Array {
  const { taps, outputStride, channelStride } = layout;
  const places: number[] = [];
  for (const output of outputs)
    for (const input of inputs)
      for (let tap = 0; tap < taps; tap++) places.push(output * outputStride + input * channelStride + tap);
  return Float64Array.from(
    places.sort((left, right) => left - right),
    (place) => values[place]!,
  );
}

function channelsToKeep(
  trace: Trace,
  space: ChannelSpace,
  axes: ReadonlyMap<string, ChannelAxis>,
  read: (name: string) => Values,
): Int32Array {
  const all = Int32Array.from({ length: space.channels }, (_, channel) => channel);
  if (space.pinned) return all;
  const terms = [...space.terms].map((id) => read(trace.tensors[id]!.name));
  const producers = [...space.producers].map((layout) => ({ layout, values: read(layout.name) }));
  const consumers = [...space.consumers].map((layout) => ({ layout, values: read(layout.name) }));
  const silent = (channel: number): boolean =>
    terms.every((term) => term[channel] === 0) && producers.every((weight) => outputIsZero(weight, channel));
  const unread = (channel: number): boolean =>
    consumers.every((weight) => {
      const { features } = axes.get(weight.layout.name)!;
      return Array.from({ length: features }, (_, at) => channel * features + at).every((input) =>
        inputIsZero(weight, input),
      );
    });
  const needed = all.filter((channel) => !silent(channel) && !unread(channel));
  return needed.length > 0 ? needed : all.slice(0, 1);
}

function outputIsZero({ layout, values }: Weight, output: number): boolean {
  for (let channel = 0; channel < layout.channels; channel++)
    if (!tapsAreZero(layout, values, output, channel)) return false;
  return true;
}

function inputIsZero({ layout, values }: Weight, channel: number): boolean {
  for (let output = 0; output < layout.outputs; output++)
    if (!tapsAreZero(layout, values, output, channel)) return false;
  return true;
}

function tapsAreZero(layout: WeightLayout, values: Values, output: number, channel: number): boolean {
  const start = output * layout.outputStride + channel * layout.channelStride;
  for (let index = start; index < start + layout.taps; index++) if (values[index] !== 0) return false;
  return true;
}

function spread(channels: Int32Array, features: number): Int32Array {
  const all = new Int32Array(channels.length * features);
  channels.forEach((channel, index) => {
    for (let at = 0; at < features; at++) all[index * features + at] = channel * features + at;
  });
  return all;
}
