import type { Values } from '../../numerics/ops/values.ts';
import type { TensorId } from '../../trace/trace.ts';
import { bind } from './bind/bind.ts';
import { NotFiniteError, notFinite } from './finite.ts';
import { notFiniteProduct } from './outer-product.ts';
import { isLoss } from './storage.ts';
import { updateParts } from './update-parts.ts';
import type { Runner, Workspace } from './workspace.ts';

export type Round = (id: TensorId, values: Values) => void;

/** Runs the ops of one step and looks at losses and gradients on the way. */
export class StepRunner {
  private readonly runners: readonly Runner[];
  private readonly firstUpdate: number;
  /** Gradients to look at before an op: at the first of updates that follow each other, those of all of them. */
  private readonly gradientsBefore = new Map<number, readonly TensorId[]>();

  constructor(
    private readonly workspace: Workspace,
    private readonly round: Round | null,
    private readonly beforeUpdates: (() => void) | null,
  ) {
    const { ops } = workspace.trace;
    this.runners = ops.map((op) => bind(op, workspace));
    this.firstUpdate = ops.findIndex((op) => op.kind === 'update');
    let gradients: TensorId[] = [];
    ops.forEach((op, index) => {
      if (op.kind !== 'update') return;
      if (ops[index - 1]?.kind !== 'update') {
        gradients = [];
        this.gradientsBefore.set(index, gradients);
      }
      gradients.push(updateParts(op).gradient);
    });
  }

  /** All ops in order. Throws NotFiniteError before the updates of a step whose loss or gradients are NaN or infinite. */
  run(): void {
    const { ops } = this.workspace.trace;
    for (let index = 0; index < ops.length; index++) {
      if (index === this.firstUpdate) this.beforeUpdates?.();
      const gradients = this.gradientsBefore.get(index);
      if (gradients !== undefined) for (const id of gradients) this.refuseNotFinite(ops[index]!.name, id);
      this.runOp(index);
      if (isLoss(ops[index]!)) this.refuseNotFinite(ops[index]!.name, ops[index]!.outputs[0]!);
    }
  }

  /**
   * Runs the ops before the first update again and looks at everything given and computed: where the fault of a step began. Returns
   * what was seen at first if it does not come again (roundings drawn by chance).
   */
  locate(seen: NotFiniteError, given: readonly TensorId[]): NotFiniteError {
    const { ops, tensors } = this.workspace.trace;
    try {
      for (const id of given) this.refuseNotFinite(tensors[id]!.name, id);
      for (let index = 0; index < ops.length && ops[index]!.kind !== 'update'; index++) {
        const op = ops[index]!;
        this.runOp(index);
        // A mask writes -Infinity on purpose.
        const masks = op.kind === 'elementwise' && op.function === 'mask';
        if (!masks) for (const id of op.outputs) this.refuseNotFinite(`${op.name} (${op.phase})`, id);
      }
      return seen;
    } catch (error) {
      if (error instanceof NotFiniteError) return error;
      throw error;
    }
  }

  private runOp(index: number): void {
    this.runners[index]!();
    const { round, workspace } = this;
    if (round !== null) for (const id of workspace.trace.ops[index]!.outputs) round(id, workspace.values[id]!);
  }

  private firstNotFinite(id: TensorId): number | null {
    const { outerProducts, values, contractions } = this.workspace;
    const product = outerProducts.get(id);
    if (product !== undefined) return notFiniteProduct(product);
    return contractions.allFinite(values[id]!) ? null : notFinite(values[id]!);
  }

  private refuseNotFinite(at: string, id: TensorId): void {
    const found = this.firstNotFinite(id);
    if (found !== null) throw new NotFiniteError(at, this.workspace.step, found);
  }
}
