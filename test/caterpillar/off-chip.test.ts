import { describe, expect, it } from 'vitest';
import { SILENT, STALL_CAUSES } from '../../src/events/events.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { runJobs } from '../../src/models/caterpillar/assemble.ts';
import type { Job } from '../../src/models/caterpillar/program.ts';
import { caterpillarSpec } from '../../src/models/caterpillar/spec.ts';
import { SCHEMAS } from '../../src/models/registry.ts';

// 25 bytes a cycle, and 100 cycles until the last word of a load is there.
const spec = caterpillarSpec.parse(
  loadMachine('caterpillar-2x16', ['memory.bandwidthGBps=25', 'memory.latencyNs=100'], SCHEMAS).spec,
);

const NOTHING: Job = {
  ...{
    op: 0,
    fused: [],
    pool: 0,
    after: [],
    readsBack: [],
    macs: 0,
    kernels: [],
    grid: null,
    vector: null,
    exchanges: [],
  },
  ...{ weightReadBytes: 0, operandReadBytes: 0, writeBytes: 0 },
};
const passOver = (cycles: number) => ({ cycles, operations: 1, wordsRead: 1, wordsWritten: 1 });

/** Cycles of the PEs by op and cause, in order. */
function waits(jobs: readonly Partial<Job>[]): string[] {
  const seen: string[] = [];
  const stall = (unit: number, op: number, cause: number, _start: number, cycles: number): void => {
    if (unit === 0) seen.push(`${op} ${STALL_CAUSES[cause]} ${cycles}`);
  };
  runJobs(
    spec,
    {
      jobs: jobs.map((job, op) => ({ ...NOTHING, op, ...job })),
      ...{ poolCores: [32], freeShare: 0.25, peakUseBytes: 0, notes: [] },
    },
    { ...SILENT, stall },
    false,
  );
  return seen;
}

describe('off-chip memory', () => {
  it('a load waits for results written before it: that time is writeback, the rest the load', () => {
    const jobs = [
      { vector: passOver(5), writeBytes: 2500 },
      { vector: passOver(20), operandReadBytes: 250 },
    ];
    // Results keep the memory until cycle 100, the load until 110, and 100 later it is there. Work ends at 5 and 25.
    expect(waits(jobs).slice(0, 4)).toEqual(['0 vector 5', '1 vector 20', '1 writeback 75', '1 operand-stall 110']);
  });

  it('a result that comes back is there a latency after it is made, however early the memory had time for the rest', () => {
    const jobs = [
      { vector: passOver(20), writeBytes: 25 },
      { vector: passOver(5), operandReadBytes: 250, after: [0], readsBack: [0] },
    ];
    // Work ends at 20, its results are there 11 later; the memory is done with both at 11, but the last word comes at 31 + 100.
    expect(waits(jobs).slice(0, 4)).toEqual(['0 vector 20', '1 fill 11', '1 vector 5', '1 operand-stall 95']);
  });

  it('a load that waits for another load waits for weights', () => {
    const jobs = [
      { vector: passOver(5), weightReadBytes: 2500 },
      { vector: passOver(5), weightReadBytes: 2500 },
    ];
    // Words of the first are there at 200; the second load follows at 100 and is there at 300.
    expect(waits(jobs).slice(0, 4)).toEqual(['0 vector 5', '0 weight-stall 195', '1 vector 5', '1 weight-stall 95']);
  });
});
