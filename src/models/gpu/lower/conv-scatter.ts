import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { convProduct } from './conv-tiles.ts';
import { type Convolution, convBytes, offChipShare } from './convolution.ts';
import { type Candidate, tiledCandidate } from './gemm.ts';
import { streamKernel } from './stream.ts';

/**
 * An input gradient as one product of all taps of all channels by all results, whose sums are added to the image in place (cuDNN's
 * algorithm 0, "the sum is done using the atomic add operation"; its kernels are called dgrad_engine). Strides and few
 * channels waste nothing, but memory's adders see every tap.
 */
export function scatteredCandidates(spec: GpuSpec, conv: Convolution): Candidate[] {
  const { scatter } = spec.library;
  if (scatter === undefined) return [];
  const { n, c, k, r, s, p, q, groups, precision } = conv;
  const bytes = convBytes(conv);
  const math = spec.math[precision]!;
  // Compiled from C++, unlike the kernels that are scheduled by hand.
  const slower = { ...math, occupiesCycles: math.occupiesCycles / scatter.mathShare };
  const compiled: GpuSpec = { ...spec, math: { ...spec.math, [precision]: slower } };
  const product = {
    ...convProduct(conv),
    batch: groups,
    m: (c / groups) * r * s,
    n: n * p * q,
    k: k / groups,
    leftBytes: bytes.weights,
    rightBytes: bytes.result,
  };
  const kernels = tiledCandidate(compiled, scatter.tile, product, 1);
  return kernels === null ? [] : [[zeros(spec, conv), ...kernels.map((kernel) => adding(spec, conv, kernel))]];
}

/** The same kernel with sums that go to the adders of L2; memory sees the image once, as far as L2 cannot hold it. */
function adding(spec: GpuSpec, conv: Convolution, kernel: Kernel): Kernel {
  const { scatter } = spec.library;
  const ratePerSm = (scatter!.addsPerCycle * conv.resultBytes) / spec.sms;
  const image = convBytes(conv).input;
  return {
    ...kernel,
    name: `scattered ${kernel.name}`,
    programKey: `scattered ${kernel.programKey}`,
    offChipResultShare: Math.min(1, (image * offChipShare(spec, image)) / kernel.resultWriteBytes),
    program: (rates) =>
      kernel.program({ ...rates, resultBytesPerCycle: Math.min(rates.resultBytesPerCycle, ratePerSm) }),
  };
}

/** Writes the image's gradient full of zeros. */
export function zeros(spec: GpuSpec, { n, c, h, w, resultBytes }: Convolution): Kernel {
  const elements = n * c * h * w;
  return streamKernel(spec, {
    name: 'zeros',
    elements,
    readBytesPerElement: 0,
    writeBytesPerElement: resultBytes,
    aluPerElement: 1,
    sfuPerElement: 0,
    offChipReadShare: 0,
    offChipWriteShare: offChipShare(spec, elements * resultBytes),
  });
}
