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
  if ((length & 1) === 0) return;
  const weight = <f64>load<f32>(weights);
  const change = <f64>load<f32>(gradients) * factor + decay * weight;
  store<f32>(weights, <f32>(weight - rate * change));
}
