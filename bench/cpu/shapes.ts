import type { ConvShape } from '../../src/models/x86/conv-cycles.ts';

/** Layers of ResNet-50 that differ, for one image: c h w k r stride pad. */
const RESNET50: readonly (readonly [number, number, number, number, number, number, number])[] = [
  [3, 224, 224, 64, 7, 2, 3],
  [64, 56, 56, 64, 1, 1, 0],
  [64, 56, 56, 64, 3, 1, 1],
  [64, 56, 56, 256, 1, 1, 0],
  [256, 56, 56, 64, 1, 1, 0],
  [256, 56, 56, 128, 1, 1, 0],
  [128, 56, 56, 128, 3, 2, 1],
  [256, 56, 56, 512, 1, 2, 0],
  [128, 28, 28, 512, 1, 1, 0],
  [512, 28, 28, 128, 1, 1, 0],
  [128, 28, 28, 128, 3, 1, 1],
  [512, 28, 28, 256, 1, 1, 0],
  [256, 28, 28, 256, 3, 2, 1],
  [512, 28, 28, 1024, 1, 2, 0],
  [256, 14, 14, 1024, 1, 1, 0],
  [1024, 14, 14, 256, 1, 1, 0],
  [256, 14, 14, 256, 3, 1, 1],
  [1024, 14, 14, 512, 1, 1, 0],
  [512, 14, 14, 512, 3, 2, 1],
  [1024, 14, 14, 2048, 1, 2, 0],
  [512, 7, 7, 2048, 1, 1, 0],
  [2048, 7, 7, 512, 1, 1, 0],
  [512, 7, 7, 512, 3, 1, 1],
];
/** Those, and squares of one number of channels: what kernels do with small maps, deep sums, a few images. */
export const CONVOLUTIONS: readonly ConvShape[] = [
  ...RESNET50.map(([c, h, w, k, r, stride, pad]) => ({ n: 1, c, h, w, k, r, s: r, stride, pad })),
  ...(
    [
      [32, 14, 3],
      [64, 14, 3],
      [128, 14, 3],
      [512, 14, 3],
      [128, 7, 3],
      [256, 7, 3],
      [32, 28, 3],
      [64, 28, 3],
      [256, 28, 3],
      [64, 112, 3],
      [64, 24, 5],
      [64, 24, 1],
      [256, 24, 1],
    ] as const
  ).map(([c, h, r]) => ({ n: 1, c, h, w: h, k: c, r, s: r, stride: 1, pad: (r - 1) / 2 })),
  { n: 4, c: 512, h: 7, w: 7, k: 512, r: 3, s: 3, stride: 1, pad: 1 },
  { n: 4, c: 256, h: 14, w: 14, k: 256, r: 3, s: 3, stride: 1, pad: 1 },
];

/** A product by BLAS's arguments. */
export interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
}
export const PRODUCTS: readonly ProductShape[] = [
  ...[32, 64, 128, 256, 512, 1024].map((size) => ({ m: size, n: size, k: size, transA: false, transB: false })),
  { m: 512, n: 512, k: 512, transA: true, transB: false },
  { m: 512, n: 512, k: 512, transA: false, transB: true },
  { m: 64, n: 3136, k: 576, transA: false, transB: false },
  { m: 512, n: 49, k: 4608, transA: false, transB: false },
];
