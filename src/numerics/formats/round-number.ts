import type { FloatFormat } from './float-format.ts';
import { formatFacts } from './format-facts.ts';
import { type Rounding, roundMagnitude } from './rounding.ts';

const word = new Float64Array(1);
const halves = new Uint32Array(word.buffer);
/** Which half of a float64 holds its exponent depends on the machine's byte order. */
const UPPER_HALF = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Exponent of a normal float64 magnitude: the e of 1.xxx * 2^e. */
export function exponentOf(magnitude: number): number {
  word[0] = magnitude;
  return (halves[UPPER_HALF]! >>> 20) - 1023;
}

const LOWEST_POWER = -149;
/** 2^-149 ... 2^127: every distance between neighbours that a format within fp32 can have. */
const POWERS_OF_TWO = Float64Array.from({ length: 277 }, (_, index) => 2 ** (index + LOWEST_POWER));

/**
 * A function that rounds any float64 to a value of `format`, once and exactly: dividing by a power of two loses nothing, so
 * only the step to an integer number of last places rounds. Zeros and results of zero keep their sign.
 */
export function createRounder(format: FloatFormat, rounding: Rounding): (value: number) => number {
  const { largest, highestExponent, smallestNormal, lowestQuantum } = formatFacts(format);
  const { hasSubnormals, fractionBits } = format;
  const beyond = overflowValue(format, rounding);
  const beyondFinite = rounding.mode === 'toward-zero' ? largest : beyond;
  const limit = 2 ** (highestExponent + 1);

  const roundFinite = (magnitude: number): number => {
    if (magnitude >= limit) return beyondFinite;
    let quantum = lowestQuantum;
    if (magnitude >= smallestNormal) quantum = POWERS_OF_TWO[exponentOf(magnitude) - fractionBits - LOWEST_POWER]!;
    else if (!hasSubnormals) return 0;
    const rounded = roundMagnitude(magnitude / quantum, rounding) * quantum;
    return rounded > largest ? beyondFinite : rounded;
  };

  return (value) => {
    if (Number.isNaN(value)) return value;
    const magnitude = Math.abs(value);
    const rounded = magnitude === Number.POSITIVE_INFINITY ? beyond : roundFinite(magnitude);
    return value < 0 || Object.is(value, -0) ? -rounded : rounded;
  };
}

/** What stands for a magnitude beyond the largest number of the format. */
export function overflowValue(format: FloatFormat, rounding: Rounding): number {
  if (rounding.overflow === 'saturate') return formatFacts(format).largest;
  return format.hasInfinity ? Number.POSITIVE_INFINITY : Number.NaN;
}
