import { describe, expect, it } from 'vitest';
import { columns } from '../../src/report/columns.ts';
import { renderTraining, trainingCsv, trainingReport } from '../../src/report/training.ts';

const cost = { cycles: 1000, seconds: 1e-6, energyPj: 2e6 };

/** A run of so many epochs with these test accuracies, 10 steps each. */
function report(testAccuracies: readonly number[], machines: readonly string[]) {
  return trainingReport({
    ...{ network: 'net', dataset: 'data', batch: 1, precision: 'fp16', optimizer: 'sgd', seed: 1, stepsPerEpoch: 10 },
    epochs: testAccuracies.map((testAccuracy) => ({
      ...{ loss: 1, trainAccuracy: 0.5, testAccuracy, skippedSteps: 0, seconds: 2 },
    })),
    ...{ quantized: {}, integerOnly: {}, faults: {}, notes: [], densities: [] },
    stepCost: Object.fromEntries(machines.map((machine) => [machine, cost])),
  });
}

/** Words of the lines of the cost table. */
function costLines(testAccuracies: readonly number[]): string[] {
  const text = renderTraining(report(testAccuracies, ['one']), columns);
  const lines = text.split('To reach a test accuracy\n')[1]!.trimEnd().split('\n').slice(1);
  return lines.map((line) => line.trim().split(/ {2,}/).join('|'));
}

describe('what training costs', () => {
  it('is told for the best accuracy that each epoch was the first to reach, and for the whole run', () => {
    expect(costLines([0.96, 0.955, 0.991])).toEqual([
      '95.0 %|1|one|10.0 k|10.0 us|20.0 uJ',
      '99.0 %|3|one|30.0 k|30.0 us|60.0 uJ',
      'whole run|3|one|30.0 k|30.0 us|60.0 uJ',
    ]);
  });

  it('is told where no accuracy worth naming was reached', () => {
    expect(costLines([0.1, 0.2])).toEqual(['whole run|2|one|20.0 k|20.0 us|40.0 uJ']);
  });

  it('has columns in CSV: what it cost until the end of each epoch', () => {
    const [head, ...rows] = trainingCsv(report([0.5, 0.9], ['one', 'two']))
      .trim()
      .split('\n');
    const fields = ['cycles', 'seconds', 'energyPj'];
    expect(head!.split(',').slice(6)).toEqual(
      ['one', 'two'].flatMap((name) => fields.map((field) => `${name}:${field}`)),
    );
    const until = rows.map((row) => row.split(',').slice(6).map(Number));
    expect(until.map(([cycles, , energyPj]) => [cycles, energyPj])).toEqual([
      [10_000, 2e7],
      [20_000, 4e7],
    ]);
    expect(trainingCsv(report([0.5], [])).split('\n')[0]).toBe(
      'epoch,loss,trainAccuracy,testAccuracy,skippedSteps,seconds',
    );
  });
});
