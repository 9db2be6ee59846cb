import { InputError } from '../../errors.ts';
import type { Product } from './lower/gemm.ts';
import { gemmLibrary } from './lower/library.ts';
import { productNests, repeatedOrigin } from './lower/product.ts';
import type { SystemSpec } from './system.ts';
import { cacheSizes } from './units/caches.ts';
import type { Pipeline } from './units/pipeline.ts';
import { timeWay } from './units/way-time.ts';

/** Cycles of a product on one core, called over and over on the same operands, in its vector clock. Throws InputError. */
export function productCycles(
  system: SystemSpec,
  pipeline: Pipeline,
  format: 'fp32' | 'fp64',
  product: Product,
): number {
  if (format === 'fp64' && system.vectors === 'sse')
    throw InputError.of('precision', '"fp64"', 'write fp32: there are no kernels of SSE for fp64');
  const caches = cacheSizes(system, 1);
  const library = gemmLibrary(system.vectors, format, system.dotProducts);
  const nests = productNests(product, library, caches, repeatedOrigin(product, caches));
  const { coreCycles, callCycles } = timeWay({ nests, active: 1, share: 1 }, pipeline, system);
  return coreCycles + callCycles;
}
