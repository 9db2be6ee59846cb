import type { Observer, StallCause } from '../../events/events.ts';
import { countJob } from './count.ts';
import { tailCycles } from './lower/choose.ts';
import type { CaterpillarProgram, Job } from './program.ts';
import { type CaterpillarSpec, coreCount, coreTiming, peCount, ringSpec } from './spec.ts';
import { runKernels } from './units/kernel.ts';
import { reportSpans, type Span } from './units/lead.ts';
import { offChipMemory } from './units/off-chip.ts';
import { ringTime } from './units/ring.ts';

const PES = 0;
const RING = 1;
const OFF_CHIP = 2;

export function unitNames(spec: CaterpillarSpec): string[] {
  return ['pes', 'ring', spec.memory.name];
}

/** When the results of a job are there: those of its own PEs, and then those that go round the ring, in all cores that need them. */
interface Ready {
  readonly computedCycle: number;
  readonly deliveredCycle: number;
}

/** Cores that work together, with their part of the ring. */
interface Pool {
  readonly cores: number;
  readonly share: number;
  cycle: number;
  previousStart: number;
  ringFree: number;
}

/**
 * Runs jobs in order. The PEs of a pool begin a job when they have been given all words of the one before and what it needs is there;
 * results are under way meanwhile, so that a job that does not need them is not held up. Exchanges follow each other on the pool's ring,
 * and begin as soon as their operands are there; loads from off-chip memory, one job ahead. Results leave as they are made, and come back
 * likewise: the last of them not before it is there.
 */
export function runJobs(
  spec: CaterpillarSpec,
  { jobs, poolCores }: CaterpillarProgram,
  observer: Observer,
  unfolded: boolean,
): number {
  const timing = coreTiming(spec);
  const ring = ringSpec(spec);
  const memory = offChipMemory(spec, observer, OFF_CHIP);
  const pools = poolCores.map(
    (cores): Pool => ({ cores, share: cores / coreCount(spec), cycle: 0, previousStart: 0, ringFree: 0 }),
  );
  const spans: Span[] = [];
  const ready: Ready[] = [];

  const spend = (pool: Pool, op: number, cause: StallCause, cycles: number): void => {
    if (cycles <= 0) return;
    spans.push({ op, cause, cycles, share: pool.share });
    pool.cycle += cycles;
  };
  /** The rings of pools are counted as their share of one. */
  const useRing = (pool: Pool, op: number, from: number, cycles: number): number => {
    const start = Math.max(pool.ringFree, from);
    const counted = Math.floor(cycles * pool.share);
    if (counted > 0) observer.busy(RING, op, start, counted);
    pool.ringFree = start + cycles;
    return pool.ringFree;
  };

  for (const job of jobs) {
    const { op, exchanges } = job;
    const pool = pools[job.pool]!;
    const run = runKernels(job.kernels, timing.size, unfolded);
    const computed = latest(job.after, (index) => ready[index]!.computedCycle);
    const delivered = Math.max(
      computed,
      latest(job.after, (index) => ready[index]!.deliveredCycle),
    );
    const readBytes = job.weightReadBytes + job.operandReadBytes;
    const written = latest(job.readsBack, (index) => ready[index]!.computedCycle);
    const load = readBytes === 0 ? null : memory.load(op, pool.previousStart, readBytes, written);

    spend(pool, op, 'fill', computed - pool.cycle);
    spend(pool, op, 'communication', delivered - pool.cycle);
    const start = pool.cycle;
    pool.previousStart = start;

    const times = exchanges.map(({ collective, cores, words, stride }) =>
      ringTime(ring, collective, cores, words, stride),
    );
    const ringCycles = times.reduce((sum, { cycles }) => sum + cycles, 0);
    const tail = Math.min(ringCycles, tailCycles(ring, exchanges));
    const exchanged = ringCycles === 0 ? 0 : useRing(pool, op, delivered, ringCycles);

    const productCycles = Math.ceil(job.macs / (pool.cores * spec.core.size ** 2));
    if (job.macs > 0) spans.push({ op, cause: null, cycles: Math.ceil(job.macs / peCount(spec)), share: pool.share });
    pool.cycle += productCycles;
    spend(pool, op, 'padding', Math.min(run.fmacs - run.linkWords, run.issueCycles) - productCycles);
    spend(pool, op, 'issue', start + run.issueCycles - pool.cycle);
    spend(pool, op, 'vector', job.vector?.cycles ?? 0);
    if (load !== null) {
      spend(pool, op, 'writeback', Math.min(load.writeCycles, load.startCycle - pool.cycle));
      const cause = job.weightReadBytes > job.operandReadBytes ? 'weight-stall' : 'operand-stall';
      spend(pool, op, cause, load.loadedCycle - pool.cycle);
    }
    // The last bucket is worked on when it is there; the first ones were in time.
    spend(pool, op, 'communication', exchanged - tail - pool.cycle);

    if (job.writeBytes > 0) memory.write(op, start, job.writeBytes);
    const computedCycle = pool.cycle + run.cycles - run.issueCycles + vectorLatency(spec, job);
    ready.push({ computedCycle, deliveredCycle: Math.max(computedCycle, exchanged - tail) + tail });
    const ringWords = exchanges.reduce(
      (sum, { cores }, index) => sum + times[index]!.linkWords * (pool.cores / cores),
      0,
    );
    countJob(spec, observer, job, run, pool.cores, ringWords);
  }
  return finish(spans, pools, ready, jobs.at(-1)?.op ?? 0, memory.freeCycle(), observer);
}

function latest<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((most, item) => Math.max(most, of(item)), 0);
}

/** Waits for all results, the ring and the memory. */
function finish(
  spans: Span[],
  pools: readonly Pool[],
  ready: readonly Ready[],
  op: number,
  memoryFree: number,
  observer: Observer,
): number {
  let cycle = latest(pools, (pool) => pool.cycle);
  // With one pool only: several wait for each other anyway.
  const rest = (cause: StallCause, until: number): void => {
    if (until <= cycle) return;
    if (pools.length === 1) spans.push({ op, cause, cycles: until - cycle, share: 1 });
    cycle = until;
  };
  rest(
    'drain',
    latest(ready, ({ computedCycle }) => computedCycle),
  );
  rest(
    'communication',
    Math.max(
      latest(pools, ({ ringFree }) => ringFree),
      latest(ready, ({ deliveredCycle }) => deliveredCycle),
    ),
  );
  rest('writeback', memoryFree);
  return reportSpans(observer, PES, spans, cycle);
}

/** Results of a product pass special functions on their way out; work on elements alone ends with a multiply-add. */
function vectorLatency({ functions, pe }: CaterpillarSpec, { kernels, vector }: Job): number {
  if (vector === null) return 0;
  return kernels.length === 0 ? pe.fmacLatencyCycles + functions.latencyCycles : functions.latencyCycles;
}
