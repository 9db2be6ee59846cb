import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { cudaConvCandidates } from './conv-cuda.ts';
import { scatteredCandidates } from './conv-scatter.ts';
import { directCandidate, isNarrow } from './conv-direct.ts';
import { tensorConvCandidates } from './conv-tensor.ts';
import { type Convolution, isPaddedBeyondFilter, offChipShare } from './convolution.ts';
import { fftCandidates } from './fft.ts';
import type { Candidate } from './gemm.ts';
import { streamKernel } from './stream.ts';
import { winogradCandidates } from './winograd.ts';

/** The math of kernels that do without tensor cores, whatever the tensors are stored in. */
const PLAIN = 'fp32';

/** All ways the library has to compute a convolution. */
export function convCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const direct = isNarrow(conv) ? [directCandidate(spec, conv)] : [];
  if (spec.math[conv.precision]!.unit === 'cuda')
    return [...plainCandidates(spec, conv), ...winogradCandidates(spec, conv), ...fftCandidates(spec, conv), ...direct];
  const onPlain = (): Candidate[] =>
    conv.operandBytes > 1 && spec.math[PLAIN] !== undefined
      ? inLayout(spec, conv, 'NCHW', cudaConvCandidates(spec, { ...conv, precision: PLAIN }))
      : [];
  // DeepBench's rows of this kind take as long as those in fp32 and longer.
  if (conv.pass !== 'forward' && isPaddedBeyondFilter(conv)) {
    const plain = onPlain();
    if (plain.length > 0) return [...plain, ...direct];
  }
  const onTensorCores = inLayout(spec, conv, 'NHWC', tensorConvCandidates(spec, conv));
  return conv.tensorOnly ? onTensorCores : [...onTensorCores, ...onPlain(), ...direct];
}

/**
 * Products on plain pipes. Libraries that scatter input gradients have no other kernel for them where results lie apart or
 * beyond the image.
 */
function plainCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  if (conv.pass !== 'input-gradient' || spec.library.scatter === undefined) return cudaConvCandidates(spec, conv);
  const apart = conv.stride[0] * conv.stride[1] > 1 || isPaddedBeyondFilter(conv);
  return [...scatteredCandidates(spec, conv), ...(apart ? [] : cudaConvCandidates(spec, conv))];
}

/**
 * Kernels for one layout, between those that bring activations into it and results back. Weights are kept in the order
 * of the kernel.
 */
function inLayout(
  spec: GpuSpec,
  conv: Convolution,
  layout: Convolution['layout'],
  candidates: readonly Candidate[],
): Candidate[] {
  if (conv.layout === layout) return [...candidates];
  const { pass, n, c, h, w, k, p, q, operandBytes, resultBytes } = conv;
  const converted = (tensor: string, elements: number, elementBytes: number): Kernel =>
    streamKernel(spec, {
      name: `layout of ${tensor}`,
      elements,
      readBytesPerElement: elementBytes,
      writeBytesPerElement: elementBytes,
      aluPerElement: 1,
      sfuPerElement: 0,
      offChipReadShare: conv.warm ? offChipShare(spec, 2 * elements * elementBytes) : 1,
      offChipWriteShare: offChipShare(spec, 2 * elements * elementBytes),
    });
  const [inputs, results] = [n * c * h * w, n * k * p * q];
  const input = pass === 'input-gradient' ? null : converted('input', inputs, operandBytes);
  const gradient = pass === 'forward' ? null : converted('result gradient', results, operandBytes);
  const before = [input, gradient].filter((kernel) => kernel !== null);
  const after = {
    forward: [converted('result', results, resultBytes)],
    'input-gradient': [converted('input gradient', inputs, resultBytes)],
    'weight-gradient': [],
  }[pass];
  return candidates.map((kernels) => [...before, ...kernels, ...after]);
}
