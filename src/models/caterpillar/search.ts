import { SILENT } from '../../events/events.ts';
import { runJobs } from './assemble.ts';
import { noteFreeShares, notePools } from './lower/notes.ts';
import { choose } from './lower/tie.ts';
import type { CaterpillarProgram } from './program.ts';
import { type CaterpillarSpec, wordBytes } from './spec.ts';
import { memoryWords } from './units/core.ts';
import { runKernels } from './units/kernel.ts';

interface Timed {
  readonly program: CaterpillarProgram;
  readonly cycles: number;
  readonly words: number;
}

/**
 * Of a trace's programs the one that takes least time or, among those that take hardly longer, moves the fewest words; its notes say what the
 * others take.
 */
export function fastest(spec: CaterpillarSpec, programs: readonly CaterpillarProgram[]): CaterpillarProgram {
  if (programs.length === 1) return programs[0]!;
  const timed = programs.map(
    (program): Timed => ({
      program,
      cycles: runJobs(spec, program, SILENT, false),
      words: wordsMoved(spec, program),
    }),
  );
  const best = bestOf(timed);
  const { freeShare } = best.program;
  const shares = [...new Set(programs.map((program) => program.freeShare))];
  const ofShare = (share: number): Timed[] => timed.filter(({ program }) => program.freeShare === share);
  const [inTurn, onPools] = ofShare(freeShare);
  return {
    ...best.program,
    notes: [
      ...best.program.notes,
      ...(shares.length > 1
        ? [
            noteFreeShares(
              freeShare,
              shares.map((share) => ({ share, cycles: bestOf(ofShare(share)).cycles })),
            ),
          ]
        : []),
      ...(onPools === undefined ? [] : [notePools(onPools.program.poolCores, inTurn!.cycles, onPools.cycles)]),
    ],
  };
}

function bestOf(timed: readonly Timed[]): Timed {
  return choose(
    timed,
    ({ cycles }) => cycles,
    ({ words }) => words,
  );
}

/** What a word costs off the chip, in words of a memory on it: between one and two hundred times (Horowitz, ISSCC 2014). */
const OFF_CHIP_WORDS = 100;

function wordsMoved(spec: CaterpillarSpec, { jobs, poolCores }: CaterpillarProgram): number {
  const { size } = spec.core;
  return jobs.reduce((sum, { kernels, pool, vector, weightReadBytes, operandReadBytes, writeBytes }) => {
    const words = memoryWords(runKernels(kernels, size, false));
    const elements = vector === null ? 0 : vector.wordsRead + vector.wordsWritten;
    const offChip = (weightReadBytes + operandReadBytes + writeBytes) / wordBytes(spec);
    return sum + words * poolCores[pool]! * size ** 2 + elements + OFF_CHIP_WORDS * offChip;
  }, 0);
}
