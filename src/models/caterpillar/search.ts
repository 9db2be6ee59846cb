import type { Observer } from '../../events/events.ts';
import { runJobs } from './assemble.ts';
import { noteFreeShares, notePools } from './lower/notes.ts';
import type { CaterpillarProgram } from './program.ts';
import type { CaterpillarSpec } from './spec.ts';

/** For runs that are only timed. */
const SILENT: Observer = { busy: () => {}, stall: () => {}, access: () => {}, mark: () => {}, fold: () => {} };

interface Timed {
  readonly program: CaterpillarProgram;
  readonly cycles: number;
}

/** Of a trace's programs the one that takes least time, the first of several; its notes say what the others take. */
export function fastest(spec: CaterpillarSpec, programs: readonly CaterpillarProgram[]): CaterpillarProgram {
  if (programs.length === 1) return programs[0]!;
  const timed = programs.map((program): Timed => ({ program, cycles: runJobs(spec, program, SILENT, false) }));
  const best = least(timed);
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
              shares.map((share) => ({ share, cycles: least(ofShare(share)).cycles })),
            ),
          ]
        : []),
      ...(onPools === undefined ? [] : [notePools(onPools.program.poolCores, inTurn!.cycles, onPools.cycles)]),
    ],
  };
}

function least(timed: readonly Timed[]): Timed {
  return timed.reduce((best, each) => (each.cycles < best.cycles ? each : best));
}
