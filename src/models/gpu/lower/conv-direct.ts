import type { GpuSpec } from '../spec.ts';
import { type Convolution, convBytes, convMacs } from './convolution.ts';
import type { Candidate } from './gemm.ts';
import { streamKernel } from './stream.ts';

/** Channels of a group, and products per result, up to which a thread may as well compute it alone. */
const MAX_CHANNELS = 4;
const MAX_PRODUCTS = 1024;

/**
 * Depthwise, or grouped with few channels to a group. An image's first layer has few channels too, but libraries compute it
 * as others: in DeepBench's rows of one and three channels it runs at the rate of a product.
 */
export function isNarrow(conv: Convolution): boolean {
  const few = conv.c / conv.groups <= MAX_CHANNELS && convMacs(conv) <= MAX_PRODUCTS * elementsOf(conv);
  return few && conv.groups > 1;
}

/**
 * Results that threads are given. Weight gradients are few and each sums up all pixels: there the pixels are shared
 * out.
 */
function elementsOf({ pass, n, c, h, w, k, p, q }: Convolution): number {
  return pass === 'input-gradient' ? n * c * h * w : n * k * p * q;
}

/**
 * Every thread sums results up one by one on the plain pipes and finds the operands it shares with its neighbours in
 * cache, so that memory sees every tensor once.
 */
export function directCandidate(spec: GpuSpec, conv: Convolution): Candidate {
  const bytes = convBytes(conv);
  const macs = convMacs(conv);
  const written = { forward: bytes.result, 'input-gradient': bytes.input, 'weight-gradient': bytes.weights }[conv.pass];
  const elements = elementsOf(conv);
  const kernel = streamKernel(spec, {
    name: `direct ${conv.precision}`,
    elements,
    readBytesPerElement: (bytes.all - written) / elements,
    writeBytesPerElement: written / elements,
    aluPerElement: macs / elements,
    sfuPerElement: 0,
    offChipReadShare: 1,
    offChipWriteShare: 1,
  });
  return [{ ...kernel, macsDone: macs }];
}
