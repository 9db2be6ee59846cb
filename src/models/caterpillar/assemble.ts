import { type Observer, STALL_CAUSES, type StallCause } from '../../events/events.ts';
import { countJob } from './count.ts';
import { tailCycles } from './lower/choose.ts';
import type { Job } from './program.ts';
import { type CaterpillarSpec, coreCount, coreTiming, peCount, ringSpec } from './spec.ts';
import { runKernels } from './units/kernel.ts';
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

/** A timeline that work is put on piece by piece. */
interface Lane {
  freeCycle: number;
}

/**
 * Runs jobs in order. The PEs begin a job when they have been given all words of the one before and what it needs is there; results
 * are under way meanwhile, so that a job that does not need them is not held up. Exchanges follow each other on the ring, and begin as
 * soon as their operands are there; loads from off-chip memory, one job ahead.
 */
export function runJobs(spec: CaterpillarSpec, jobs: readonly Job[], observer: Observer, unfolded: boolean): number {
  const timing = coreTiming(spec);
  const ring = ringSpec(spec);
  const peak = peCount(spec);
  const bytesPerCycle = (spec.memory.bandwidthGBps * 1e3) / spec.clockMHz;
  const latencyCycles = Math.round((spec.memory.latencyNs * spec.clockMHz) / 1e3);
  const ringLane: Lane = { freeCycle: 0 };
  const memoryLane: Lane = { freeCycle: 0 };
  const ready: Ready[] = [];
  let cycle = 0;
  let previousStart = 0;

  const stall = (op: number, cause: StallCause, cycles: number): void => {
    if (cycles <= 0) return;
    observer.stall(PES, op, STALL_CAUSES.indexOf(cause), cycle, cycles);
    cycle += cycles;
  };
  /** Puts work on a lane as soon as it is free; returns the cycle of its end. */
  const occupy = (lane: Lane, unit: number, op: number, from: number, cycles: number): number => {
    const start = Math.max(lane.freeCycle, from);
    if (cycles > 0) observer.busy(unit, op, start, cycles);
    lane.freeCycle = start + cycles;
    return lane.freeCycle;
  };

  for (const job of jobs) {
    const { op, kernels, vector, exchanges } = job;
    const run = runKernels(kernels, timing.size, unfolded);
    const computed = Math.max(0, ...job.after.map((index) => ready[index]!.computedCycle));
    const delivered = Math.max(computed, ...job.after.map((index) => ready[index]!.deliveredCycle));
    const readBytes = job.weightReadBytes + job.operandReadBytes;
    const transferCycles = Math.ceil(readBytes / bytesPerCycle);
    const loaded =
      readBytes === 0 ? 0 : occupy(memoryLane, OFF_CHIP, op, previousStart, transferCycles) + latencyCycles;

    stall(op, 'fill', computed - cycle);
    stall(op, 'communication', delivered - cycle);
    const start = cycle;
    previousStart = start;

    const times = exchanges.map(({ collective, cores, words }) => ringTime(ring, collective, cores, words));
    const ringCycles = times.reduce((sum, { cycles }) => sum + cycles, 0);
    const tail = Math.min(ringCycles, tailCycles(ring, exchanges));
    const exchanged = ringCycles === 0 ? 0 : occupy(ringLane, RING, op, delivered, ringCycles);

    const busyCycles = Math.ceil(job.macs / peak);
    if (busyCycles > 0) observer.busy(PES, op, cycle, busyCycles);
    cycle += busyCycles;
    const products = run.fmacs - run.linkWords;
    stall(op, 'padding', Math.min(products, run.issueCycles) - busyCycles);
    stall(op, 'issue', start + run.issueCycles - cycle);
    stall(op, 'vector', vector?.cycles ?? 0);
    stall(op, job.weightReadBytes > job.operandReadBytes ? 'weight-stall' : 'operand-stall', loaded - cycle);
    // The last bucket is worked on when it is there; the first ones were in time.
    stall(op, 'communication', exchanged - tail - cycle);

    const written = Math.ceil(job.writeBytes / bytesPerCycle);
    if (written > 0) occupy(memoryLane, OFF_CHIP, op, start, written);
    const latency = vectorLatency(spec, job);
    const computedCycle = cycle + run.cycles - run.issueCycles + latency;
    ready.push({ computedCycle, deliveredCycle: Math.max(computedCycle, exchanged - tail) + tail });
    const ringWords = exchanges.reduce(
      (sum, { cores }, index) => sum + times[index]!.linkWords * (coreCount(spec) / cores),
      0,
    );
    countJob(spec, observer, job, run, ringWords);
  }
  const last = jobs.length === 0 ? 0 : jobs.at(-1)!.op;
  stall(last, 'drain', Math.max(0, ...ready.map(({ computedCycle }) => computedCycle)) - cycle);
  stall(
    last,
    'communication',
    Math.max(ringLane.freeCycle, ...ready.map(({ deliveredCycle }) => deliveredCycle)) - cycle,
  );
  stall(last, 'writeback', memoryLane.freeCycle - cycle);
  return cycle;
}

/** Results of a product pass special functions on their way out; work on elements alone ends with a multiply-add. */
function vectorLatency({ functions, pe }: CaterpillarSpec, { kernels, vector }: Job): number {
  if (vector === null) return 0;
  return kernels.length === 0 ? pe.fmacLatencyCycles + functions.latencyCycles : functions.latencyCycles;
}
