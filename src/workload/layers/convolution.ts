import { InputError } from '../../errors.ts';
import type { TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';
import type { Parameters } from '../parameters.ts';

/** Feature map [N, C, H, W] of a layer's first operand. */
export function featureMap(
  builder: TraceBuilder,
  id: TensorId,
  parameters: Parameters,
): readonly [number, number, number, number] {
  const shape = builder.shape(id);
  if (shape.length !== 4) {
    throw InputError.of(
      `${parameters.layer.where}.${parameters.layer.type}`,
      `its operand has shape [${shape.join(', ')}]`,
      'give it a feature map [N, C, H, W]',
    );
  }
  return shape as unknown as readonly [number, number, number, number];
}

/** Output length of a window over one axis. */
export function windowed(
  length: number,
  window: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
  ceil: boolean,
): number {
  const steps = (length + before + after - (window - 1) * dilation - 1) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  // A window that would start beyond the operand and the padding before it sees nothing.
  return (count - 1) * stride >= length + before ? count - 1 : count;
}

function positive(parameters: Parameters, lengths: readonly number[]): void {
  if (lengths.some((length) => length < 1)) {
    throw InputError.of(
      `${parameters.layer.where}.${parameters.layer.type}`,
      `its result would be ${lengths.join(' x ')}`,
      'use a smaller window or stride, or more padding',
    );
  }
}

export function conv(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const { layer } = parameters;
  const [n, c, h, w] = featureMap(builder, input, parameters);
  const depthwise = parameters.flag('depthwise', false);
  const k = depthwise ? c * parameters.integer('multiplier', 1) : parameters.integer('out');
  const [r, s] = parameters.pair('kernel', 1);
  const stride = parameters.pair('stride', 1);
  const dilation = parameters.pair('dilation', 1);
  const groups = depthwise ? c : parameters.integer('groups', 1);
  if (c % groups !== 0 || k % groups !== 0)
    throw InputError.of(
      `${layer.where}.conv.groups`,
      `${groups} groups for ${c} input and ${k} output channels`,
      'use a divisor of both',
    );
  const padding = parameters.padding([r, s], stride, dilation, [h, w]);
  const p = windowed(h, r, stride[0], dilation[0], padding[0], padding[2], false);
  const q = windowed(w, s, stride[1], dilation[1], padding[1], padding[3], false);
  positive(parameters, [p, q]);
  const weight = builder.weight(`${parameters.weightName()}.weight`, [k, c / groups, r, s]);
  const result = builder.op(
    {
      kind: 'conv',
      name: layer.name,
      inputs: [input, weight],
      n,
      c,
      h,
      w,
      k,
      r,
      s,
      p,
      q,
      stride,
      padding,
      dilation,
      groups,
      transposed: false,
    },
    [n, k, p, q],
  );
  return bias(builder, parameters, result, k, layer.parameters['norm'] === undefined);
}

/** Transposed convolution without overlap or output padding: result length = (length - 1) * stride + kernel - padding. */
export function deconv(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const { layer } = parameters;
  const [n, c, h, w] = featureMap(builder, input, parameters);
  const k = parameters.integer('out');
  const [r, s] = parameters.pair('kernel');
  const stride = parameters.pair('stride', 1);
  const padding = parameters.padding([r, s], [1, 1], [1, 1], [h, w]);
  const p = (h - 1) * stride[0] + r - padding[0] - padding[2];
  const q = (w - 1) * stride[1] + s - padding[1] - padding[3];
  positive(parameters, [p, q]);
  const weight = builder.weight(`${layer.name}.weight`, [k, c, r, s]);
  const result = builder.op(
    {
      kind: 'conv',
      name: layer.name,
      inputs: [input, weight],
      n,
      c,
      h,
      w,
      k,
      r,
      s,
      p,
      q,
      stride,
      padding,
      dilation: [1, 1],
      groups: 1,
      transposed: true,
    },
    [n, k, p, q],
  );
  return bias(builder, parameters, result, k, layer.parameters['norm'] === undefined);
}

/** Adds a bias of one value per channel, if the layer has one. */
export function bias(
  builder: TraceBuilder,
  parameters: Parameters,
  result: TensorId,
  channels: number,
  fallback: boolean,
): TensorId {
  if (!parameters.flag('bias', fallback)) return result;
  const { name } = parameters.layer;
  const weight = builder.weight(`${parameters.weightName()}.bias`, [channels]);
  return builder.op(
    { kind: 'elementwise', function: 'bias', name: `${name}.bias`, inputs: [result, weight] },
    builder.shape(result),
  );
}

export function pool(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, c, h, w] = featureMap(builder, input, parameters);
  const window = parameters.pair('window');
  const stride = parameters.pair('stride', 1);
  const padding = parameters.padding(window, stride, [1, 1], [h, w]);
  const ceil = parameters.flag('ceil', false);
  const p = windowed(h, window[0], stride[0], 1, padding[0], padding[2], ceil);
  const q = windowed(w, window[1], stride[1], 1, padding[1], padding[3], ceil);
  positive(parameters, [p, q]);
  const kind = parameters.choice('function', ['max', 'average'], 'max');
  return builder.op(
    { kind: 'pool', function: kind, name: parameters.layer.name, inputs: [input], window, stride, padding },
    [n, c, p, q],
  );
}

/** Average over all positions: [N, C, H, W] -> [N, C]. */
export function globalpool(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, c] = featureMap(builder, input, parameters);
  return builder.op({ kind: 'reduce', function: 'mean', name: parameters.layer.name, inputs: [input], axes: [2, 3] }, [
    n,
    c,
  ]);
}

/** Repeats every position `scale` times along both axes. */
export function upsample(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, c, h, w] = featureMap(builder, input, parameters);
  const scale = parameters.integer('scale', 2);
  return builder.op({ kind: 'move', function: 'upsample', name: parameters.layer.name, inputs: [input] }, [
    n,
    c,
    h * scale,
    w * scale,
  ]);
}

/** The middle of a feature map, `size` positions along both axes. */
export function crop(builder: TraceBuilder, parameters: Parameters, input: TensorId): TensorId {
  const [n, c, h, w] = featureMap(builder, input, parameters);
  const [height, width] = parameters.pair('size');
  if (height > h || width > w)
    throw InputError.of(
      `${parameters.layer.where}.crop`,
      `${height} x ${width} out of ${h} x ${w}`,
      'crop to a smaller size',
    );
  const { name } = parameters.layer;
  const slice = (label: string, from: TensorId, axis: number, start: number, shape: readonly number[]): TensorId =>
    builder.op({ kind: 'move', function: 'split', name: label, inputs: [from], axis, start }, shape);
  const rows = slice(`${name}.rows`, input, 2, Math.floor((h - height) / 2), [n, c, height, w]);
  return slice(name, rows, 3, Math.floor((w - width) / 2), [n, c, height, width]);
}
