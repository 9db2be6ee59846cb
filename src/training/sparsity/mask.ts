import { ModelBug } from '../../errors.ts';
import { sizeOf, type WeightLayout } from './weight-layout.ts';

/** One entry for each element of a weight: 1 stays, 0 is pruned. */
export type Mask = Uint8Array;
/** By the name of the weight; weights that are not listed stay whole. */
export type Masks = ReadonlyMap<string, Mask>;

/** Masks that leave everything. */
export function fullMasks(layouts: readonly WeightLayout[]): Masks {
  return new Map(layouts.map((layout) => [layout.name, new Uint8Array(sizeOf(layout)).fill(1)]));
}

/** What both leave. */
export function intersection(first: Masks, second: Masks): Masks {
  const both = new Map(first);
  for (const [name, mask] of second) {
    const other = both.get(name);
    if (other !== undefined && other.length !== mask.length) throw new ModelBug(`two sizes of mask for ${name}`);
    both.set(name, other === undefined ? mask : mask.map((stays, index) => stays & other[index]!));
  }
  return both;
}

/** Elements that stay. */
export function staying(mask: Mask): number {
  let count = 0;
  for (const stays of mask) count += stays;
  return count;
}

/** Share of the elements of all masks that stays. */
export function maskDensity(masks: Masks): number {
  let [stays, all] = [0, 0];
  for (const mask of masks.values()) {
    stays += staying(mask);
    all += mask.length;
  }
  return all === 0 ? 1 : stays / all;
}
