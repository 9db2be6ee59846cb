import type { UopTimes } from '../../models/x86/trace.ts';
import { type BlockTimeline, LOOP_END } from './report.ts';

/** What a micro-op is in from one cycle to before the next. */
export interface Stage {
  readonly key: 'predecoded' | 'queued' | 'waiting' | 'executing' | 'done';
  readonly from: number;
  readonly until: number;
}

export const STAGE_TEXT: Readonly<Record<Stage['key'], string>> = {
  predecoded: 'predecoded, waits for a decoder',
  queued: 'decoded, waits for the renamer',
  waiting: 'issued, waits for operands or its port',
  executing: 'executes',
  done: 'done, waits to retire',
};

/** Stages of a micro-op that last at least a cycle, in order, up to the cycle in which it retires. */
export function stagesOf({ predecoded, decoded, issued, dispatched, executed, retired }: UopTimes): Stage[] {
  const leaves = dispatched ?? issued;
  const stages: Stage[] = [
    { key: 'predecoded', from: predecoded ?? decoded, until: decoded },
    { key: 'queued', from: decoded, until: issued },
    { key: 'waiting', from: issued, until: leaves },
    { key: 'executing', from: leaves, until: dispatched === null ? leaves : executed },
    { key: 'done', from: dispatched === null ? leaves : executed, until: retired },
  ];
  return stages.filter(({ from, until }) => until > from);
}

const KIND_TEXT: Readonly<Record<UopTimes['kind'], string>> = {
  compute: '',
  load: 'load',
  'store-address': 'store address',
  'store-data': 'store data',
  none: 'not executed',
  move: 'eliminated',
};

/** A micro-op in words: its instruction, and which part of it. */
export function nameOf({ texts }: BlockTimeline, { instruction, kind }: UopTimes): string {
  const text = texts[instruction] ?? LOOP_END;
  return KIND_TEXT[kind] === '' ? text : `${text} (${KIND_TEXT[kind]})`;
}

/** First and one past the last cycle of a timeline. */
export function span(times: readonly UopTimes[]): { from: number; until: number } {
  let from = Number.POSITIVE_INFINITY;
  let until = 0;
  for (const { predecoded, decoded, retired } of times) {
    from = Math.min(from, predecoded ?? decoded);
    until = Math.max(until, retired + 1);
  }
  return { from: Math.min(from, until), until };
}
