/**
 * A binary floating-point format: one sign bit, `exponentBits` biased by `bias`, `fractionBits` below the hidden bit.
 * No format here is wider than fp32 in any field, so every value is a float32 and rounding can work on its bits.
 */
export interface FloatFormat {
  readonly name: string;
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /**
   * True: the highest exponent is kept for infinity and NaN (IEEE 754). False: it holds numbers as well, there is no
   * infinity, and only the pattern of all ones is NaN.
   */
  readonly hasInfinity: boolean;
  /** False: a magnitude below the smallest normal number becomes a zero of the same sign, however it is rounded. */
  readonly hasSubnormals: boolean;
}

function ieee(name: string, exponentBits: number, fractionBits: number): FloatFormat {
  const bias = 2 ** (exponentBits - 1) - 1;
  return { name, exponentBits, fractionBits, bias, hasInfinity: true, hasSubnormals: true };
}

/**
 * The formats a trace can name. tf32: 19 bits that travel in 32 (Ampere white paper). bf16: the upper half of fp32.
 * fp8e5m2: the (1,5,2) of Mellempudi 2019, also OCP OFP8. fp8e4m3: OCP OFP8, without infinity so that it reaches 448.
 */
export const FLOAT_FORMATS = {
  fp32: ieee('fp32', 8, 23),
  tf32: ieee('tf32', 8, 10),
  bf16: ieee('bf16', 8, 7),
  fp16: ieee('fp16', 5, 10),
  fp8e5m2: ieee('fp8e5m2', 5, 2),
  fp8e4m3: { ...ieee('fp8e4m3', 4, 3), hasInfinity: false },
} as const satisfies Record<string, FloatFormat>;

/** (1,4,3) with the highest exponent kept for infinity and NaN: reaches 240. */
export const FP8_E4M3_IEEE = ieee('fp8e4m3-ieee', 4, 3);

/** (1,6,9), the 16-bit accumulator of Wang 2018 (arXiv 1812.08011): more range than fp16, one bit less of fraction. */
export const FP16_E6M9 = ieee('fp16e6m9', 6, 9);

/** bf16 as Intel's hardware has it: subnormal numbers count as zero (bfloat16 numerics definition, 2018). */
export const BF16_FLUSHED: FloatFormat = { ...FLOAT_FORMATS.bf16, name: 'bf16-flushed', hasSubnormals: false };
