import { macs } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import type { CaterpillarProgram, Exchange, Job } from '../program.ts';
import { type CaterpillarSpec, coreTiming, peCount, ringSpec, wordBytes, wordsA, wordsB } from '../spec.ts';
import { refuseTooLarge, refuseUnsupported } from './checks.ts';
import { type Contraction, contractionOf } from './contraction.ts';
import { type Group, groupOps } from './groups.ts';
import type { WorkingWords } from './kernel.ts';
import { type Mapping, mapPlans, type Plan } from './mapping.ts';
import { noteMapping } from './notes.ts';
import { masterCopies, placeTensors, type Residency } from './residency.ts';
import { touchedWords } from './touched.ts';
import { isView, vectorWork } from './vector.ts';

/** Share of memory A for blocks that come and go, where more than one sample at a time is worked on. */
const WORKING_SHARE = 0.25;

/** Programs of a trace, of which the fastest is to be run: jobs in the order of its ops. Throws InputError for what the machine cannot run. */
export function lower(spec: CaterpillarSpec, trace: Trace): CaterpillarProgram[] {
  refuseUnsupported(spec, trace);
  const groups = groupOps(trace);
  const bySample = trace.ops.every((op) => {
    const contraction = contractionOf(trace, op);
    return contraction === null || contraction.columns === 1 || contraction.depth === 1;
  });
  const pes = peCount(spec);
  const capacityWords = Math.floor(pes * wordsA(spec) * (bySample ? 1 : 1 - WORKING_SHARE));
  const residency = placeTensors(trace, groups, capacityWords);
  refuseTooLarge(spec, trace, groups);
  const working: WorkingWords = {
    a: Math.max(spec.core.size, Math.floor(wordsA(spec) - residency.peakWords / pes)),
    b: wordsB(spec),
  };
  const weightOf = weightsByGradient(trace);
  const plans = groups.map((group) => planOf(trace, group, residency, weightOf));
  const surroundings = { timing: coreTiming(spec), ring: ringSpec(spec), working };
  return mapPlans(spec, surroundings, plans, isPipelined(trace)).map((mapping) => {
    const jobs = jobsOf(spec, trace, plans, mapping, residency);
    return {
      jobs,
      poolCores: mapping.poolCores,
      peakUseBytes: residency.peakWords * wordBytes(spec),
      notes: noteMapping(spec, trace, jobs, residency),
    };
  });
}

/** Layers work on different mini-batches at a time. */
function isPipelined({ ops }: Trace): boolean {
  return ops.some((op) => op.kind === 'update' && op.delaySteps !== undefined);
}

/** The weight that each gradient changes. */
function weightsByGradient({ ops }: Trace): ReadonlyMap<TensorId, TensorId> {
  return new Map(
    ops.flatMap((op) => (op.kind === 'update' ? op.inputs.map((id) => [id, op.outputs[0]!] as const) : [])),
  );
}

function planOf(trace: Trace, group: Group, { onChip }: Residency, weightOf: ReadonlyMap<TensorId, TensorId>): Plan {
  const contractions = group.members.flatMap((index) => contractionOf(trace, trace.ops[index]!) ?? []);
  const weightIn = ({ path, weight }: Contraction): TensorId | null =>
    weight === null || path !== 'weight-gradient' ? weight : (weightOf.get(weight) ?? weight);
  const isResident = (contraction: Contraction): boolean => {
    const id = group.updates ?? weightIn(contraction);
    return id !== null && onChip.has(id);
  };
  const layout = contractions.length > 0 ? weightIn(contractions[0]!) : null;
  const [lead, second] = contractions;
  // A second one in a group goes through the same weights.
  if (lead !== undefined && second !== undefined && isResident(lead))
    return { group, tasks: [{ contraction: lead, resident: true, fused: true }], layout };
  const tasks = contractions.map((contraction) => ({ contraction, resident: isResident(contraction), fused: false }));
  return { group, tasks, layout };
}

function jobsOf(
  spec: CaterpillarSpec,
  trace: Trace,
  plans: readonly Plan[],
  { mapped, poolCores }: Mapping,
  { onChip }: Residency,
): Job[] {
  const bytes = wordBytes(spec);
  const masters = masterCopies(trace);
  const makers = new Map<TensorId, number>();
  const pools: number[] = [];
  const loaded = new Set<TensorId>();
  const isTraining = trace.workload.phase === 'training';
  return plans.map(({ group }, index): Job => {
    const ops = group.members.map((member) => trace.ops[member]!);
    const made = new Set(ops.flatMap((op) => op.outputs));
    const reads = new Set(ops.flatMap((op) => op.inputs).filter((id) => !masters.has(id)));
    const after = new Set<number>();
    let [weightWords, operandWords, writtenWords] = [0, 0, 0];
    for (const id of reads) {
      const { role } = trace.tensors[id]!;
      const maker = makers.get(id);
      if (maker !== undefined) after.add(maker);
      if (made.has(id) && maker === undefined && role !== 'weight' && role !== 'state') continue;
      const words = touchedWords(trace, ops[0]!, id);
      const lasts = role === 'weight' || role === 'state';
      // A training step finds what lasts where the step before left it.
      const isThere = onChip.has(id) && (lasts ? isTraining || loaded.has(id) : role !== 'input' || loaded.has(id));
      loaded.add(id);
      if (isThere) continue;
      if (lasts) weightWords += words;
      else operandWords += words;
    }
    for (const id of made) {
      makers.set(id, index);
      if (!masters.has(id) && (trace.tensors[id]!.role === 'output' || !onChip.has(id)))
        writtenWords += touchedWords(trace, ops[0]!, id);
    }
    after.delete(index);
    const before = [...after];
    const map = mapped[index]!;
    const candidates = map?.candidates ?? [];
    // Work on elements goes where they are.
    const pool = map?.pool ?? pools[before.at(-1) ?? -1] ?? 0;
    pools.push(pool);
    const skipped = new Set([...masters, ...made].filter((id) => masters.has(id) || ops.length > 1));
    const vectors = ops
      .filter((op) => contractionOf(trace, op) === null && !isView(op) && !(op.kind === 'update' && map !== null))
      .map((op) => vectorWork(spec, trace, op, map === null ? masters : skipped, poolCores[pool]!));
    const vectorSum = (of: 'cycles' | 'operations' | 'wordsRead' | 'wordsWritten'): number =>
      vectors.reduce((sum, each) => sum + each[of], 0);
    return {
      op: group.members[0]!,
      fused: group.members.slice(1),
      after: before,
      pool,
      macs: ops.reduce((sum, op) => sum + macs(op), 0),
      kernels: candidates.map((candidate) => candidate.kernel),
      grid: map?.grid ?? null,
      vector:
        vectors.length === 0
          ? null
          : {
              // What follows a product works on its results on their way out.
              cycles: map === null ? vectorSum('cycles') : 0,
              operations: vectorSum('operations'),
              wordsRead: vectorSum('wordsRead'),
              wordsWritten: vectorSum('wordsWritten'),
            },
      exchanges: candidates.flatMap((candidate): readonly Exchange[] => candidate.exchanges),
      weightReadBytes: weightWords * bytes,
      operandReadBytes: operandWords * bytes,
      writeBytes: writtenWords * bytes,
    };
  });
}
