import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { convProduct, convTiles, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes } from './convolution.ts';
import type { Candidate, Product } from './gemm.ts';
import { streamKernel } from './stream.ts';

/**
 * Implicit GEMM on tensor cores, activations in NHWC. A main-loop step reads channels of one filter tap, so that few
 * channels leave part of its depth empty; the kernels come in large tiles only, so that few filters leave part of
 * their width empty.
 */
const STEP_CHANNELS = 32;
/** cuDNN 7 names its Volta kernels s884cudnn 256x128, 256x64 and 128x128. */
const MIN_RESULTS = 128 * 128;

export function tensorConvCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const tiles = convTiles(spec.library.tensorTiles, MIN_RESULTS);
  const { pass, r, s, stride } = conv;
  if (pass === 'forward') {
    // Kernels for unit stride work their addresses out as they go; of cuDNN 7's kernels they alone are sliced.
    if (stride[0] * stride[1] === 1) return slicedCandidates(spec, tiles, forward(conv), 1);
    return afterOffsets(spec, conv, slicedCandidates(spec, tiles, forward(conv), conv.tensorOnly ? 0 : 1));
  }
  if (pass === 'input-gradient') return afterOffsets(spec, conv, slicedCandidates(spec, tiles, inputGradient(conv), 0));
  const candidates = slicedCandidates(spec, tiles, weightGradient(conv), 2);
  return r * s > 1 ? afterOffsets(spec, conv, candidates) : candidates;
}

function forward(conv: Convolution): Product {
  const { n, c, k, r, s, p, q, groups } = conv;
  const bytes = convBytes(conv);
  return {
    ...convProduct(conv),
    batch: groups,
    m: n * p * q,
    n: k / groups,
    k: r * s * inSteps(c / groups),
    leftBytes: bytes.input,
    rightBytes: bytes.weights,
  };
}

/** Strided: inputs fall into phases that see different taps; those that see none become zero. */
function inputGradient(conv: Convolution): Product {
  const { n, c, h, w, k, r, s, groups, stride } = conv;
  const bytes = convBytes(conv);
  const phases = stride[0] * stride[1];
  const seeing = Math.min(r, stride[0]) * Math.min(s, stride[1]);
  return {
    ...convProduct(conv),
    // Zeros of the other phases are counted with the results of these.
    resultBytes: (conv.resultBytes * phases) / seeing,
    batch: groups * seeing,
    m: n * Math.ceil(h / stride[0]) * Math.ceil(w / stride[1]),
    n: c / groups,
    k: Math.ceil((r * s) / seeing) * inSteps(k / groups),
    leftBytes: bytes.result,
    rightBytes: bytes.weights,
  };
}

/** The reduction runs over the pixels of all images. */
function weightGradient(conv: Convolution): Product {
  const { n, c, k, r, s, p, q, groups } = conv;
  const bytes = convBytes(conv);
  return {
    ...convProduct(conv),
    batch: groups,
    m: r * s * inSteps(c / groups),
    n: k / groups,
    k: n * p * q,
    leftBytes: bytes.input,
    rightBytes: bytes.result,
  };
}

function inSteps(channels: number): number {
  return Math.ceil(channels / STEP_CHANNELS) * STEP_CHANNELS;
}

/**
 * A small kernel works out where every channel of every tap lies: the "precomputed" of cuDNN's implicit precomputed
 * GEMM.
 */
function afterOffsets(spec: GpuSpec, { r, s }: Convolution, candidates: readonly Candidate[]): Candidate[] {
  const offsets: Kernel = streamKernel(spec, {
    name: 'offsets of taps',
    elements: r * s * STEP_CHANNELS,
    readBytesPerElement: 0,
    writeBytesPerElement: 4,
    aluPerElement: 10,
    sfuPerElement: 0,
    offChipReadShare: 0,
    offChipWriteShare: 0,
  });
  return candidates.map((kernels) => [offsets, ...kernels]);
}
