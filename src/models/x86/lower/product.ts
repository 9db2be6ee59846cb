import type { CacheSizes } from '../units/caches.ts';
import { levelOf } from '../units/caches.ts';
import { type Origin, packedProduct, type Product } from './gemm.ts';
import type { GemmLibrary } from './library.ts';
import type { Nest } from './nest.ts';
import { isSmall, smallProduct } from './small-gemm.ts';

/** Loop nests of a product on one core, with the kernels that the library picks. */
export function productNests(product: Product, library: GemmLibrary, caches: CacheSizes, origin: Origin): Nest[] {
  if (library.small === null || !isSmall(product)) return packedProduct(product, library.blocking, caches, origin);
  return smallProduct(product, product.transB ? library.small.transposedB : library.small.plain, caches, origin);
}

/** Operands of a call that follows equal ones: they lie where all of them fit. */
export function repeatedOrigin({ m, n, k, elementBytes, sumBytes }: Product, caches: CacheSizes): Origin {
  const level = levelOf(caches, (m * k + k * n) * elementBytes + m * n * sumBytes);
  return { left: level, right: level, result: level };
}
