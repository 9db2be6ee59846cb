import type { Kernel } from '../kernel.ts';
import type { GpuSpec } from '../spec.ts';
import { type LastAxis, type RowPass, rowKernel } from './vector-rows.ts';

/**
 * Largest value; sum of exponentials; exponential over sum. In 32-bit arithmetic: conversion and maximum; conversion, difference,
 * exponential with range reduction, sum; the same and a division, rounded once, and conversion.
 */
const PASSES: readonly RowPass[] = [
  { alu: 3, sfu: 0 },
  { alu: 12, sfu: 1 },
  { alu: 20, sfu: 2 },
];
const MAX_THREADS = 1024;

export function softmaxKernels(spec: GpuSpec, softmax: LastAxis): Kernel[] {
  return [rowKernel(spec, { ...softmax, name: 'softmax', passes: PASSES, maxThreads: MAX_THREADS })];
}
