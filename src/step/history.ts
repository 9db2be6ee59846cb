import { applyPatches, enablePatches, type Objectish, type Patch, produceWithPatches } from 'immer';
import { InputError } from '../errors.ts';
import { MAX_CYCLES, type Scene, type Stepper } from './stepper.ts';

enablePatches();

/** One cycle as what it changed, and how to take that back. */
interface Step {
  readonly patches: readonly Patch[];
  readonly inverse: readonly Patch[];
}

/** A run that can be walked forward and backward. */
export interface History {
  readonly title: string;
  /** Cycles of the whole run. */
  readonly cycles: number;
  readonly scene: () => Scene;
  /** Goes to a cycle; one outside the run is the nearest that is in it. */
  readonly goTo: (cycle: number) => void;
}

/** Runs a machine to its end, and returns to the start. Throws InputError if that takes too long to be kept. */
export function historyOf<State extends Objectish>(stepper: Stepper<State>): History {
  const steps: Step[] = [];
  let state = stepper.initial;
  while (!stepper.isDone(state)) {
    if (steps.length === MAX_CYCLES)
      throw InputError.of(stepper.title, `takes more than ${MAX_CYCLES} cycles`, 'take something smaller, or more PEs');
    const [next, patches, inverse] = produceWithPatches(state, (draft) => stepper.advance(draft as State));
    steps.push({ patches, inverse });
    state = next;
  }
  let cycle = steps.length;
  const goTo = (wanted: number): void => {
    const target = Math.min(Math.max(Math.trunc(wanted), 0), steps.length);
    for (; cycle < target; cycle++) state = applyPatches(state, steps[cycle]!.patches);
    for (; cycle > target; cycle--) state = applyPatches(state, steps[cycle - 1]!.inverse);
  };
  goTo(0);
  return { title: stepper.title, cycles: steps.length, scene: () => stepper.scene(state), goTo };
}
