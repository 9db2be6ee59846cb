import type { FloatFormat } from './float-format.ts';
import { formatFacts } from './format-facts.ts';
import { createRounder, overflowValue } from './round-number.ts';
import type { RandomUint32, Rounding } from './rounding.ts';

const SIGN = 0x80000000;
const MAGNITUDE = 0x7fffffff;
const FP32_LOWEST_EXPONENT = -126;

const scalar = new Float32Array(1);
const scalarBits = new Uint32Array(scalar.buffer);

function bitsOf(value: number): number {
  scalar[0] = value;
  return scalarBits[0]!;
}

/** A format as the loops below need it; `...Bits` are patterns of fp32 magnitudes. */
interface Plan {
  /** Fraction bits of fp32 that the format lacks. */
  readonly droppedBits: number;
  readonly droppedMask: number;
  /** Where dropping bits is all there is to rounding: the exponents of the format's normal numbers. */
  readonly ordinaryFromBits: number;
  readonly ordinaryBelowBits: number;
  readonly largestBits: number;
  /** What a finite number becomes that is rounded beyond the largest. */
  readonly beyondBits: number;
  /**
   * For subnormal numbers of the format, whose last place fp32 has in numbers from here on: adding it and taking it away again rounds to the
   * nearest of them. 0 if the format has none, or none that are rounded otherwise than its normal numbers.
   */
  readonly subnormalShift: number;
  /** Rounds everything else: subnormal numbers of the format, far too large ones, infinity, NaN. */
  readonly roundOther: (value: number) => number;
}

function planFor(format: FloatFormat, rounding: Rounding): Plan {
  const { largest, smallestNormal, lowestExponent, highestExponent, lowestQuantum } = formatFacts(format);
  const droppedBits = 23 - format.fractionBits;
  // With fp32's own exponents the subnormal patterns lie a fixed step apart as the normal ones of one exponent do.
  const subnormalsAlike = format.hasSubnormals && lowestExponent === FP32_LOWEST_EXPONENT;
  return {
    droppedBits,
    droppedMask: 2 ** droppedBits - 1,
    ordinaryFromBits: subnormalsAlike ? 0 : bitsOf(smallestNormal),
    ordinaryBelowBits: bitsOf(2 ** (highestExponent + 1)),
    largestBits: bitsOf(largest),
    beyondBits: bitsOf(rounding.mode === 'toward-zero' ? largest : overflowValue(format, rounding)),
    subnormalShift: format.hasSubnormals && !subnormalsAlike ? lowestQuantum * 2 ** 23 : 0,
    roundOther: createRounder(format, rounding),
  };
}

/**
 * Rounds every value in place to what `format` can hold; NaN stays. Works on the bits of the same buffer: fp32 patterns of
 * one sign are ordered like the numbers, so adding to a pattern carries from the fraction into the exponent as it must.
 */
export function roundFloat32(values: Float32Array, format: FloatFormat, rounding: Rounding): void {
  const plan = planFor(format, rounding);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  if (rounding.mode === 'stochastic') roundStochastic(values, bits, plan, rounding.random);
  else if (rounding.mode === 'nearest-even') roundNearestEven(values, bits, plan);
  else roundTowardZero(values, bits, plan);
}

function roundNearestEven(values: Float32Array, bits: Uint32Array, plan: Plan): void {
  const { droppedBits, droppedMask, ordinaryFromBits, ordinaryBelowBits, largestBits, beyondBits, roundOther } = plan;
  const { subnormalShift } = plan;
  // Just under half of the last place kept, and the last bit kept: together they carry exactly when rounding up.
  const underHalf = droppedMask >>> 1;
  const lastBit = droppedBits === 0 ? 0 : 1;
  for (let index = 0; index < bits.length; index++) {
    const magnitude = bits[index]! & MAGNITUDE;
    if (magnitude >= ordinaryFromBits && magnitude < ordinaryBelowBits) {
      const rounded = (magnitude + underHalf + ((magnitude >>> droppedBits) & lastBit)) & ~droppedMask;
      bits[index] = (bits[index]! & SIGN) | (rounded > largestBits ? beyondBits : rounded);
    } else if (magnitude < ordinaryFromBits && subnormalShift > 0) {
      const sign = bits[index]! & SIGN;
      // The sum is exact in float64 wherever it is near a tie, so it is rounded once.
      values[index] = Math.fround(Math.abs(values[index]!) + subnormalShift) - subnormalShift;
      bits[index]! |= sign;
    } else {
      values[index] = roundOther(values[index]!);
    }
  }
}

function roundTowardZero(values: Float32Array, bits: Uint32Array, plan: Plan): void {
  const { droppedMask, ordinaryFromBits, ordinaryBelowBits, largestBits, beyondBits, roundOther } = plan;
  for (let index = 0; index < bits.length; index++) {
    const magnitude = bits[index]! & MAGNITUDE;
    if (magnitude >= ordinaryFromBits && magnitude < ordinaryBelowBits) {
      const rounded = magnitude & ~droppedMask;
      bits[index] = (bits[index]! & SIGN) | (rounded > largestBits ? beyondBits : rounded);
    } else {
      values[index] = roundOther(values[index]!);
    }
  }
}

/** As `drawBelow` decides, but the dropped bits are so few that one random word always does. */
function roundStochastic(values: Float32Array, bits: Uint32Array, plan: Plan, random: RandomUint32): void {
  const { droppedBits, droppedMask, ordinaryFromBits, ordinaryBelowBits, largestBits, beyondBits, roundOther } = plan;
  const unusedBits = 32 - droppedBits;
  for (let index = 0; index < bits.length; index++) {
    const magnitude = bits[index]! & MAGNITUDE;
    if (magnitude >= ordinaryFromBits && magnitude < ordinaryBelowBits) {
      const dropped = magnitude & droppedMask;
      let rounded = magnitude - dropped;
      if (dropped !== 0 && random() >>> unusedBits < dropped) rounded += droppedMask + 1;
      bits[index] = (bits[index]! & SIGN) | (rounded > largestBits ? beyondBits : rounded);
    } else {
      values[index] = roundOther(values[index]!);
    }
  }
}
