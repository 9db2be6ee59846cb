// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/** Passes over whole tensors: what a training step does with every weight besides products. */

/** Bits of the exponent, all set in NaN and infinity alone. */
const EXPONENT: i32 = 0x7f800000;

export function allFinite(values: usize, length: i32): bool {
  const exponent = i32x4.splat(EXPONENT);
  const whole = values + <usize>(length & ~3) * 4;
  const end = values + <usize>length * 4;
  let found = i32x4.splat(0);
  for (; values < whole; values += 16) {
    found = v128.or(found, i32x4.eq(v128.and(v128.load(values), exponent), exponent));
  }
  if (v128.any_true(found)) return false;
  for (; values < end; values += 4) if ((load<i32>(values) & EXPONENT) === EXPONENT) return false;
  return true;
}

/** Two weights after a step, in double precision. */
function descended(weight: v128, gradient: v128, rate: v128, factor: v128, decay: v128): v128 {
  const change = f64x2.add(f64x2.mul(gradient, factor), f64x2.mul(decay, weight));
  return f64x2.sub(weight, f64x2.mul(rate, change));
}

/** Bits of one weight after a step. */
function descendOne(weights: usize, gradient: f32, rate: f64, factor: f64, decay: f64): void {
  const weight = <f64>load<f32>(weights);
  store<f32>(weights, <f32>(weight - rate * (<f64>gradient * factor + decay * weight)));
}

/** weights -= rate (factor gradients + decay weights), computed in double precision and rounded once. */
export function descend(weights: usize, gradients: usize, length: i32, rate: f64, factor: f64, decay: f64): void {
  const rates = f64x2.splat(rate);
  const factors = f64x2.splat(factor);
  const decays = f64x2.splat(decay);
  const whole = weights + <usize>(length & ~1) * 4;
  for (; weights < whole; weights += 8) {
    const weight = f64x2.promote_low_f32x4(v128.load64_zero(weights));
    const gradient = f64x2.promote_low_f32x4(v128.load64_zero(gradients));
    const result = descended(weight, gradient, rates, factors, decays);
    v128.store64_lane(weights, f32x4.demote_f64x2_zero(result), 0);
    gradients += 8;
  }
  if ((length & 1) !== 0) descendOne(weights, load<f32>(gradients), rate, factor, decay);
}

/**
 * The same with column[i] row[j], rounded, as the gradient of weight [i, j]. Where the column is 0 no finite weight changes without
 * decay: behind a rectifier that is half of the rows.
 */
export function descendAlong(
  weights: usize,
  rows: i32,
  columns: i32,
  column: usize,
  row: usize,
  rate: f64,
  factor: f64,
  decay: f64,
): void {
  const zero = f32x4.splat(0);
  const rates = f64x2.splat(rate);
  const factors = f64x2.splat(factor);
  const decays = f64x2.splat(decay);
  const whole = row + <usize>(columns & ~1) * 4;
  for (let index = 0; index < rows; index++) {
    const value = load<f32>(column + <usize>index * 4);
    if (value === 0 && decay === 0) {
      weights += <usize>columns * 4;
      continue;
    }
    const values = f32x4.splat(value);
    for (let at = row; at < whole; at += 8) {
      const product = f32x4.add(zero, f32x4.mul(values, v128.load64_zero(at)));
      const weight = f64x2.promote_low_f32x4(v128.load64_zero(weights));
      const result = descended(weight, f64x2.promote_low_f32x4(product), rates, factors, decays);
      v128.store64_lane(weights, f32x4.demote_f64x2_zero(result), 0);
      weights += 8;
    }
    if ((columns & 1) !== 0) {
      descendOne(weights, <f32>0 + value * load<f32>(whole), rate, factor, decay);
      weights += 4;
    }
  }
}
