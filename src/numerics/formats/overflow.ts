const EXPONENT = 0x7f800000;

/** Index of the first infinity or NaN, or null: what loss scaling calls an overflow. Looks only at exponents. */
export function firstNotFinite(values: Float32Array): number | null {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < bits.length; index++) {
    if ((bits[index]! & EXPONENT) === EXPONENT) return index;
  }
  return null;
}
