import { type Collective, reversed } from '../schedule.ts';
import { type Algorithm, algorithm, of } from './algorithm.ts';
import { ALL_REDUCES } from './all-reduce.ts';
import { ALL_GATHERS, ALL_TO_ALLS, BARRIERS, REDUCE_SCATTERS } from './gathering.ts';
import { BROADCASTS, REDUCTIONS, SCATTERS } from './rooted.ts';

/**
 * Every algorithm of every collective, by name. Cost formulas: Thakur, Rabenseifner and Gropp, IJHPCA 19, 2005;
 * Pjesivac-Grbovic, thesis, University of Tennessee, 2007.
 */
export const ALGORITHMS: Readonly<Record<Collective, ReadonlyMap<string, Algorithm>>> = {
  broadcast: new Map(BROADCASTS),
  reduce: new Map(REDUCTIONS),
  scatter: new Map(SCATTERS.map(([name, messages, cost]) => [name, algorithm(of(messages), cost)])),
  gather: new Map(
    SCATTERS.map(([name, messages, cost]) => [
      name,
      algorithm(
        of((ranks) => reversed(messages(ranks), false)),
        cost,
      ),
    ]),
  ),
  'all-gather': new Map(ALL_GATHERS),
  'reduce-scatter': new Map(REDUCE_SCATTERS),
  'all-reduce': new Map(ALL_REDUCES),
  'all-to-all': new Map(ALL_TO_ALLS),
  barrier: new Map(BARRIERS),
};
