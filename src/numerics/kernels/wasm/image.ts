// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

/**
 * Spread images. Column x of the padded image lies at position x / stride of the part x % stride of its row, so that the pixels a
 * filter tap meets in one row of the output are neighbours whatever the stride. Strides are in bytes, sizes in elements.
 */

/** Copies [channels, height, width] into the inside of spread planes; their padding is left as it is. */
export function spread(
  source: usize,
  channels: i32,
  height: i32,
  width: i32,
  target: usize,
  planeStride: usize,
  rowStride: usize,
  partStride: usize,
  stride: i32,
  top: i32,
  left: i32,
): void {
  for (let channel = 0; channel < channels; channel++) {
    let row = target + <usize>channel * planeStride + <usize>top * rowStride;
    for (let y = 0; y < height; y++) {
      if (stride === 1) {
        memory.copy(row + <usize>left * 4, source, <usize>width * 4);
      } else {
        for (let x = 0; x < width; x++) {
          store<f32>(element(row, partStride, stride, left + x), load<f32>(source + <usize>x * 4));
        }
      }
      source += <usize>width * 4;
      row += rowStride;
    }
  }
}

/** The way back: the inside of spread planes into [channels, height, width]. */
export function collect(
  source: usize,
  channels: i32,
  height: i32,
  width: i32,
  target: usize,
  planeStride: usize,
  rowStride: usize,
  partStride: usize,
  stride: i32,
  top: i32,
  left: i32,
): void {
  for (let channel = 0; channel < channels; channel++) {
    let row = source + <usize>channel * planeStride + <usize>top * rowStride;
    for (let y = 0; y < height; y++) {
      if (stride === 1) {
        memory.copy(target, row + <usize>left * 4, <usize>width * 4);
      } else {
        for (let x = 0; x < width; x++) {
          store<f32>(target + <usize>x * 4, load<f32>(element(row, partStride, stride, left + x)));
        }
      }
      target += <usize>width * 4;
      row += rowStride;
    }
  }
}

function element(row: usize, partStride: usize, stride: i32, x: i32): usize {
  return row + <usize>(x % stride) * partStride + <usize>(x / stride) * 4;
}

/**
 * Adds a matrix [taps, p * q] to the image it would have been gathered from (col2im): row p of tap t goes to
 * image + taps[t] + p * pixelRowStride.
 */
export function scatterAdd(
  columns: usize,
  taps: usize,
  tapCount: i32,
  p: i32,
  q: i32,
  image: usize,
  pixelRowStride: usize,
): void {
  const rowBytes = <usize>q * 4;
  const wholeBytes = <usize>(q & ~3) * 4;
  for (let tap = 0; tap < tapCount; tap++) {
    let target = image + load<u32>(taps + <usize>tap * 4);
    for (let row = 0; row < p; row++) {
      let offset: usize = 0;
      for (; offset < wholeBytes; offset += 16) {
        v128.store(target + offset, f32x4.add(v128.load(target + offset), v128.load(columns + offset)));
      }
      for (; offset < rowBytes; offset += 4) {
        store<f32>(target + offset, load<f32>(target + offset) + load<f32>(columns + offset));
      }
      columns += rowBytes;
      target += pixelRowStride;
    }
  }
}
