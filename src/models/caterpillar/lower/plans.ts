import type { TensorId, Trace } from '../../../trace/trace.ts';
import type { Task } from './choose.ts';
import { type Contraction, contractionOf } from './contraction.ts';
import type { Group } from './groups.ts';
import type { Plan } from './mapping.ts';
import type { Residency } from './residency.ts';

/** What each group multiplies, and with which part of its weights in the PEs. */
export function plansOf(trace: Trace, groups: readonly Group[], residency: Residency): Plan[] {
  const weightOf = weightsByGradient(trace);
  return groups.map((group) => planOf(trace, group, residency, weightOf));
}

/** The weight that each gradient changes. */
function weightsByGradient({ ops }: Trace): ReadonlyMap<TensorId, TensorId> {
  return new Map(
    ops.flatMap((op) => (op.kind === 'update' ? op.inputs.map((id) => [id, op.outputs[0]!] as const) : [])),
  );
}

function planOf(trace: Trace, group: Group, { shares }: Residency, weightOf: ReadonlyMap<TensorId, TensorId>): Plan {
  const contractions = group.members.flatMap((index) => contractionOf(trace, trace.ops[index]!) ?? []);
  const weightIn = ({ path, weight }: Contraction): TensorId | null =>
    weight === null || path !== 'weight-gradient' ? weight : (weightOf.get(weight) ?? weight);
  const parts = contractions.map((contraction) => {
    const id = group.updates ?? weightIn(contraction);
    return cut(contraction, id === null ? 0 : (shares.get(id) ?? 0));
  });
  const layout = contractions.length > 0 ? weightIn(contractions[0]!) : null;
  // A second one in a group goes through the same weights: in one pass where they lie in the PEs.
  const isFused = parts.length > 1;
  const tasks = parts.flatMap(({ resident, streamed }, index): Task[] => [
    ...(resident === null || (isFused && index > 0) ? [] : [{ contraction: resident, resident: true, fused: isFused }]),
    ...(streamed === null ? [] : [{ contraction: streamed, resident: false, fused: false }]),
  ]);
  return { group, tasks, layout };
}

/** A contraction cut along the outputs of its weights, of which the first part lies in the PEs. */
function cut(
  contraction: Contraction,
  share: number,
): { readonly resident: Contraction | null; readonly streamed: Contraction | null } {
  const along = contraction.path === 'delta' ? 'depth' : 'rows';
  const outputs = contraction[along];
  // Of weights, whole outputs stay.
  const inside = Math.round(outputs * share);
  const part = (length: number): Contraction | null => (length === 0 ? null : { ...contraction, [along]: length });
  return { resident: part(inside), streamed: part(outputs - inside) };
}
