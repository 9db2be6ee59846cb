/** How the right operand [k, n] of a product is given; the same numbers stand in wasm/product.ts. */
export const RIGHT_OPERAND = {
  /** Matrix [k, n]; stride in bytes. */
  across: 0,
  /** Matrix [n, k]; stride in bytes. */
  along: 1,
  /** Gathered from an image: rows are taps, columns are pixels. */
  pixels: 2,
  /** Gathered from an image: rows are pixels, columns are taps. */
  taps: 3,
} as const;

/** Address of a byte in the memory. */
type Address = number;

/** What wasm/index.ts exports. Strides and scratch sizes are in bytes, all other sizes in elements; flags are 0 or 1. */
export interface KernelModule {
  scratchBytes(): number;
  packLeft(source: Address, stride: number, along: number, m: number, k: number, target: Address): void;
  multiply(
    m: number,
    n: number,
    k: number,
    left: Address,
    kind: number,
    source: Address,
    strideOrTaps: number,
    pixels: Address,
    result: Address,
    resultStride: number,
    accumulate: number,
    scratch: Address,
  ): void;
  multiplyRow(
    n: number,
    k: number,
    left: Address,
    leftStep: number,
    along: number,
    right: Address,
    rightStride: number,
    result: Address,
    accumulate: number,
  ): void;
  outerProduct(
    m: number,
    n: number,
    left: Address,
    leftStep: number,
    right: Address,
    result: Address,
    resultStride: number,
    accumulate: number,
  ): void;
  allFinite(values: Address, length: number): number;
  descend(weights: Address, gradients: Address, length: number, rate: number, factor: number, decay: number): void;
  descendAlong(
    weights: Address,
    rows: number,
    columns: number,
    column: Address,
    row: Address,
    rate: number,
    factor: number,
    decay: number,
  ): void;
  readonly spread: MoveImage;
  readonly collect: MoveImage;
  scatterAdd(
    columns: Address,
    taps: Address,
    tapCount: number,
    p: number,
    q: number,
    image: Address,
    pixelRowStride: number,
  ): void;
  readonly planeForward: ConvolvePlane;
  readonly planeInputGradient: ConvolvePlane;
  readonly planeWeightGradient: ConvolvePlane;
}

/** Between [channels, height, width] and spread planes. */
type MoveImage = (
  source: Address,
  channels: number,
  height: number,
  width: number,
  target: Address,
  planeStride: number,
  rowStride: number,
  partStride: number,
  stride: number,
  top: number,
  left: number,
) => void;

/** One channel and one filter: two operands around the taps, and the result. */
type ConvolvePlane = (
  source: Address,
  taps: Address,
  tapCount: number,
  other: Address,
  p: number,
  q: number,
  pixelRowStride: number,
  result: Address,
) => void;

/** Compiles dist/kernels.wasm and binds it to a memory. */
export function loadModule(bytes: Uint8Array, memory: WebAssembly.Memory): KernelModule {
  const module = new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelModule;
}
