// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/**
 * One channel convolved with one filter, without matrices. The plane is spread (image.ts), so tap t meets the pixels of output row
 * p at plane + taps[t] + p * pixelRowStride, side by side. Strides and offsets are in bytes.
 */

/** output[p, q] = plane * weights[tapCount]. */
export function planeForward(
  plane: usize,
  taps: usize,
  tapCount: i32,
  weights: usize,
  p: i32,
  q: i32,
  pixelRowStride: usize,
  output: usize,
): void {
  const rowBytes = <usize>q * 4;
  for (let row = 0; row < p; row++) {
    const from = plane + <usize>row * pixelRowStride;
    const to = output + <usize>row * rowBytes;
    let column = 0;
    for (; column + 16 <= q; column += 16) {
      const offset = <usize>column * 4;
      sixteenPixels(from + offset, taps, tapCount, weights, to + offset);
    }
    for (; column + 4 <= q; column += 4) {
      const offset = <usize>column * 4;
      fourPixels(from + offset, taps, tapCount, weights, to + offset);
    }
    for (; column < q; column++) {
      const offset = <usize>column * 4;
      let sum: f32 = 0;
      for (let tap = 0; tap < tapCount; tap++) {
        sum += load<f32>(weights + <usize>tap * 4) * load<f32>(from + offset + load<u32>(taps + <usize>tap * 4));
      }
      store<f32>(to + offset, sum);
    }
  }
}

function sixteenPixels(from: usize, taps: usize, tapCount: i32, weights: usize, to: usize): void {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  const end = taps + <usize>tapCount * 4;
  while (taps < end) {
    const pixels = from + load<u32>(taps);
    const weight = v128.load_splat<f32>(weights);
    sum0 = f32x4.add(sum0, f32x4.mul(weight, v128.load(pixels)));
    sum1 = f32x4.add(sum1, f32x4.mul(weight, v128.load(pixels, 16)));
    sum2 = f32x4.add(sum2, f32x4.mul(weight, v128.load(pixels, 32)));
    sum3 = f32x4.add(sum3, f32x4.mul(weight, v128.load(pixels, 48)));
    taps += 4;
    weights += 4;
  }
  v128.store(to, sum0);
  v128.store(to, sum1, 16);
  v128.store(to, sum2, 32);
  v128.store(to, sum3, 48);
}

function fourPixels(from: usize, taps: usize, tapCount: i32, weights: usize, to: usize): void {
  let sum = f32x4.splat(0);
  for (let tap = 0; tap < tapCount; tap++) {
    const offset = <usize>tap * 4;
    const pixels = v128.load(from + load<u32>(taps + offset));
    sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(weights + offset), pixels));
  }
  v128.store(to, sum);
}

/** plane += the output gradient [p, q] spread by weights[tapCount]. */
export function planeInputGradient(
  gradient: usize,
  taps: usize,
  tapCount: i32,
  weights: usize,
  p: i32,
  q: i32,
  pixelRowStride: usize,
  plane: usize,
): void {
  const rowBytes = <usize>q * 4;
  const wholeBytes = <usize>(q & ~3) * 4;
  for (let tap = 0; tap < tapCount; tap++) {
    const weight = load<f32>(weights + <usize>tap * 4);
    const weightVector = f32x4.splat(weight);
    let from = gradient;
    let to = plane + load<u32>(taps + <usize>tap * 4);
    for (let row = 0; row < p; row++) {
      let offset: usize = 0;
      for (; offset < wholeBytes; offset += 16) {
        const change = f32x4.mul(weightVector, v128.load(from + offset));
        v128.store(to + offset, f32x4.add(v128.load(to + offset), change));
      }
      for (; offset < rowBytes; offset += 4) {
        store<f32>(to + offset, load<f32>(to + offset) + weight * load<f32>(from + offset));
      }
      from += rowBytes;
      to += pixelRowStride;
    }
  }
}

/** weightGradient[tapCount] += the output gradient [p, q] times what each tap meets in the plane. */
export function planeWeightGradient(
  plane: usize,
  taps: usize,
  tapCount: i32,
  gradient: usize,
  p: i32,
  q: i32,
  pixelRowStride: usize,
  weightGradient: usize,
): void {
  const rowBytes = <usize>q * 4;
  const wholeBytes = <usize>(q & ~3) * 4;
  for (let tap = 0; tap < tapCount; tap++) {
    let pixels = plane + load<u32>(taps + <usize>tap * 4);
    let from = gradient;
    let sums = f32x4.splat(0);
    let rest: f32 = 0;
    for (let row = 0; row < p; row++) {
      let offset: usize = 0;
      for (; offset < wholeBytes; offset += 16) {
        sums = f32x4.add(sums, f32x4.mul(v128.load(from + offset), v128.load(pixels + offset)));
      }
      for (; offset < rowBytes; offset += 4) rest += load<f32>(from + offset) * load<f32>(pixels + offset);
      from += rowBytes;
      pixels += pixelRowStride;
    }
    const low = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
    const high = f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
    const target = weightGradient + <usize>tap * 4;
    store<f32>(target, load<f32>(target) + (low + high + rest));
  }
}
