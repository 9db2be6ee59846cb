import type { RandomUint32 } from '../../../src/numerics/formats/rounding.ts';

/** Marsaglia's xorshift with 32 bits of state: the same words for the same seed (not 0). */
export function seededWords(seed: number): RandomUint32 {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A float32 of any finite bit pattern, small and large exponents alike. */
export function anyFloat32(random: RandomUint32): number {
  const view = new DataView(new ArrayBuffer(4));
  do view.setUint32(0, random());
  while (!Number.isFinite(view.getFloat32(0)));
  return view.getFloat32(0);
}
