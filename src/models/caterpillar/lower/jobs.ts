import { macs } from '../../../trace/facts.ts';
import type { Trace } from '../../../trace/trace.ts';
import type { Exchange, Job, VectorWork } from '../program.ts';
import { type CaterpillarSpec, wordBytes } from '../spec.ts';
import { contractionOf } from './contraction.ts';
import type { Mapping, Plan } from './mapping.ts';
import type { GroupTraffic } from './traffic.ts';
import { isView, vectorWork } from './vector.ts';

/** The jobs of a mapping, one for each plan and in their order. */
export function jobsOf(
  spec: CaterpillarSpec,
  trace: Trace,
  plans: readonly Plan[],
  traffic: readonly GroupTraffic[],
  { mapped, poolCores }: Mapping,
): Job[] {
  const bytes = wordBytes(spec);
  const pools: number[] = [];
  return plans.map(({ group }, index): Job => {
    const ops = group.members.map((member) => trace.ops[member]!);
    const { after, readsBack, weightReadWords, operandReadWords, writtenWords } = traffic[index]!;
    const map = mapped[index]!;
    const candidates = map?.candidates ?? [];
    // Work on elements goes where they are.
    const pool = map?.pool ?? pools[after.at(-1) ?? -1] ?? 0;
    pools.push(pool);
    return {
      op: group.members[0]!,
      fused: group.members.slice(1),
      after,
      readsBack,
      pool,
      macs: ops.reduce((sum, op) => sum + macs(op), 0),
      kernels: candidates.map((candidate) => candidate.kernel),
      grid: map?.grid ?? null,
      vector: vectorOf(spec, trace, plans[index]!, poolCores[pool]!),
      exchanges: candidates.flatMap((candidate): readonly Exchange[] => candidate.exchanges),
      weightReadBytes: weightReadWords * bytes,
      operandReadBytes: operandReadWords * bytes,
      writeBytes: writtenWords * bytes,
    };
  });
}

/** Work on elements in a group; what follows a product works on its results on their way out, in no time of its own. */
function vectorOf(spec: CaterpillarSpec, trace: Trace, { group, tasks }: Plan, cores: number): VectorWork | null {
  const ops = group.members.map((member) => trace.ops[member]!);
  const isProduct = tasks.length > 0;
  const skipped = new Set(isProduct && ops.length > 1 ? ops.flatMap((op) => op.outputs) : []);
  const vectors = ops
    .filter((op) => contractionOf(trace, op) === null && !isView(op) && !(op.kind === 'update' && isProduct))
    .map((op) => vectorWork(spec, trace, op, skipped, cores));
  if (vectors.length === 0) return null;
  const sum = (of: keyof VectorWork): number => vectors.reduce((total, each) => total + each[of], 0);
  return {
    cycles: isProduct ? 0 : sum('cycles'),
    operations: sum('operations'),
    wordsRead: sum('wordsRead'),
    wordsWritten: sum('wordsWritten'),
  };
}
