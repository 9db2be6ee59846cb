import type { GpuSpec } from '../spec.ts';
import { convProduct, convTiles, slicedCandidates } from './conv-tiles.ts';
import { type Convolution, convBytes } from './convolution.ts';
import type { Candidate } from './gemm.ts';

/** Implicit GEMM on plain pipes. Channels and taps are one dimension, so that few channels leave nothing empty. */
export function cudaConvCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { pass, n, c, h, w, k, r, s, p, q, groups, stride } = conv;
  const bytes = convBytes(conv);
  const tiles = convTiles(spec.library.cudaTiles, 1);
  const [channels, filters, pixels] = [c / groups, k / groups, n * p * q];
  if (pass === 'forward') {
    const product = { ...convProduct(conv), batch: groups, m: pixels, n: filters, k: channels * r * s };
    return slicedCandidates(spec, tiles, { ...product, leftBytes: bytes.input, rightBytes: bytes.weights }, 0);
  }
  if (pass === 'weight-gradient') {
    const product = { ...convProduct(conv), batch: groups, m: channels * r * s, n: filters, k: pixels };
    return slicedCandidates(spec, tiles, { ...product, leftBytes: bytes.input, rightBytes: bytes.result }, 2);
  }
  // Phases of a strided gradient get kernels of their own only if each of them sees a tap; else zeros are multiplied
  // too.
  const [down, across] = r >= stride[0] && s >= stride[1] ? stride : [1, 1];
  const phases = down * across;
  const product = {
    ...convProduct(conv),
    batch: groups * phases,
    m: n * Math.ceil(h / down) * Math.ceil(w / across),
    n: channels,
    k: Math.ceil((r * s) / phases) * filters,
  };
  return slicedCandidates(spec, tiles, { ...product, leftBytes: bytes.result, rightBytes: bytes.weights }, 0);
}
