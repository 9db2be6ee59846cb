import type { ConvOp } from '../../trace/trace.ts';
import { convWays } from './lower/conv.ts';
import { convLoops } from './lower/convolution.ts';
import { WIDEST } from './lower/isa.ts';
import type { SystemSpec } from './system.ts';
import { cacheSizes, levelOf } from './units/caches.ts';
import type { Pipeline } from './units/pipeline.ts';
import { fastestWay } from './units/way-time.ts';

/** A forward convolution of n images of c x h x w with k filters of r x s; strides and padding are those of both dimensions. */
export interface ConvShape extends Pick<ConvOp, 'n' | 'c' | 'h' | 'w' | 'k' | 'r' | 's'> {
  readonly stride: number;
  readonly pad: number;
}

const FLOAT_BYTES = 4;

function results({ h, w, r, s, stride, pad }: ConvShape): { p: number; q: number } {
  return { p: Math.floor((h + 2 * pad - r) / stride) + 1, q: Math.floor((w + 2 * pad - s) / stride) + 1 };
}

/** Multiply-adds of a convolution, those with zeros of padding included. */
export function convMacs(shape: ConvShape): number {
  const { p, q } = results(shape);
  return shape.n * shape.k * p * q * shape.c * shape.r * shape.s;
}

/** Cycles of a direct convolution in fp32 on one core, called over and over on the same operands, in its vector clock. */
export function convCycles(system: SystemSpec, pipeline: Pipeline, shape: ConvShape): number {
  const { stride, pad, ...sizes } = shape;
  const conv = convLoops({
    ...sizes,
    ...results(shape),
    phase: 'forward',
    stride: [stride, stride],
    padding: [pad, pad, pad, pad],
    dilation: [1, 1],
    groups: 1,
    transposed: false,
  });
  const one: SystemSpec = { ...system, cores: 1 };
  const caches = cacheSizes(one, 1);
  const bytes = FLOAT_BYTES * (conv.operandElements + conv.weightElements + conv.resultElements);
  const level = levelOf(caches, bytes);
  const ways = convWays(conv, {
    math: { set: one.vectors, bits: WIDEST[one.vectors], format: 'fp32', dotProducts: one.dotProducts },
    elementBytes: FLOAT_BYTES,
    sumBytes: FLOAT_BYTES,
    resultBytes: FLOAT_BYTES,
    caches,
    origin: { operand: level, weights: level, result: level },
    cores: 1,
  });
  const { coreCycles, callCycles } = fastestWay(ways, pipeline, one);
  return coreCycles + callCycles;
}
