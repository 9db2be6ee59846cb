// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/**
 * Packing of matrices into panels: [k, width] with `width` rows or columns of the result side by side, so that a tile reads both
 * operands from one end to the other. What a panel holds beyond the edge of its matrix enters only sums that are thrown away.
 * Strides are in bytes.
 */

/** target[0..3] = transpose of the 4 x 4 block whose rows are given; the rows of the target are `targetStride` apart. */
export function transpose(row0: v128, row1: v128, row2: v128, row3: v128, target: usize, targetStride: usize): void {
  const low01 = v128.shuffle<f32>(row0, row1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(row0, row1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(row2, row3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(row2, row3, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(target + targetStride, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(target + 2 * targetStride, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(target + 3 * targetStride, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Four vectors of length k, `stride` apart, as four columns of a panel; those from `count` on repeat the first. */
function packStrip(source: usize, stride: usize, k: i32, count: i32, target: usize, targetStride: usize): void {
  const source1 = source + (count > 1 ? stride : 0);
  const source2 = source + (count > 2 ? 2 * stride : 0);
  const source3 = source + (count > 3 ? 3 * stride : 0);
  const whole = <usize>(k & ~3) * 4;
  const end = <usize>k * 4;
  let offset: usize = 0;
  for (; offset < whole; offset += 16) {
    transpose(
      v128.load(source + offset),
      v128.load(source1 + offset),
      v128.load(source2 + offset),
      v128.load(source3 + offset),
      target,
      targetStride,
    );
    target += 4 * targetStride;
  }
  for (; offset < end; offset += 4) {
    store<f32>(target, load<f32>(source + offset));
    store<f32>(target, load<f32>(source1 + offset), 4);
    store<f32>(target, load<f32>(source2 + offset), 8);
    store<f32>(target, load<f32>(source3 + offset), 12);
    target += targetStride;
  }
}

/** Panels of a matrix stored as [length, k]: its vectors along k are contiguous. */
export function packAlong(source: usize, stride: usize, length: i32, k: i32, width: i32, target: usize): void {
  const panelStride = <usize>width * 4;
  for (let start = 0; start < length; start += width) {
    for (let strip = 0; strip < width; strip += 4) {
      const left = length - start - strip;
      if (left > 0) {
        const from = source + <usize>(start + strip) * stride;
        packStrip(from, stride, k, left, target + <usize>strip * 4, panelStride);
      }
    }
    target += <usize>k * panelStride;
  }
}

/** Panels of a matrix stored as [k, length]: what lies side by side in a panel does so in memory. */
export function packAcross(source: usize, stride: usize, length: i32, k: i32, width: i32, target: usize): void {
  for (let start = 0; start < length; start += width) {
    let from = source + <usize>start * 4;
    const count = length - start;
    for (let row = 0; row < k; row++) {
      if (count >= width) {
        v128.store(target, v128.load(from));
        if (width === 8) v128.store(target, v128.load(from, 16), 16);
      } else {
        for (let column = 0; column < count; column++) {
          store<f32>(target + <usize>column * 4, load<f32>(from + <usize>column * 4));
        }
      }
      from += stride;
      target += <usize>width * 4;
    }
  }
}
