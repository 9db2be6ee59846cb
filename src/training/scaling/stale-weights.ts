import type { Values } from '../../numerics/ops/values.ts';

/**
 * Weights of the last steps. A gradient is taken at the weights of `staleness` steps before and applied to the present ones; before
 * there were so many steps, at the first weights.
 */
export interface StaleWeights {
  /** What has to be kept to go on later: the older weights by name. */
  readonly tensors: ReadonlyMap<string, Values>;
  /** Makes every older weight a present one: before the first step. */
  reset(): void;
  /** Puts the old weights of a step, counted from 0, in the place of the present ones. */
  recall(step: number): void;
  /** Puts the present weights back. */
  restore(): void;
  /** Keeps the weights the step began with: after it. */
  remember(step: number): void;
}

/** `weights` are live; `allocate` makes arrays of their kind. */
export function staleWeights(
  weights: ReadonlyMap<string, Values>,
  staleness: number,
  allocate: (length: number) => Values,
): StaleWeights {
  const live = [...weights.values()];
  const copies = (): Values[] => live.map((values) => allocate(values.length));
  const present = copies();
  // What a step begins with lies in slot step % staleness until it is read, just before it is overwritten.
  const slots = Array.from({ length: staleness }, copies);
  const copy = (from: readonly Values[], to: readonly Values[]): void =>
    from.forEach((values, index) => to[index]!.set(values));
  const names = [...weights.keys()];
  return {
    tensors: new Map(
      slots.flatMap((slot, age) => slot.map((values, index) => [`${names[index]}.stale.${age}`, values] as const)),
    ),
    reset: () => {
      for (const slot of slots) copy(live, slot);
    },
    recall: (step) => {
      copy(live, present);
      copy(slots[step % staleness]!, live);
    },
    restore: () => copy(present, live),
    remember: (step) => copy(present, slots[step % staleness]!),
  };
}
