import type { Kind } from './kind.ts';
import { X86_CONVOLUTIONS } from './x86-convolutions.ts';
import { X86_PRODUCTS } from './x86-products.ts';

/** Kinds of measurements that need `loadX86Kernels`. */
export const X86_KINDS: readonly Kind[] = [X86_PRODUCTS, X86_CONVOLUTIONS];
