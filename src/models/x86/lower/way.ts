import type { Nest } from './nest.ts';

/** One way to run an op on a machine's cores. */
export interface Way {
  /** What the busiest core does. */
  readonly nests: readonly Nest[];
  /** Cores that take part. */
  readonly active: number;
  /** Work of all cores together over that of the busiest: at most `active`. */
  readonly share: number;
}

/** The same nest with all its counts times `factor`. */
export function scaled(nest: Nest, factor: number): Nest {
  return {
    ...nest,
    steps: nest.steps * factor,
    entries: nest.entries * factor,
    lanesDone: nest.lanesDone * factor,
    streams: nest.streams.map((stream) => ({ ...stream, lines: stream.lines * factor })),
    pageMisses: (nest.pageMisses ?? 0) * factor,
    pageWalks: (nest.pageWalks ?? 0) * factor,
  };
}

/** Work that falls into so many equal tasks, dealt out over cores. */
export function dealt(nests: readonly Nest[], tasks: number, cores: number): Way {
  const active = Math.min(cores, tasks);
  const share = tasks / Math.ceil(tasks / active);
  return { nests: nests.map((nest) => scaled(nest, 1 / share)), active, share };
}
