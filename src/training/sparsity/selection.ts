import type { Mask, Masks } from './mask.ts';
import type { Saliency } from './saliency.ts';
import type { Weight, WeightLayout } from './weight-layout.ts';

/** A weight whose elements have been valued. */
export interface Valued {
  readonly layout: WeightLayout;
  readonly values: Float64Array;
}

/** Which of the valued elements stay when a share of them (0 to 1) may. */
export type Selection = (valued: readonly Valued[], keep: number) => Masks;
/** Which elements of the weights stay. Pure: the same weights give the same masks. */
export type Criterion = (weights: readonly Weight[], keep: number) => Masks;

/** A criterion says what elements are worth, and how the worthiest are picked. */
export function criterion(saliency: Saliency, selection: Selection): Criterion {
  return (weights, keep) =>
    selection(
      weights.map((weight) => ({ layout: weight.layout, values: saliency(weight) })),
      keep,
    );
}

/** The worthiest of all weights together: layers end with shares of their own. */
export const amongAll: Selection = (valued, keep) => {
  const sizes = valued.map(({ values }) => values.length);
  const all = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const { values } of valued) {
    all.set(values, at);
    at += values.length;
  }
  const mask = highest(all, Math.round(keep * all.length));
  let start = 0;
  return new Map(
    valued.map(({ layout }, index) => {
      const part = mask.slice(start, start + sizes[index]!);
      start += sizes[index]!;
      return [layout.name, part];
    }),
  );
};

/** The worthiest of each weight; `shareOf` may give a weight another share than the common one. */
export function withinEach(shareOf: (name: string, keep: number) => number = (_, keep) => keep): Selection {
  return (valued, keep) =>
    new Map(
      valued.map(({ layout, values }) => [
        layout.name,
        highest(values, Math.round(shareOf(layout.name, keep) * values.length)),
      ]),
    );
}

/** Marks exactly `count` values, the highest; of equal ones those that come first. */
export function highest(values: Float64Array, count: number): Mask {
  const mask = new Uint8Array(values.length);
  if (count <= 0) return mask;
  const limit = values.toSorted()[Math.max(0, values.length - count)]!;
  let atLimit = count;
  for (const value of values) if (value > limit) atLimit--;
  values.forEach((value, index) => {
    if (value > limit || (value === limit && atLimit-- > 0)) mask[index] = 1;
  });
  return mask;
}
