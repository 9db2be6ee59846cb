import type { Trace } from '../../../src/trace/trace.ts';
import type { Session } from '../../../src/training/execute/session.ts';
import type { StepSettings } from '../../../src/training/execute/settings.ts';
import { exactSession, inputsFor } from './network.ts';

/** Central differences of step h err by h^2 of the third derivative, and by the loss's rounding over h: both near 1e-11 here. */
const STEP = 1e-5;
/** Weights without influence, such as a bias before a normalisation, have differences of rounding alone; they count against this. */
const LEAST_SCALE = 1e-4;

export interface CheckOptions {
  readonly settings?: Partial<StepSettings>;
  /** Called before the first run, to set states. */
  readonly prepare?: (session: Session) => void;
}

function stateNames({ tensors }: Trace): string[] {
  return tensors.flatMap(({ name, role }) => (role === 'state' ? [name] : []));
}

/**
 * Error of each weight's gradient, as a share of the largest gradient of that weight. The gradient is what one step of plain descent at
 * rate 1 takes off the weight, so updates, also those of single rows of a table, are part of what is tested. The differences look at
 * the loss alone. The trace's optimizer must be gd.
 */
export function gradientErrors(trace: Trace, seed: number, options: CheckOptions = {}): Map<string, number> {
  const session = exactSession(trace, { seed });
  const inputs = inputsFor(trace, seed);
  const { random } = session.checkpoint();
  options.prepare?.(session);
  const states = stateNames(trace).map((name) => [name, session.checkpoint().tensors.get(name)!.slice()] as const);
  const run = (learningRate: number): number => {
    // Dropout keeps the same elements every time, and running statistics start from where they were.
    const { step, tensors } = session.checkpoint();
    session.restore({ step, random, tensors: new Map([...tensors, ...states]) });
    session.run(inputs, { ...options.settings, learningRate });
    return session.loss!;
  };
  const names = trace.tensors.flatMap(({ name, role }) => (role === 'weight' ? [name] : []));
  // Biases of 0 and scales of 1 would hide what they do.
  for (const name of names) {
    const weight = session.weight(name);
    weight.forEach((value, at) => {
      weight[at] = value + 0.1 * Math.sin(3 * at + 1);
    });
  }
  const before = new Map(names.map((name) => [name, session.weight(name).slice()]));
  run(1);
  const gradients = new Map(
    names.map((name) => [name, session.weight(name).map((value, at) => before.get(name)![at]! - value)]),
  );
  for (const name of names) session.weight(name).set(before.get(name)!);
  return new Map(
    names.map((name) => {
      const weight = session.weight(name);
      let [error, largest] = [0, LEAST_SCALE];
      for (let at = 0; at < weight.length; at++) {
        const value = weight[at]!;
        weight[at] = value + STEP;
        const above = run(0);
        weight[at] = value - STEP;
        const difference = (above - run(0)) / (2 * STEP);
        weight[at] = value;
        error = Math.max(error, Math.abs(difference - gradients.get(name)![at]!));
        largest = Math.max(largest, Math.abs(difference));
      }
      return [name, error / largest];
    }),
  );
}
