import type { Random } from '../../numerics/random.ts';
import { type Mask, type Masks, staying } from './mask.ts';
import { magnitude } from './saliency.ts';
import { amongAll } from './selection.ts';
import { sizeOf, type Weight, type WeightLayout } from './weight-layout.ts';

/** Masks that leave a share of each weight, drawn by chance: where dynamic sparse training begins. */
export function randomMasks(layouts: readonly WeightLayout[], keep: number, random: Random): Masks {
  return new Map(
    layouts.map((layout) => {
      const mask: Mask = new Uint8Array(sizeOf(layout));
      grow(mask, Math.round(keep * mask.length), random);
      return [layout.name, mask];
    }),
  );
}

/**
 * Dynamic sparse reparametrisation (Mostafa and Wang 2019, "Parameter efficient training of deep convolutional neural networks by
 * dynamic sparse reparameterization"): the `count` smallest weights of all layers together are pruned, and as many come back at zero
 * in places drawn by chance, each layer in proportion to what it has left. The paper finds about `count` by a threshold that adapts;
 * here it is exact. The number of weights never changes.
 */
export function reallocate(weights: readonly Weight[], masks: Masks, count: number, random: Random): Masks {
  const before = weights.map(({ layout }) => masks.get(layout.name)!);
  const active = before.reduce((sum, mask) => sum + staying(mask), 0);
  const dropped = Math.min(count, active);
  const valued = weights.map((weight, index) => ({
    layout: weight.layout,
    // What is pruned already is worth less than any weight, those that are zero included.
    values: magnitude(weight).map((value, at) => (before[index]![at] === 1 ? value : -1)),
  }));
  const all = before.reduce((sum, mask) => sum + mask.length, 0);
  const kept = amongAll(valued, (active - dropped) / all);
  const parts = [...kept.values()];
  const shares = distribute(
    dropped,
    parts.map(staying),
    parts.map((mask) => mask.length - staying(mask)),
  );
  parts.forEach((mask, index) => grow(mask, shares[index]!, random));
  return kept;
}

/** Whole shares of `count` in proportion to `wanted`, none above its room: largest remainders first, then the roomiest. */
function distribute(count: number, wanted: readonly number[], room: readonly number[]): number[] {
  const total = wanted.reduce((sum, one) => sum + one, 0);
  const exact = wanted.map((one) => (total === 0 ? 0 : (count * one) / total));
  const shares = exact.map((one, index) => Math.min(Math.floor(one), room[index]!));
  const byRemainder = exact
    .map((one, index) => ({ index, remainder: one - Math.floor(one) }))
    .sort((left, right) => right.remainder - left.remainder || left.index - right.index);
  let left = count - shares.reduce((sum, one) => sum + one, 0);
  for (const { index } of byRemainder) {
    if (left > 0 && shares[index]! < room[index]!) {
      shares[index]!++;
      left--;
    }
  }
  for (const { index } of byRemainder) {
    const more = Math.min(left, room[index]! - shares[index]!);
    shares[index]! += more;
    left -= more;
  }
  return shares;
}

/** Sets so many zeros of a mask, each with the same chance. */
function grow(mask: Mask, count: number, random: Random): void {
  const free: number[] = [];
  mask.forEach((stays, index) => {
    if (stays === 0) free.push(index);
  });
  for (let drawn = 0; drawn < count; drawn++) {
    const other = drawn + random.below(free.length - drawn);
    [free[drawn], free[other]] = [free[other]!, free[drawn]!];
    mask[free[drawn]!] = 1;
  }
}
