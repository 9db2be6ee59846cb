import { InputError } from '../../errors.ts';
import type { Contractions } from '../../numerics/ops/contraction.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { Random } from '../../numerics/random.ts';
import type { Op, TensorId, Trace } from '../../trace/trace.ts';
import type { OuterProduct } from './outer-product.ts';
import type { StepSettings } from './settings.ts';

/** Does one op: reads and writes arrays that were fixed when it was bound. */
export type Runner = () => void;

/** What ops are bound to. */
export interface Workspace {
  readonly trace: Trace;
  readonly contractions: Contractions;
  /** Draws what dropout keeps. */
  readonly random: Random;
  /** Which elements dropout kept, by the name of the forward op; the backward op finds them there. */
  readonly kept: Map<string, Uint8Array>;
  /** Gradients sag remembers by weight tensor, one array for each mini-batch of an epoch. */
  readonly remembered: ReadonlyMap<TensorId, readonly Values[]>;
  readonly values: readonly Values[];
  /** Gradients that have no values of their own, as their factors. */
  readonly outerProducts: ReadonlyMap<TensorId, OuterProduct>;
  /** Of the step that runs. */
  settings: StepSettings;
  /** Number of the step that runs, from 1. */
  step: number;
}

export function shapeOf(workspace: Workspace, id: TensorId): readonly number[] {
  return workspace.trace.tensors[id]!.shape;
}

/** The refusal of an op that has no implementation with values. */
export function refusal(op: Op, what: string): InputError {
  return InputError.of(
    op.name,
    `${what} cannot run with values yet`,
    'run the network by shapes alone, or use another layer',
  );
}

/** The refusal of an op whose operands do not fit each other. */
export function misfit(workspace: Workspace, op: Op): InputError {
  const shapes = [...op.inputs, ...op.outputs].map((id) => `[${shapeOf(workspace, id).join(', ')}]`);
  return InputError.of(op.name, `${op.kind} of shapes ${shapes.join(', ')}`, 'give operands that fit each other');
}
