import type { Way } from '../lower/way.ts';
import type { SystemSpec } from '../system.ts';
import { type NestTime, nestTime } from './core-time.ts';
import { lineCosts } from './line-costs.ts';
import type { Pipeline } from './pipeline.ts';

/** A way with what its busiest core spends in each of its nests. */
export interface TimedWay {
  readonly way: Way;
  readonly times: readonly NestTime[];
  /** All nests of the busiest core. */
  readonly coreCycles: number;
  /** Cycles of those that its pipeline has nothing to do because a path from the last level or memory is full. */
  readonly bandwidthCycles: number;
  /** Calling the library, and waking and joining the other cores. */
  readonly callCycles: number;
}

export function timeWay(way: Way, pipeline: Pipeline, system: SystemSpec): TimedWay {
  const costs = lineCosts(system, way.active);
  const times = way.nests.map((nest) => nestTime(nest, pipeline, costs, system));
  const sum = (of: (time: NestTime) => number): number => times.reduce((total, time) => total + of(time), 0);
  const ownCycles = sum(({ pipelineCycles, memoryCycles }) => pipelineCycles + memoryCycles);
  const coreCycles = Math.max(
    ownCycles,
    sum(({ l3Cycles }) => l3Cycles),
    sum(({ offChipCycles }) => offChipCycles),
  );
  const ns = system.callNs + (way.active > 1 ? system.barrierNs : 0);
  return {
    way,
    times,
    coreCycles,
    bandwidthCycles: coreCycles - ownCycles,
    callCycles: (ns * system.clockMHz) / 1e3,
  };
}

/** The fastest of some ways; of equally fast ones the first. */
export function fastestWay(ways: readonly Way[], pipeline: Pipeline, system: SystemSpec): TimedWay {
  const total = ({ coreCycles, callCycles }: TimedWay): number => coreCycles + callCycles;
  return ways
    .map((way) => timeWay(way, pipeline, system))
    .reduce((best, one) => (total(one) < total(best) ? one : best));
}
