// @ts-nocheck: AssemblyScript, type-checked by asc (scripts/kernels.mjs)

import { transpose } from './pack';

/**
 * Packing of the matrix that im2col would write, without writing it: element (tap, pixel) of the image lies at
 * taps[tap] + pixels[pixel] bytes. A tap is a (channel, r, s) of the filter, a pixel a (p, q) of the output. Both tables are filled
 * up with zeros to a multiple of 8.
 */

/** Four neighbours of a table that lie side by side in the image: offsets grow, so the outer two tell. */
function areNeighbours(table: usize): bool {
  return load<i32>(table, 12) - load<i32>(table) === 12;
}

/** Panels of `width` 8 along pixels: target[panel][tap][8]. */
export function packPixels(
  image: usize,
  taps: usize,
  tapCount: i32,
  pixels: usize,
  pixelCount: i32,
  target: usize,
): void {
  const end = taps + <usize>tapCount * 4;
  for (let start = 0; start < pixelCount; start += 8) {
    const first = image + load<u32>(pixels);
    const second = image + load<u32>(pixels, 16);
    const firstTogether = areNeighbours(pixels);
    const secondTogether = areNeighbours(pixels + 16);
    if (firstTogether && secondTogether) {
      for (let tap = taps; tap < end; tap += 4) {
        const offset = <usize>load<u32>(tap);
        v128.store(target, v128.load(first + offset));
        v128.store(target, v128.load(second + offset), 16);
        target += 32;
      }
    } else {
      packHalf(image, taps, end, pixels, firstTogether, target);
      packHalf(image, taps, end, pixels + 16, secondTogether, target + 16);
      target += <usize>tapCount * 32;
    }
    pixels += 32;
  }
}

/** Four columns of a panel whose eight pixels do not lie side by side. */
function packHalf(image: usize, taps: usize, end: usize, pixels: usize, together: bool, target: usize): void {
  const pixel0 = image + load<u32>(pixels);
  const pixel1 = image + load<u32>(pixels, 4);
  const pixel2 = image + load<u32>(pixels, 8);
  const pixel3 = image + load<u32>(pixels, 12);
  for (let tap = taps; tap < end; tap += 4) {
    const offset = <usize>load<u32>(tap);
    if (together) {
      v128.store(target, v128.load(pixel0 + offset));
    } else {
      store<f32>(target, load<f32>(pixel0 + offset));
      store<f32>(target, load<f32>(pixel1 + offset), 4);
      store<f32>(target, load<f32>(pixel2 + offset), 8);
      store<f32>(target, load<f32>(pixel3 + offset), 12);
    }
    target += 32;
  }
}

/** Panels of `width` 8 along taps: target[panel][pixel][8]. */
export function packTaps(
  image: usize,
  taps: usize,
  tapCount: i32,
  pixels: usize,
  pixelCount: i32,
  target: usize,
): void {
  for (let start = 0; start < tapCount; start += 8) {
    packFourTaps(image, taps, pixels, pixelCount, target);
    if (start + 4 < tapCount) packFourTaps(image, taps + 16, pixels, pixelCount, target + 16);
    taps += 32;
    target += <usize>pixelCount * 32;
  }
}

function packFourTaps(image: usize, taps: usize, pixels: usize, pixelCount: i32, target: usize): void {
  const tap0 = image + load<u32>(taps);
  const tap1 = image + load<u32>(taps, 4);
  const tap2 = image + load<u32>(taps, 8);
  const tap3 = image + load<u32>(taps, 12);
  let pixel = 0;
  while (pixel < pixelCount) {
    const offset = <usize>load<u32>(pixels);
    if (pixel + 4 <= pixelCount && areNeighbours(pixels)) {
      transpose(
        v128.load(tap0 + offset),
        v128.load(tap1 + offset),
        v128.load(tap2 + offset),
        v128.load(tap3 + offset),
        target,
        32,
      );
      pixel += 4;
      pixels += 16;
      target += 128;
    } else {
      store<f32>(target, load<f32>(tap0 + offset));
      store<f32>(target, load<f32>(tap1 + offset), 4);
      store<f32>(target, load<f32>(tap2 + offset), 8);
      store<f32>(target, load<f32>(tap3 + offset), 12);
      pixel += 1;
      pixels += 4;
      target += 32;
    }
  }
}
