import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadMachine } from '../../src/machine/load.ts';
import type { Kernel } from '../../src/models/gpu/kernel.ts';
import { fastest } from '../../src/models/gpu/lower/choose.ts';
import { gpu } from '../../src/models/gpu/model.ts';
import { ALU, GLOBAL, ProgramBuilder } from '../../src/models/gpu/program.ts';
import { kernelTiming } from '../../src/models/gpu/units/chip.ts';
import { blocksPerSm } from '../../src/models/gpu/units/occupancy.ts';
import { SCHEMAS } from '../../src/models/registry.ts';

const V100 = gpu.schema.parse(loadMachine('v100', [], SCHEMAS).spec);

/** Blocks of four warps, one per sub-core, that each compute 100 cycles and touch no memory; two fit on an SM of the V100. */
const PLAIN: Kernel = {
  name: 'plain',
  programKey: 'plain',
  program: () => {
    const builder = new ProgramBuilder();
    builder.add(ALU, 100, 100);
    return { prologue: builder.instructions, body: [], epilogue: [], slots: 1 };
  },
  blocks: 1,
  warpsPerBlock: 4,
  registersPerThread: 255,
  sharedBytesPerBlock: 0,
  iterations: 0,
  exposedLoads: 0,
  loadBytes: 0,
  offChipLoadBytes: () => 0,
  patternShare: 1,
  resultReadBytes: 0,
  resultWriteBytes: 0,
  offChipResultShare: 0,
  mathCyclesPerBlock: 0,
  macsDone: 0,
};

describe('blocks on an SM of the V100: 64 warps, 32 blocks, 65536 registers, 96 KiB of shared memory', () => {
  it.each([
    ['warps', { warpsPerBlock: 8, registersPerThread: 32 }, 64 / 8],
    ['blocks', { warpsPerBlock: 1, registersPerThread: 16 }, 32],
    // 128 threads of 256 registers each, as they are handed out in units of 8.
    ['registers', { warpsPerBlock: 4, registersPerThread: 255 }, 2],
    // 33 registers are handed out as 40: 65536 / (40 x 256) = 6.4.
    ['rounded registers', { warpsPerBlock: 8, registersPerThread: 33 }, 6],
    ['shared memory', { warpsPerBlock: 4, registersPerThread: 32, sharedBytesPerBlock: 40 * 1024 }, 2],
    ['nothing fits', { warpsPerBlock: 32, registersPerThread: 128 }, 0],
  ])('are limited by %s', (_, limits, blocks) => {
    expect(blocksPerSm(V100, { ...PLAIN, ...limits })).toBe(blocks);
  });
});

describe('waves of blocks on 80 SMs, two at a time, 100 cycles for one and 200 for two', () => {
  it.each([
    // blocks, cycles, idle in the tail
    [1, 100, 100 * (79 / 80)],
    [80, 100, 0],
    [160, 200, 0],
    // One SM has two, all others one.
    [81, 200, 200 * (1 - 81 / 160)],
    // Two full waves and one of a single block per SM.
    [400, 2 * 200 + 100, 0],
    [170, 200 + 100, 100 * (70 / 80)],
  ])('%d blocks', (blocks, cycles, tailCycles) => {
    const timing = kernelTiming(V100, { ...PLAIN, blocks }, new Map());
    expect(timing.cycles).toBe(cycles);
    expect(timing.tailCycles).toBeCloseTo(tailCycles, 9);
    expect(timing.residentBlocks).toBe(Math.min(blocks, 160));
  });

  it('refuses a block that fits on no SM', () => {
    expect(() => kernelTiming(V100, { ...PLAIN, warpsPerBlock: 32 }, new Map())).toThrow(InputError);
  });
});

describe('bandwidth of a kernel that only loads', () => {
  /** Every warp of a block loads 512 bytes in each of 64 iterations, at the rate it is told. */
  const loading = (blocks: number, missShare: number): Kernel => ({
    ...PLAIN,
    programKey: 'loading',
    program: ({ loadBytesPerCycle }) => {
      const [start, loop] = [new ProgramBuilder(), new ProgramBuilder()];
      start.add(ALU, 1, 1);
      loop.add(GLOBAL, 512 / loadBytesPerCycle, 1);
      return { prologue: start.instructions, body: loop.instructions, epilogue: [], slots: 1 };
    },
    blocks,
    iterations: 64,
    loadBytes: blocks * 4 * 64 * 512,
    offChipLoadBytes: () => missShare * blocks * 4 * 64 * 512,
  });

  it('from L2 is that of an SM while few ask, and of L2 when all do', () => {
    // 256 loads of 512 bytes: the first starts in cycle 1, the last is done one cycle after its start. One block has the 64 bytes per
    // cycle of its SM; 80 blocks have 1440 / 80 = 18 each.
    expect(kernelTiming(V100, loading(1, 0), new Map()).cycles).toBe(1 + 255 * 8 + 1);
    expect(kernelTiming(V100, loading(80, 0), new Map()).cycles).toBeCloseTo(1 + (255 * 512) / 18 + 1, 6);
  });

  it('from memory is the share of the stream that the machine reaches', () => {
    // 900 GB/s x streamShare at 1530 MHz, shared by 80 SMs; in steps of one part in 64 to 128.
    const bytesPerCycle = (900e3 / 1530) * V100.memory.streamShare;
    const { cycles, offChipReadBytes } = kernelTiming(V100, loading(80, 1), new Map());
    expect(offChipReadBytes).toBe(80 * 131_072);
    expect(Math.abs(cycles / (offChipReadBytes / bytesPerCycle) - 1)).toBeLessThan(0.01);
  });
});

describe('choice among kernels', () => {
  const tooLarge: Kernel = { ...PLAIN, name: 'too large', sharedBytesPerBlock: 2 ** 20 };

  it('leaves out what fits on no SM', () => {
    expect(fastest(V100, [[tooLarge], [PLAIN]], new Map()).kernels.map(({ kernel }) => kernel.name)).toEqual(['plain']);
  });

  it('is refused where nothing fits', () => {
    expect(() => fastest(V100, [[tooLarge]], new Map())).toThrow('no room for a block of too large');
  });
});
