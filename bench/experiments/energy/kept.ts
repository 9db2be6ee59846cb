import { dataPath, fileExists, readInput, writeOutput } from '../../../src/files.ts';
import type { Run } from './training.ts';

const FOLDER = ['reports', 'caterpillar'] as const;

export const target = (name: string): string => dataPath(...FOLDER, name);

const RUNS = target('energy-to-accuracy.json');

/** Training runs of before: what machines make of them can be computed anew without training again. */
export function keptRuns(): Run[] {
  return fileExists(RUNS) ? (JSON.parse(readInput(RUNS)) as { runs: Run[] }).runs : [];
}

export function keep(runs: readonly Run[]): void {
  writeOutput(RUNS, `${JSON.stringify({ schema: 'accsim.energy-to-accuracy/1', runs }, null, 2)}\n`);
}
