import { ModelBug } from '../../errors.ts';
import { type Rounding, roundInteger } from './rounding.ts';

/**
 * Uniform quantisation: real = scale * (integer - zeroPoint), the scale in fp32, so that real arithmetic becomes integer
 * arithmetic (Jacob 2018, arXiv 1712.05877). The integers are two's complement, `lowest` ... `highest`.
 */
export interface AffineGrid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface AffineOptions {
  readonly bits: 4 | 8;
  /** Zero point 0 and no lowest integer without a counterpart (-127 ... 127): for weights. */
  readonly symmetric: boolean;
}

/**
 * The grid whose 2^bits integers span minimum ... maximum, after that range is widened to hold 0, which is then exact. Every
 * value of the range lies at most half a scale from its integer. A range of only 0 gets the scale 1.
 */
export function affineGrid(minimum: number, maximum: number, { bits, symmetric }: AffineOptions): AffineGrid {
  if (!Number.isFinite(minimum) || !Number.isFinite(maximum) || minimum > maximum) {
    throw new ModelBug(`no quantisation spans ${minimum} ... ${maximum}`);
  }
  const highest = 2 ** (bits - 1) - 1;
  if (symmetric) {
    const scale = scaleFor(Math.max(Math.abs(minimum), Math.abs(maximum)), highest);
    return { scale, zeroPoint: 0, lowest: -highest, highest };
  }
  const low = Math.min(minimum, 0);
  const lowest = -highest - 1;
  const scale = scaleFor(Math.max(maximum, 0) - low, highest - lowest);
  return { scale, zeroPoint: lowest + Math.round(-low / scale), lowest, highest };
}

function scaleFor(span: number, steps: number): number {
  const scale = Math.fround(span / steps);
  return scale === 0 ? 1 : scale;
}

export function quantizeValue(value: number, grid: AffineGrid, rounding: Rounding): number {
  const integer = roundInteger(value / grid.scale, rounding) + grid.zeroPoint;
  return Math.min(Math.max(integer, grid.lowest), grid.highest);
}

export function dequantizeValue(integer: number, grid: AffineGrid): number {
  return grid.scale * (integer - grid.zeroPoint);
}
