/** Pieces of one size. */
export interface Pieces {
  readonly size: number;
  readonly count: number;
}

/** Sizes that cover a length, the largest first; what remains of the smallest is one more piece of that size. */
export function cover(length: number, sizes: readonly number[]): Pieces[] {
  const pieces: Pieces[] = [];
  let rest = length;
  for (const size of sizes) {
    const count = size === sizes.at(-1) ? Math.ceil(rest / size) : Math.floor(rest / size);
    if (count > 0) pieces.push({ size, count });
    rest -= count * size;
  }
  return pieces;
}

/** As many pieces of a size as there are, and what is left in one. */
export function covered(length: number, size: number): Pieces[] {
  return cover(length, length % size === 0 ? [size] : [size, length % size]);
}

/** Blocks of a length: whole ones while two fit, then the rest in one, or in two of about the same size, a multiple of `unit`. */
export function cutInto(length: number, block: number, unit: number): Pieces[] {
  const whole = Math.max(0, Math.floor(length / block) - 1);
  const rest = length - whole * block;
  const pieces: Pieces[] = whole > 0 ? [{ size: block, count: whole }] : [];
  if (rest <= block) return [...pieces, { size: rest, count: 1 }];
  const first = Math.min(block, Math.ceil(rest / 2 / unit) * unit);
  return [...pieces, { size: first, count: 1 }, { size: rest - first, count: 1 }];
}
