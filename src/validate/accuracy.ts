import { dataPath, fileExists, readInput } from '../files.ts';
import type { Machine } from '../machine/source.ts';
import type { Report } from '../report/report.ts';
import type { Baseline } from './baseline.ts';

/** Where the kept validation results lie. */
export function baselinePath(): string {
  return dataPath('reports', 'validation.json');
}

/** Measured error of a machine's model, from the kept validation results; machines derived from it have none of their own. */
export function accuracyOf({ name, overrides }: Machine): Report['accuracy'] {
  const changed = Object.keys(overrides).length > 0;
  const kept = !changed && fileExists(baselinePath()) ? (JSON.parse(readInput(baselinePath())) as Baseline) : null;
  return (
    kept?.accuracy[name] ?? {
      anchors: 0,
      meanAbsErrorPct: null,
      note: `no published or measured figure holds ${changed ? `a changed ${name}` : name}; treat absolute numbers with care.`,
    }
  );
}
