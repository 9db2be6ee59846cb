import { parse } from 'csv-parse/sync';
import { dataPath, readInput } from '../files.ts';
import type { Report } from '../report/report.ts';
import { type AnchorResult, errorOf, holds } from './anchor.ts';
import type { Baseline } from './baseline.ts';
import { CATERPILLAR_MACHINES, caterpillarAnchors } from './caterpillar.ts';
import { mean } from './metrics.ts';
import type { OnRow } from './against.ts';
import { type MeasuredSet, measuredSets } from './measured.ts';
import { type ScalesimRow, scalesimCycles } from './scalesim.ts';
import { applicationAnchors, APPLICATION_NAMES, sensitivityAnchors } from './tpuv1.ts';

export interface Validation {
  readonly anchors: readonly AnchorResult[];
  /** SCALE-Sim rows in all and those that are exact. */
  readonly scalesim: { readonly rows: number; readonly exact: number };
  /** Kernels measured on real machines. */
  readonly measured: readonly MeasuredSet[];
  /** What is worse than its bound, or than the kept baseline. */
  readonly failures: readonly string[];
}

/** Errors may drift by rounding, in percent or points, before they count as grown. */
const TOLERANCE = 0.05;
/** Jouppi 2017, Table 7: the authors' own model errs by 8.2 % on average. */
const MEAN_THROUGHPUT_BOUND = 8;

function scalesimRows(): (ScalesimRow & { cycles: number })[] {
  const records = parse(readInput(dataPath('reports', 'anchors', 'scalesim.csv')), { columns: true }) as Record<
    string,
    string
  >[];
  return records.map((record) => ({
    m: Number(record['gemm_m']),
    n: Number(record['gemm_n']),
    k: Number(record['gemm_k']),
    rows: Number(record['array_h']),
    columns: Number(record['array_w']),
    dataflow: record['dataflow'] as ScalesimRow['dataflow'],
    cycles: Number(record['compute_cycles']),
  }));
}

/** Whether the figures of the six applications are among them. */
export function hasApplications(anchors: readonly AnchorResult[]): boolean {
  return anchors.some((anchor) => anchor.id.endsWith('/throughput'));
}

/** Mean absolute error of the throughput of the six applications, percent. */
export function meanThroughputError(anchors: readonly AnchorResult[]): number {
  return mean(anchors.filter((anchor) => anchor.id.endsWith('/throughput')).map((anchor) => Math.abs(errorOf(anchor))));
}

/** Runs every anchor of the machines asked for (null: all) and compares with the kept baseline (null: none kept). */
export function validate(machine: string | null, baseline: Baseline | null, onRow?: OnRow): Validation {
  const anchors = [
    ...(machine === null || machine === 'tpuv1' ? [...applicationAnchors(), ...sensitivityAnchors()] : []),
    ...(machine === null || CATERPILLAR_MACHINES.includes(machine)
      ? caterpillarAnchors().filter((anchor) => machine === null || anchor.machine === machine)
      : []),
  ];
  const rows = machine === null || machine.startsWith('scalesim') ? scalesimRows() : [];
  const exact = rows.filter((row) => scalesimCycles(row) === row.cycles).length;
  const failures = anchors
    .filter((anchor) => !holds(anchor))
    .map((anchor) => `${anchor.what}: error ${errorOf(anchor).toFixed(1)} is beyond ${anchor.bound}`);
  if (exact < rows.length) failures.push(`SCALE-Sim: ${rows.length - exact} of ${rows.length} rows differ`);
  if (hasApplications(anchors) && meanThroughputError(anchors) > MEAN_THROUGHPUT_BOUND)
    failures.push(
      `mean throughput error ${meanThroughputError(anchors).toFixed(1)} % is beyond ${MEAN_THROUGHPUT_BOUND} %`,
    );
  const measured = measuredSets(machine, onRow);
  for (const { id, mapePct, bound } of measured)
    if (bound !== null && mapePct > bound) failures.push(`${id}: error ${mapePct.toFixed(1)} is beyond ${bound}`);
  for (const [id, what, error] of [
    ...anchors.map((anchor) => [anchor.id, anchor.what, Math.abs(errorOf(anchor))] as const),
    ...measured.map((set) => [set.id, set.id, set.mapePct] as const),
  ]) {
    const kept = baseline?.errors[id];
    if (kept !== undefined && error > kept + TOLERANCE)
      failures.push(`${what}: error grew from ${kept.toFixed(2)} to ${error.toFixed(2)}`);
  }
  return { anchors, scalesim: { rows: rows.length, exact }, measured, failures };
}

/** What is kept under version control after a model has changed. */
export function toBaseline(validation: Validation): Baseline {
  const { anchors, scalesim, measured } = validation;
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  const throughput = round(meanThroughputError(anchors));
  const tpu: Report['accuracy'] = {
    anchors: APPLICATION_NAMES.length,
    meanAbsErrorPct: throughput,
    note: `Throughput of applications with reconstructed layer shapes; accsim validate shows all ${anchors.filter((anchor) => anchor.machine === 'tpuv1').length} figures.`,
  };
  const arrays: Report['accuracy'] = {
    anchors: scalesim.rows,
    meanAbsErrorPct: 0,
    note: "Compute cycles equal SCALE-Sim's in every row.",
  };
  const names = [
    'scalesim',
    ...['32x32', '128x128'].flatMap((size) => ['ws', 'os', 'is'].map((dataflow) => `scalesim-${size}-${dataflow}`)),
  ];
  return {
    errors: Object.fromEntries([
      ...anchors.map((anchor) => [anchor.id, round(Math.abs(errorOf(anchor)))] as const),
      ...measured.map((set) => [set.id, round(set.mapePct)] as const),
    ]),
    accuracy: {
      tpuv1: tpu,
      ...publishedAccuracy(anchors),
      ...measuredAccuracy(measured),
      ...Object.fromEntries(names.map((name) => [name, arrays])),
    },
  };
}

/** One sentence a machine of kind caterpillar: the error over its published figures. */
function publishedAccuracy(anchors: readonly AnchorResult[]): Baseline['accuracy'] {
  return Object.fromEntries(
    CATERPILLAR_MACHINES.map((machine) => {
      const own = anchors.filter((anchor) => anchor.machine === machine);
      const error = mean(
        own.map((anchor) => Math.abs((100 * (anchor.predicted - anchor.published)) / anchor.published)),
      );
      const note = `Published figures, some of them fitted; accsim validate --arch ${machine} shows them.`;
      return [machine, { anchors: own.length, meanAbsErrorPct: Math.round(error * 1000) / 1000, note }];
    }),
  );
}

/** One sentence a machine: the error over all of its measured rows. */
function measuredAccuracy(measured: readonly MeasuredSet[]): Baseline['accuracy'] {
  const machines = [...new Set(measured.map((set) => set.machine))];
  return Object.fromEntries(
    machines.map((machine) => {
      const sets = measured.filter((set) => set.machine === machine);
      const rows = sets.reduce((sum, set) => sum + set.rows, 0);
      const error = sets.reduce((sum, set) => sum + set.mapePct * set.rows, 0) / rows;
      const note = `Times of measured kernels; accsim validate --arch ${machine} shows them by kind.`;
      return [machine, { anchors: rows, meanAbsErrorPct: Math.round(error * 1000) / 1000, note }];
    }),
  );
}
