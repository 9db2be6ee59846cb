import type { TensorId, UpdateOp } from '../../trace/trace.ts';
import { OPTIMIZER_STATES } from '../optimizers.ts';

/** The operands of an update by what they are. */
export interface UpdateParts {
  readonly weight: TensorId;
  /** The copy in full precision that stands for a narrow weight; null if there is none. */
  readonly master: TensorId | null;
  readonly gradient: TensorId;
  /** In the order of OPTIMIZER_STATES. */
  readonly states: readonly TensorId[];
  /** Rows of the table that change; null: all of it. */
  readonly indices: TensorId | null;
}

export function updateParts(op: UpdateOp): UpdateParts {
  const [weight, ...kept] = op.outputs as [TensorId, ...TensorId[]];
  const count = OPTIMIZER_STATES[op.optimizer].length;
  const master = kept.length > count ? kept[0]! : null;
  return {
    weight,
    master,
    gradient: op.inputs[master === null ? 1 : 0]!,
    states: kept.slice(kept.length - count),
    indices: op.sparse ? op.inputs[op.inputs.length - 1]! : null,
  };
}
