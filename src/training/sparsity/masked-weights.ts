import { InputError } from '../../errors.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { Session } from '../execute/session.ts';
import { updateParts } from '../execute/update-parts.ts';
import type { Mask, Masks } from './mask.ts';

interface Pruned {
  readonly arrays: readonly Values[];
  readonly places: Int32Array;
}

/**
 * Keeps pruned weights at zero while a session trains: with each weight its master copy and all that the optimizer keeps for it, so
 * that a weight that comes back starts anew. Updates know nothing of masks; `apply` after each.
 */
export class MaskedWeights {
  private current: Masks = new Map();
  private pruned: readonly Pruned[] = [];

  /** Applies the masks at once. Throws InputError for masks that do not fit the session's weights. */
  constructor(
    private readonly session: Session,
    masks: Masks,
  ) {
    this.replace(masks);
  }

  get masks(): Masks {
    return this.current;
  }

  /** Other masks from now on; applied at once. */
  replace(masks: Masks): void {
    this.pruned = [...masks].map(([name, mask]) => {
      const arrays = keptFor(this.session, name);
      if (arrays[0]!.length !== mask.length)
        throw InputError.of(name, `a mask of ${mask.length}`, `give one for ${arrays[0]!.length} weights`);
      return { arrays, places: placesOf(mask) };
    });
    this.current = masks;
    this.apply();
  }

  apply(): void {
    for (const { arrays, places } of this.pruned)
      for (const values of arrays) for (let index = 0; index < places.length; index++) values[places[index]!] = 0;
  }
}

/** Where the mask is 0. */
function placesOf(mask: Mask): Int32Array {
  const places: number[] = [];
  mask.forEach((stays, index) => {
    if (stays === 0) places.push(index);
  });
  return Int32Array.from(places);
}

/** The weight, and all arrays of its shape that its update reads and writes. */
function keptFor(session: Session, name: string): Values[] {
  const { tensors, ops } = session.trace;
  const arrays = [session.weight(name)];
  for (const op of ops) {
    if (op.kind !== 'update') continue;
    const { weight, master, states } = updateParts(op);
    if (tensors[weight]!.name !== name) continue;
    for (const id of master === null ? states : [master, ...states]) arrays.push(session.values(id));
    // The gradients sag remembers of other mini-batches are no tensors of the trace.
    if (op.optimizer !== 'sag') continue;
    for (const [kept, values] of session.checkpoint().tensors)
      if (kept.startsWith(`${name}.last.`)) arrays.push(values);
  }
  return arrays;
}
