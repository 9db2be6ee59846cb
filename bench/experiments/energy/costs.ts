import { loadMachine } from '../../../src/machine/load.ts';
import { loadModel, SCHEMAS } from '../../../src/models/registry.ts';
import type { TrainingCost } from '../../../src/report/training.ts';
import { simulate } from '../../../src/simulate.ts';
import { loadTrace } from '../../../src/workload/load.ts';
import { MACHINES, METHODS, type Method } from './methods.ts';
import type { Point, Training } from './training.ts';

/** What the machines compute in. */
const PRECISION = 'fp16';

/** Accuracies that costs are tabled for. */
export const LEVELS = [0.9, 0.95, 0.97, 0.98] as const;

/** Of one training step on a machine. */
export interface StepCost extends TrainingCost {
  readonly machine: string;
  readonly method: Method;
  readonly utilization: number;
}

/** What a step costs by each method on each machine: a run's cost is that times its steps. */
export async function stepCosts(path: string): Promise<StepCost[]> {
  const costs: StepCost[] = [];
  for (const name of MACHINES) {
    const machine = loadMachine(name, [], SCHEMAS);
    await loadModel(machine.kind);
    for (const method of METHODS) {
      const { options, batch } = method;
      const traceOptions = { ...options, batch, phase: 'training', optimizer: 'gd', precision: PRECISION } as const;
      const { totals } = simulate(machine, loadTrace(path, traceOptions, PRECISION)).report;
      const { cycles, seconds, energyPj, utilization } = totals;
      costs.push({ machine: name, method, cycles, seconds, energyPj, utilization });
    }
  }
  return costs;
}

/** The test with fewest steps that reached an accuracy in any run; undefined: none did. */
export function reached({ runs }: Training, level: number): Point | undefined {
  return inOrder(runs).find(({ testAccuracy }) => testAccuracy >= level);
}

/** Tests of any run that did better than all with fewer steps. */
export function improvements({ runs }: Training): Point[] {
  let best = 0;
  return inOrder(runs).filter(({ testAccuracy }) => {
    if (testAccuracy <= best) return false;
    best = testAccuracy;
    return true;
  });
}

function inOrder(runs: Training['runs']): Point[] {
  return runs.flatMap(({ points }) => points).sort((a, b) => a.steps - b.steps || b.testAccuracy - a.testAccuracy);
}
