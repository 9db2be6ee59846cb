import { dataPath, fileExists, readInput, writeOutput } from '../../../src/files.ts';
import type { Training } from './training.ts';

const FOLDER = ['reports', 'caterpillar'] as const;

export const target = (name: string): string => dataPath(...FOLDER, name);

const RUNS = target('energy-to-accuracy.json');

/** Trainings of before: what machines make of them can be computed anew without training again. */
export function keptTrainings(): Training[] {
  return fileExists(RUNS) ? (JSON.parse(readInput(RUNS)) as { trainings: Training[] }).trainings : [];
}

export function keep(trainings: readonly Training[]): void {
  writeOutput(RUNS, `${JSON.stringify({ schema: 'accsim.energy-to-accuracy/2', trainings }, null, 2)}\n`);
}
