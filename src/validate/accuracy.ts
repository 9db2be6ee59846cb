import { dataPath, fileExists, readInput } from '../files.ts';
import type { Report } from '../report/report.ts';
import type { Baseline } from './baseline.ts';

/** Where the kept validation results lie. */
export function baselinePath(): string {
  return dataPath('reports', 'validation.json');
}

/** Measured error of a machine's model, from the kept validation results; machines derived from none have none. */
export function accuracyOf(machine: string): Report['accuracy'] {
  const none = {
    anchors: 0,
    meanAbsErrorPct: null,
    note: `no published or measured figure holds ${machine}; treat absolute numbers with care.`,
  };
  if (!fileExists(baselinePath())) return none;
  const baseline = JSON.parse(readInput(baselinePath())) as Baseline;
  return baseline.accuracy[machine] ?? none;
}
