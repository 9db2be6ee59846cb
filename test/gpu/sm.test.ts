import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALU, GLOBAL, MATH, ProgramBuilder, SFU, SHARED, type WarpProgram } from '../../src/models/gpu/program.ts';
import { Sm, type SmRun } from '../../src/models/gpu/units/sm.ts';
import { playSm } from '../oracle/gpu-sm.ts';

type Fill = (builder: ProgramBuilder) => void;

function filled(fill: Fill): WarpProgram['body'] {
  const builder = new ProgramBuilder();
  fill(builder);
  return builder.instructions;
}

/** A run of one warp without a loop, unless told otherwise. */
function runOf(prologue: Fill, more: Partial<SmRun> = {}): SmRun {
  const program = { prologue: filled(prologue), body: [], epilogue: [], slots: 4 };
  return { program, warpsPerBlock: 1, blocks: 1, subCores: 1, queueCycles: 0, iterations: 0, ...more };
}

const cycles = (prologue: Fill, more: Partial<SmRun> = {}): number => new Sm(runOf(prologue, more)).finish().cycles;
const times =
  (count: number, fill: Fill): Fill =>
  (builder) => {
    for (let done = 0; done < count; done++) fill(builder);
  };

describe('one SM, by hand', () => {
  it('a chain of dependent instructions takes its latencies', () => {
    // Ten times 4 cycles: each waits for the one before it.
    expect(cycles(times(10, (builder) => builder.add(ALU, 2, 4, 1, [1])))).toBe(40);
  });

  it('independent instructions follow each other as their pipe is free', () => {
    // The tenth issues in cycle 9 x 2 and is done 4 cycles later.
    expect(cycles(times(10, (builder) => builder.add(ALU, 2, 4, 1)))).toBe(22);
  });

  it('a warp issues one instruction per cycle, whatever the pipes', () => {
    // ALU and SFU in turn: issue 0 ... 9.
    const both: Fill = (builder) => {
      builder.add(ALU, 1, 4);
      builder.add(SFU, 1, 4);
    };
    expect(cycles(times(5, both))).toBe(13);
  });

  it('sub-cores have math pipes of their own and share those of the SM', () => {
    const ten = (pipe: number) => times(10, (builder) => builder.add(pipe, 2, 4));
    const two = { blocks: 2, queueCycles: 1000 };
    expect(cycles(ten(MATH), { ...two, subCores: 2 })).toBe(22);
    // Twenty on one pipe: the last starts at 19 x 2.
    expect(cycles(ten(MATH), { ...two, subCores: 1 })).toBe(42);
    expect(cycles(ten(SHARED), { ...two, subCores: 2 })).toBe(42);
  });

  it('a fast instruction does not make a register ready that a slow one still writes', () => {
    // The load is there in cycle 100, whatever the ALU wrote; what reads both takes 4 more.
    const fill: Fill = (builder) => {
      builder.add(GLOBAL, 1, 100, 1);
      builder.add(ALU, 1, 4, 1);
      builder.add(ALU, 1, 4, 2, [1]);
    };
    expect(cycles(fill)).toBe(104);
  });

  it('a barrier holds all warps of a block until the last has come', () => {
    // Warp 0 computes from 0 and waits from 1; warp 1 gets the pipe in 5 and arrives in 6. Both go on at 6 + 10, warp 0 first, warp 1
    // one cycle later; 3 cycles on it is done.
    const fill: Fill = (builder) => {
      builder.add(ALU, 5, 5);
      builder.barrier(10);
      builder.add(ALU, 1, 3);
    };
    expect(cycles(fill, { warpsPerBlock: 2 })).toBe(20);
    // Blocks of one warp wait for nobody: 1 + 10 and 6 + 10 + 3.
    expect(cycles(fill, { blocks: 2 })).toBe(19);
  });

  it('waiting for copies lets the last groups go on', () => {
    const copies =
      (waitGroups: number): Fill =>
      (builder) => {
        times(2, (each) => {
          each.copy(10, 100);
          each.commit();
        })(builder);
        builder.waitGroups(waitGroups);
        builder.add(ALU, 1, 50);
      };
    // Copies are there in 100 and 110. The wait issues then, the ALU one cycle later.
    expect(cycles(copies(1))).toBe(100 + 1 + 50);
    expect(cycles(copies(0))).toBe(110 + 1 + 50);
    // Nothing to wait for: copy, commit, copy, commit, wait, ALU issue in 0 ... 5, and the second copy ends last.
    expect(cycles(copies(2))).toBe(110);
  });

  it('requests wait at shared memory only as far as its queue goes', () => {
    const loads: Fill = (builder) => {
      times(6, (each) => each.add(SHARED, 4, 20))(builder);
      builder.add(ALU, 1, 100);
    };
    // No queue: loads issue every 4 cycles, the ALU follows the sixth.
    expect(cycles(loads)).toBe(21 + 100);
    // Eight cycles may wait: issue 0, 1, 2, then at 12 - 8, 16 - 8 and 20 - 8.
    expect(cycles(loads, { queueCycles: 8 })).toBe(13 + 100);
    expect(cycles(loads, { queueCycles: 100 })).toBe(6 + 100);
  });

  it('counts a loop from the last prologue instruction to the last one of the body', () => {
    const one: Fill = (builder) => builder.add(ALU, 2, 4);
    const program = { prologue: filled(one), body: filled(one), epilogue: filled(one), slots: 1 };
    const run = { ...runOf(one), program, iterations: 1000 };
    // 1002 instructions, one every 2 cycles.
    const expected = { cycles: 2 * 1001 + 4, loopStartCycle: 0, loopEndCycle: 2000 };
    expect(new Sm(run).finish()).toEqual(expected);
    expect(new Sm(run).finish(true)).toEqual(expected);
  });
});

/** Any instruction that keeps a block's warps together; times in quarters of a cycle. */
const quarters = (min: number, max: number) => fc.integer({ min: 4 * min, max: 4 * max }).map((count) => count / 4);
const slot = fc.integer({ min: 0, max: 3 });
const anyInstruction: fc.Arbitrary<Fill> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(MATH, ALU, SFU, SHARED, GLOBAL),
        quarters(1, 8),
        quarters(1, 40),
        slot,
        fc.array(slot, { maxLength: 2 }),
      )
      .map(
        ([pipe, occupies, latency, writes, reads]): Fill =>
          (builder) =>
            builder.add(pipe, occupies, latency, writes, reads),
      ),
  },
  fc.tuple(quarters(1, 12), slot).map(
    ([latency, after]): Fill =>
      (builder) =>
        builder.barrier(latency, after),
  ),
  fc.tuple(quarters(1, 8), quarters(1, 60)).map(
    ([occupies, latency]): Fill =>
      (builder) =>
        builder.copy(occupies, latency),
  ),
  fc.constant<Fill>((builder) => builder.commit()),
  fc.integer({ min: 0, max: 3 }).map(
    (groups): Fill =>
      (builder) =>
        builder.waitGroups(groups),
  ),
);
const instructions = (minLength: number) =>
  fc
    .array(anyInstruction, { minLength, maxLength: 10 })
    .map((fills) => filled((builder) => fills.forEach((fill) => fill(builder))));
const anyRun = fc.record({
  program: fc.record({
    prologue: instructions(1),
    body: instructions(1),
    epilogue: instructions(1),
    slots: fc.constant(4),
  }),
  warpsPerBlock: fc.integer({ min: 1, max: 5 }),
  blocks: fc.integer({ min: 1, max: 3 }),
  subCores: fc.integer({ min: 1, max: 4 }),
  queueCycles: quarters(0, 16),
  iterations: fc.integer({ min: 1, max: 12 }),
});

describe('one SM, any program', () => {
  it('takes the cycles of the oracle, folded and unfolded', () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const expected = playSm(run);
        expect(new Sm(run).finish(true)).toEqual(expected);
        expect(new Sm(run).finish()).toEqual(expected);
      }),
      { seed: 20261122, numRuns: 150 },
    );
  });

  it('folds long loops without a change', () => {
    fc.assert(
      fc.property(anyRun, fc.integer({ min: 100, max: 300 }), (run, iterations) => {
        const long = { ...run, blocks: 1, iterations };
        expect(new Sm(long).finish()).toEqual(new Sm(long).finish(true));
      }),
      { seed: 20261123, numRuns: 150 },
    );
  });

  it('is no faster than its busiest pipe', () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { prologue, body, epilogue } = run.program;
        const all = [...prologue, ...Array.from({ length: run.iterations }, () => body).flat(), ...epilogue];
        const warps = run.warpsPerBlock * run.blocks;
        const busy = (pipe: number) => all.reduce((sum, one) => sum + (one.pipe === pipe ? one.occupiesCycles : 0), 0);
        const longest = Math.max(...all.map((one) => one.occupiesCycles));
        const { cycles: taken } = new Sm(run).finish();
        // Latency may be shorter than occupation: the last instruction's need not be over.
        for (const pipe of [SHARED, GLOBAL]) expect(taken).toBeGreaterThanOrEqual(warps * busy(pipe) - longest);
        const perSubCore = Math.ceil(warps / run.subCores);
        for (const pipe of [MATH, ALU, SFU]) expect(taken).toBeGreaterThanOrEqual(perSubCore * busy(pipe) - longest);
        expect(taken).toBeGreaterThanOrEqual(perSubCore * all.length);
      }),
      { seed: 20261124, numRuns: 150 },
    );
  });
});
