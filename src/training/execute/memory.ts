import { elements } from '../../trace/facts.ts';
import type { MatmulOp, TensorId, Trace } from '../../trace/trace.ts';

/** Arrays that hold a trace's tensors: those alive at different times share one. */
export interface MemoryPlan {
  /** Array of each tensor, by index in `arrayElements`. */
  readonly arrayOf: Int32Array;
  readonly arrayElements: readonly number[];
}

/**
 * Activations and gradients live from the op that makes them to the last one that reads them; then their array serves another, the
 * smallest free one that is large enough, else the largest, which grows. Everything else, and what is `kept`, has its own. What is not
 * `stored` has an empty one; who reads it reads what its product reads.
 */
export function planMemory(
  { tensors, ops }: Trace,
  kept: ReadonlySet<TensorId>,
  notStored: ReadonlyMap<TensorId, MatmulOp>,
): MemoryPlan {
  const used = ops.map(
    ({ inputs, outputs }) =>
      new Set([...inputs, ...outputs, ...inputs.flatMap((id) => notStored.get(id)?.inputs ?? [])]),
  );
  const lastUse = new Int32Array(tensors.length).fill(-1);
  used.forEach((ids, index) => {
    for (const id of ids) lastUse[id] = index;
  });
  const arrayOf = new Int32Array(tensors.length).fill(-1);
  const arrayElements: number[] = [];
  const free: number[] = [];
  const shares = (id: TensorId): boolean =>
    (tensors[id]!.role === 'activation' || tensors[id]!.role === 'gradient') &&
    !kept.has(id) &&
    lastUse[id]! >= 0 &&
    !notStored.has(id);
  tensors.forEach((tensor, id) => {
    if (!shares(id)) arrayOf[id] = arrayElements.push(notStored.has(id) ? 0 : elements(tensor.shape)) - 1;
  });
  ops.forEach((op, index) => {
    for (const id of op.outputs)
      if (arrayOf[id] === -1) arrayOf[id] = take(free, arrayElements, elements(tensors[id]!.shape));
    for (const id of used[index]!) if (shares(id) && lastUse[id] === index) free.push(arrayOf[id]!);
  });
  return { arrayOf, arrayElements };
}

/** Takes a free array for so many elements, or a new one. */
function take(free: number[], arrayElements: number[], count: number): number {
  let best = -1;
  free.forEach((array, place) => {
    const [size, bestSize] = [arrayElements[array]!, best < 0 ? 0 : arrayElements[free[best]!]!];
    const better = bestSize < count ? size > bestSize : size >= count && size < bestSize;
    if (best < 0 || better) best = place;
  });
  if (best < 0) return arrayElements.push(count) - 1;
  const [array] = free.splice(best, 1) as [number];
  arrayElements[array] = Math.max(arrayElements[array]!, count);
  return array;
}
