/**
 * A second, slow reading of the definition of a format, to hold the fast code against: every value of it in a sorted list,
 * and rounding as a search in that list.
 */
export interface EnumeratedFormat {
  /** Magnitudes by bit pattern without the sign, which is also ascending order; finite ones only. */
  readonly magnitudes: readonly number[];
  /** Where the next magnitude would lie if the exponent went on: halfway to it, nearest rounding overflows. */
  readonly beyond: number;
}

/** `finitePatterns`: how many patterns, counted from 0, stand for finite magnitudes. */
export function enumerate(exponentBits: number, fractionBits: number, finitePatterns: number): EnumeratedFormat {
  const bias = (1 << (exponentBits - 1)) - 1;
  const at = (pattern: number): number => {
    const digits = pattern.toString(2).padStart(exponentBits + 1 + fractionBits, '0');
    const exponent = Number.parseInt(digits.slice(0, -fractionBits), 2);
    const fraction = Number.parseInt(digits.slice(-fractionBits), 2);
    const hidden = exponent === 0 ? 0 : 2 ** fractionBits;
    return (hidden + fraction) * 2 ** (Math.max(exponent, 1) - bias - fractionBits);
  };
  return {
    magnitudes: Array.from({ length: finitePatterns }, (_, pattern) => at(pattern)),
    beyond: at(finitePatterns),
  };
}

/** The formats small enough to list. Patterns without the sign: all, less one exponent for infinity and NaN, or one NaN. */
export const ENUMERATED = {
  bf16: enumerate(8, 7, 0x7f80),
  fp16: enumerate(5, 10, 0x7c00),
  fp8e5m2: enumerate(5, 2, 0x7c),
  fp8e4m3: enumerate(4, 3, 0x7f),
} as const;

/** Pattern of the largest magnitude not above `magnitude`. */
export function patternBelow({ magnitudes }: EnumeratedFormat, magnitude: number): number {
  let low = 0;
  let high = magnitudes.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (magnitudes[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  return low;
}

/** Nearest of the list, the even pattern of two equally near; `magnitudes.length` stands for overflow. */
export function nearestPattern(format: EnumeratedFormat, magnitude: number): number {
  const below = patternBelow(format, magnitude);
  const lower = format.magnitudes[below]!;
  const upper = format.magnitudes[below + 1] ?? format.beyond;
  // Both differences are exact: the three numbers lie within a factor of two, or `lower` is 0.
  const difference = magnitude - lower - (upper - magnitude);
  if (difference === 0) return below % 2 === 0 ? below : below + 1;
  return difference < 0 ? below : below + 1;
}
