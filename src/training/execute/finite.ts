import { InputError } from '../../errors.ts';
import type { Values } from '../../numerics/ops/values.ts';

/** A step made NaN or Infinity; thrown before any weight changed, so the step can be left out and training can go on. */
export class NotFiniteError extends InputError {
  constructor(
    /** Where it was first seen: an op, or a tensor that was given. */
    readonly at: string,
    readonly step: number,
    /** NaN, Infinity or -Infinity. */
    readonly found: number,
  ) {
    super([
      {
        where: at,
        found: `${found} in step ${step}`,
        remedy: 'use a smaller learning rate, a wider format or loss scaling, and check the inputs',
      },
    ]);
  }
}

/** The first element that is NaN or infinite; null if all are finite. One addition an element where they are. */
export function notFinite(values: Values): number | null {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  if (Number.isFinite(sum)) return null;
  return values.find((value: number) => !Number.isFinite(value)) ?? null;
}
