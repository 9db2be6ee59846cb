// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/** What the WebAssembly module exports; kernels/module.ts gives the same signatures to TypeScript. */
export { planeForward, planeInputGradient, planeWeightGradient } from './depthwise';
export { collect, scatterAdd, spread } from './image';
export { multiply, packLeft, scratchBytes } from './product';
export { multiplyRow, outerProduct } from './row';
export { allFinite, descend, descendAlong } from './whole';
