import type { TensorId, Trace } from '../../../trace/trace.ts';
import type { Group } from './groups.ts';
import type { Residency } from './residency.ts';
import { touchedWords } from './touched.ts';

/** What a group needs of others, and what of its tensors goes over the off-chip memory. */
export interface GroupTraffic {
  /** Groups that make its operands. */
  readonly after: readonly number[];
  /** Those of them of whose results something comes back from the off-chip memory. */
  readonly readsBack: readonly number[];
  readonly weightReadWords: number;
  readonly operandReadWords: number;
  readonly writtenWords: number;
}

/** Of each group, in order. A training step finds what lasts where the step before left it; an inference run loads it on first use. */
export function trafficOf(trace: Trace, groups: readonly Group[], { shares }: Residency): GroupTraffic[] {
  const makers = new Map<TensorId, number>();
  const loaded = new Set<TensorId>();
  const isTraining = trace.workload.phase === 'training';
  const lasts = (id: TensorId): boolean => ['weight', 'state'].includes(trace.tensors[id]!.role);
  const outside = (id: TensorId): number => 1 - (shares.get(id) ?? 0);

  return groups.map(({ members }, index) => {
    const ops = members.map((member) => trace.ops[member]!);
    const lead = ops[0]!;
    const made = new Set(ops.flatMap((op) => op.outputs));
    const after = new Set<number>();
    const readsBack = new Set<number>();
    let [weightReadWords, operandReadWords, writtenWords] = [0, 0, 0];
    for (const id of new Set(ops.flatMap((op) => op.inputs))) {
      const maker = makers.get(id);
      if (maker !== undefined) after.add(maker);
      if (maker !== undefined && outside(id) > 0) readsBack.add(maker);
      if (made.has(id) && maker === undefined && !lasts(id)) continue;
      const isThere = loaded.has(id) || (lasts(id) ? isTraining : trace.tensors[id]!.role !== 'input');
      loaded.add(id);
      const words = Math.ceil(touchedWords(trace, lead, id) * (isThere ? outside(id) : 1));
      if (lasts(id)) weightReadWords += words;
      else operandReadWords += words;
    }
    for (const id of made) {
      makers.set(id, index);
      writtenWords += Math.ceil(
        touchedWords(trace, lead, id) * (trace.tensors[id]!.role === 'output' ? 1 : outside(id)),
      );
    }
    return { after: [...after], readsBack: [...readsBack], weightReadWords, operandReadWords, writtenWords };
  });
}
