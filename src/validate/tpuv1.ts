import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import type { Report } from '../report/report.ts';
import { simulate } from '../simulate.ts';
import { loadTrace } from '../workload/load.ts';
import type { AnchorResult } from './anchor.ts';
import { mean } from './metrics.ts';

/** Jouppi et al., ISCA 2017: Table 3 (percent of cycles; TOPS count 2 per MAC), Table 1 (share of deployed TPUs, half of each pair). */
export const APPLICATIONS = {
  'tpuv1-mlp0': { tops: 12.3, active: 12.7, stall: 53.9, shift: 15.9, nonMatrix: 17.5, weight: 0.305, kind: 'mlp' },
  'tpuv1-mlp1': { tops: 9.7, active: 10.6, stall: 44.2, shift: 13.4, nonMatrix: 31.9, weight: 0.305, kind: 'mlp' },
  'tpuv1-lstm0': { tops: 3.7, active: 8.2, stall: 58.1, shift: 15.8, nonMatrix: 17.9, weight: 0.145, kind: 'lstm' },
  'tpuv1-lstm1': { tops: 2.8, active: 10.5, stall: 62.1, shift: 17.1, nonMatrix: 10.3, weight: 0.145, kind: 'lstm' },
  'tpuv1-cnn0': { tops: 86.0, active: 78.2, stall: 0, shift: 0, nonMatrix: 21.8, weight: 0.025, kind: 'cnn' },
  'tpuv1-cnn1': { tops: 14.1, active: 46.2, stall: 28.1, shift: 7.0, nonMatrix: 18.7, weight: 0.025, kind: 'cnn' },
} as const;
type Application = keyof typeof APPLICATIONS;
export const APPLICATION_NAMES = Object.keys(APPLICATIONS) as Application[];

/**
 * Applications whose counters (rows 1 to 8) and throughput (row 9) agree, so that one model can meet both: both MLPs. The LSTMs
 * and CNN1 agree too if 16-bit activations are assumed, CNN0 does not; their counters are shown without a bound.
 */
const COUNTERS_BOUND: ReadonlySet<Application> = new Set<Application>(['tpuv1-mlp0', 'tpuv1-mlp1']);
const COUNTER_POINTS = 6;
const TOPS_PERCENT = 15;

function run(application: Application, sets: readonly string[], machine = 'tpuv1'): Report {
  const loaded = loadMachine(machine, sets, SCHEMAS);
  return simulate(loaded, loadTrace(application, { phase: 'inference' }, 'int8')).report;
}

/** Tera-operations per second, 2 per MAC. */
export function tops(report: Report): number {
  return (2 * report.totals.macs) / report.totals.seconds / 1e12;
}

/** Throughput, counters and power of the six applications on tpuv1. */
export function applicationAnchors(): AnchorResult[] {
  const results: AnchorResult[] = [];
  for (const name of APPLICATION_NAMES) {
    const published = APPLICATIONS[name];
    const report = run(name, []);
    const counters = report.countersPct;
    const add = (
      what: string,
      unit: string,
      value: number,
      predicted: number,
      errorIn: AnchorResult['errorIn'],
      bound: number | null,
    ): void => {
      results.push({
        id: `${name}/${what}`,
        machine: 'tpuv1',
        what: `${name.slice(6)} ${what}`,
        unit,
        published: value,
        predicted,
        errorIn,
        bound,
      });
    };
    const counterBound = COUNTERS_BOUND.has(name) ? COUNTER_POINTS : null;
    add('throughput', 'TOPS', published.tops, tops(report), 'percent', TOPS_PERCENT);
    add('array active', '% of cycles', published.active, counters['arrayActive']!, 'points', counterBound);
    add('weight stall', '% of cycles', published.stall, counters['weightStall']!, 'points', counterBound);
    add('weight shift', '% of cycles', published.shift, counters['weightShift']!, 'points', counterBound);
    add('non-matrix', '% of cycles', published.nonMatrix, counters['nonMatrix']!, 'points', counterBound);
    // The 600x600 matrices of LSTM1 take 3x3 tiles of 256: 360000 / 589824 of the active MACs are useful.
    if (name === 'tpuv1-lstm1')
      add(
        'useful share',
        '% of active MACs',
        61,
        (100 * counters['usefulMacs']!) / counters['arrayActive']!,
        'points',
        1,
      );
    if (name === 'tpuv1-cnn0') add('busy power (fitted)', 'W per die', 40, report.totals.averagePowerW, 'percent', 5);
  }
  return results;
}

/** Host transfers excluded, as in section 7 of the paper. */
const NO_HOST = ['hostLink.bandwidthGBps=1000000', 'hostLink.latencyNs=0'];

/** Speed-ups by changes of the machine, as in figure 11 and section 7: for each application, then their means. */
export function sensitivityAnchors(): AnchorResult[] {
  const base = new Map(APPLICATION_NAMES.map((name) => [name, run(name, NO_HOST).totals.seconds]));
  const speedups = (sets: readonly string[], machine?: string) =>
    new Map(
      APPLICATION_NAMES.map((name) => [
        name,
        base.get(name)! / run(name, [...NO_HOST, ...sets], machine).totals.seconds,
      ]),
    );
  const meanOf = (values: ReadonlyMap<Application, number>, kinds: readonly string[]) =>
    mean(APPLICATION_NAMES.filter((name) => kinds.includes(APPLICATIONS[name].kind)).map((name) => values.get(name)!));
  const geometric = (values: ReadonlyMap<Application, number>) => Math.exp(mean([...values.values()].map(Math.log)));
  const weighted = (values: ReadonlyMap<Application, number>) => {
    const total = APPLICATION_NAMES.reduce((sum, name) => sum + APPLICATIONS[name].weight, 0);
    return APPLICATION_NAMES.reduce((sum, name) => sum + APPLICATIONS[name].weight * values.get(name)!, 0) / total;
  };
  const memory = speedups(['memory.bandwidthGBps=136']);
  const clock = speedups(['clockMHz=2800', 'accumulators.rows=16384']);
  const array = speedups(['array.rows=512', 'array.columns=512', 'accumulators.rows=8192', 'buffer.bytesPerCycle=512']);
  const gddr5 = speedups([], 'tpuv1-gddr5');
  const row = (id: string, what: string, published: number, predicted: number, bound: number): AnchorResult => ({
    id: `sensitivity/${id}`,
    machine: 'tpuv1',
    what,
    unit: 'x faster',
    published,
    predicted,
    errorIn: 'percent',
    bound,
  });
  // Bounds: figure 11 is read in words ("about 3x", "about 2x", "little", "slightly worse").
  return [
    row('memory-mlp-lstm', '4x memory bandwidth, MLPs and LSTMs', 3, meanOf(memory, ['mlp', 'lstm']), 20),
    row('memory-cnn', '4x memory bandwidth, CNNs', 1.1, meanOf(memory, ['cnn']), 25),
    row('clock-mlp-lstm', '4x clock, MLPs and LSTMs', 1.1, meanOf(clock, ['mlp', 'lstm']), 15),
    row('clock-cnn', '4x clock with accumulators, CNNs', 2, meanOf(clock, ['cnn']), 25),
    row('array-512', '512x512 array, weighted mean', 0.9, weighted(array), 15),
    row('gddr5-geometric', "GDDR5 (TPU'), geometric mean", 2.6, geometric(gddr5), 20),
    row('gddr5-weighted', "GDDR5 (TPU'), weighted mean", 3.9, weighted(gddr5), 25),
  ];
}
