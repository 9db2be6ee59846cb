import {
  BARRIER,
  COMMIT,
  COPY,
  GLOBAL,
  type Instruction,
  NO_SLOT,
  PIPES,
  SHARED,
  WAIT_GROUPS,
} from '../../src/models/gpu/program.ts';
import type { SmResult, SmRun } from '../../src/models/gpu/units/sm.ts';

/**
 * One SM, tick by tick and warp by warp. Pipes are lists of requests of which the first is served; a scoreboard slot is free when no
 * request that writes it is left. Nothing is skipped, predicted or remembered, so it is slow and easy to believe.
 */

/** Ticks per cycle: pipes may be occupied for eighths of a cycle, and what waits for them issues in between. */
const TICKS = 8;
/** Longer runs are taken for a deadlock. */
const LIMIT_TICKS = 4_000_000;

export class Hazard extends Error {}

/** An instruction that a warp has reached. */
export interface Place {
  readonly warp: number;
  readonly block: number;
  readonly warpInBlock: number;
  readonly part: 'prologue' | 'body' | 'epilogue';
  readonly instruction: Instruction;
}

/** Gives instructions their meaning: called when one issues, returns what happens when its result arrives. */
export type Meaning = (place: Place) => (() => void) | undefined;

interface Request {
  readonly slot: number;
  readonly latencyTicks: number;
  readonly arrive: (() => void) | undefined;
  remainingTicks: number;
  /** Known once a pipe has begun to serve the request. */
  doneTick: number | null;
}

interface Warp {
  readonly index: number;
  readonly block: number;
  readonly places: readonly Place[];
  next: number;
  /** Requests under way. */
  pending: Request[];
  copies: Request[];
  groups: Request[][];
  atBarrier: boolean;
  releasedTick: number;
}

const done = (request: Request, tick: number): boolean => request.doneTick !== null && request.doneTick <= tick;

/** Plays every instruction of every warp. Throws Hazard if warps wait for each other for ever. */
export function playSm(run: SmRun, meaning: Meaning = () => undefined): SmResult {
  const { program, warpsPerBlock, blocks, subCores, iterations } = run;
  const warps = Array.from({ length: blocks * warpsPerBlock }, (_, index): Warp => {
    const block = Math.floor(index / warpsPerBlock);
    const at =
      (part: Place['part']) =>
      (instruction: Instruction): Place => ({
        warp: index,
        block,
        warpInBlock: index % warpsPerBlock,
        part,
        instruction,
      });
    const bodies = Array.from({ length: iterations }, () => program.body.map(at('body'))).flat();
    const places = [...program.prologue.map(at('prologue')), ...bodies, ...program.epilogue.map(at('epilogue'))];
    return { index, block, places, next: 0, pending: [], copies: [], groups: [], atBarrier: false, releasedTick: 0 };
  });
  const queues = Array.from({ length: subCores + 1 }, () => PIPES.map((): Request[] => []));
  const queueOf = (subCore: number, pipe: number): Request[] => queues[pipe >= SHARED ? subCores : subCore]![pipe]!;
  const ownWarps = Array.from({ length: subCores }, (_, subCore) =>
    warps.filter(({ index }) => index % subCores === subCore),
  );
  const freeTick = new Array<number>(subCores).fill(0);
  const turn = Array.from({ length: subCores }, (_, subCore) => subCore);
  let [endTick, loopStartTick, loopEndTick] = [0, 0, 0];

  const mayIssue = (warp: Warp, subCore: number, tick: number): boolean => {
    const place = warp.places[warp.next];
    if (place === undefined || warp.atBarrier || tick < warp.releasedTick) return false;
    const { pipe, reads, effect, waitGroups } = place.instruction;
    if (reads.some((slot) => slot !== NO_SLOT && warp.pending.some((request) => request.slot === slot))) return false;
    if (effect === WAIT_GROUPS) {
      const mustBeDone = warp.groups.slice(0, Math.max(0, warp.groups.length - waitGroups)).flat();
      if (!mustBeDone.every((request) => done(request, tick))) return false;
    }
    if (pipe === GLOBAL) return true;
    const backlogTicks = queueOf(subCore, pipe).reduce((sum, request) => sum + request.remainingTicks, 0);
    return backlogTicks <= (pipe === SHARED ? run.queueCycles * TICKS : 0);
  };

  const issue = (warp: Warp, subCore: number, tick: number): void => {
    const place = warp.places[warp.next]!;
    const { pipe, occupiesCycles, latencyCycles, writes, effect } = place.instruction;
    const request: Request = {
      slot: writes,
      latencyTicks: latencyCycles * TICKS,
      arrive: meaning(place),
      remainingTicks: occupiesCycles * TICKS,
      doneTick: null,
    };
    queueOf(subCore, pipe).push(request);
    warp.pending.push(request);
    warp.next++;
    freeTick[subCore] = tick + TICKS;
    if (effect === COPY) warp.copies.push(request);
    if (effect === COMMIT) {
      warp.groups.push(warp.copies);
      warp.copies = [];
    }
    if (effect === BARRIER) {
      warp.atBarrier = true;
      const mates = warps.filter(({ block }) => block === warp.block);
      if (mates.every(({ atBarrier }) => atBarrier))
        for (const mate of mates) {
          mate.atBarrier = false;
          mate.releasedTick = tick + request.latencyTicks;
        }
    }
    const following = warp.places[warp.next]?.part;
    if (place.part === 'prologue' && following === 'body') loopStartTick = tick;
    if (place.part === 'body' && following !== 'body') loopEndTick = tick;
  };

  for (let tick = 0; warps.some((warp) => warp.next < warp.places.length || warp.pending.length > 0); tick++) {
    if (tick > LIMIT_TICKS) throw new Hazard('warps wait for ever');
    for (const warp of warps) {
      if (!warp.pending.some((request) => done(request, tick))) continue;
      const arrived = warp.pending.filter((request) => done(request, tick));
      warp.pending = warp.pending.filter((request) => !done(request, tick));
      for (const { arrive } of arrived) arrive?.();
      endTick = tick;
    }
    for (let subCore = 0; subCore < subCores; subCore++) {
      if (tick < freeTick[subCore]!) continue;
      // The warp after the one that issued last comes first.
      const able = ownWarps[subCore]!.filter((one) => mayIssue(one, subCore, tick));
      const warp = able.find(({ index }) => index >= turn[subCore]!) ?? able[0];
      if (warp === undefined) continue;
      issue(warp, subCore, tick);
      turn[subCore] = warp.index + 1;
    }
    for (const queue of queues.flat()) {
      const served = queue[0];
      if (served === undefined) continue;
      served.doneTick ??= tick + served.latencyTicks;
      served.remainingTicks--;
      if (served.remainingTicks === 0) queue.shift();
    }
  }
  return { cycles: endTick / TICKS, loopStartCycle: loopStartTick / TICKS, loopEndCycle: loopEndTick / TICKS };
}
