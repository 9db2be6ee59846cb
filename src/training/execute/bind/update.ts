import { scatterRows } from '../../../numerics/ops/gather.ts';
import type { Values } from '../../../numerics/ops/values.ts';
import type { UpdateOp } from '../../../trace/trace.ts';
import type { OuterProduct } from '../outer-product.ts';
import { type UpdateParts, updateParts } from '../update-parts.ts';
import { type Slice, squares, trustRatio, updateRule } from '../update-rules.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

/**
 * A weight, or its master copy, changes by its optimizer's rule; the weight then takes the copy's values. A sparse update changes the
 * rows that were read and their states alone: decay and velocity of the others stand still.
 */
export function bindUpdate(op: UpdateOp, workspace: Workspace): Runner {
  const parts = updateParts(op);
  const weight = workspace.values[parts.weight]!;
  const master = parts.master === null ? null : workspace.values[parts.master]!;
  const run = bindParts(op, parts, workspace);
  if (master === null) return run;
  return () => {
    run();
    weight.set(master);
  };
}

function bindParts(op: UpdateOp, parts: UpdateParts, workspace: Workspace): Runner {
  if (parts.indices !== null) return bindSparse(op, parts, parts.indices, workspace);
  const factors = workspace.outerProducts.get(parts.gradient);
  return factors === undefined ? bindDense(op, parts, workspace) : bindOuterProduct(op, parts, factors, workspace);
}

/** Plain descent along a gradient that is not stored. */
function bindOuterProduct(op: UpdateOp, parts: UpdateParts, factors: OuterProduct, workspace: Workspace): Runner {
  const { column, row } = factors;
  const weight = workspace.values[parts.master ?? parts.weight]!;
  if (weight.length !== column.length * row.length) throw misfit(workspace, op);
  return () => {
    const { learningRate, lossScale, weightDecay } = workspace.settings;
    workspace.contractions.descendAlong!(weight, column, row, learningRate, 1 / lossScale, weightDecay);
  };
}

/** The slice an update works on; sag's second state is the gradient remembered for the step's mini-batch. */
function sliceOf(op: UpdateOp, parts: UpdateParts, workspace: Workspace, gradient: Values): () => Slice {
  const weight = workspace.values[parts.master ?? parts.weight]!;
  const [first, second] = parts.states.map((id) => workspace.values[id]!);
  const make = (last: Values): Slice => ({
    weight,
    gradient,
    first: first ?? weight,
    second: last,
    start: 0,
    gradientStart: 0,
    length: 0,
    gradientFactor: 1,
  });
  const slices = (op.optimizer === 'sag' ? workspace.remembered.get(parts.weight)! : [second ?? weight]).map(make);
  return () => {
    const { batchIndex, lossScale } = workspace.settings;
    const slice = slices[op.optimizer === 'sag' ? batchIndex : 0]!;
    slice.gradientFactor = 1 / lossScale;
    return slice;
  };
}

/** Mini-batches sag has seen, if every epoch visits each of them once. */
function seenOf(parts: UpdateParts, workspace: Workspace): number {
  return Math.min(workspace.step, workspace.remembered.get(parts.weight)?.length ?? 1);
}

function bindDense(op: UpdateOp, parts: UpdateParts, workspace: Workspace): Runner {
  const gradient = workspace.values[parts.gradient]!;
  const rule = updateRule(op.optimizer, workspace.contractions);
  const current = sliceOf(op, parts, workspace, gradient);
  if (gradient.length !== workspace.values[parts.weight]!.length) throw misfit(workspace, op);
  return () => {
    const { settings, step } = workspace;
    const slice = current();
    slice.length = gradient.length;
    let rate = settings.learningRate;
    if (op.optimizer === 'lars') {
      const [weights, gradients] = squares(slice);
      rate *= trustRatio(weights, gradients, settings.weightDecay);
    }
    rule(slice, settings, rate, step, seenOf(parts, workspace));
  };
}

function bindSparse(op: UpdateOp, parts: UpdateParts, indicesId: number, workspace: Workspace): Runner {
  const gradient = workspace.values[parts.gradient]!;
  const indices = workspace.values[indicesId]!;
  const [rows, width] = shapeOf(workspace, parts.weight) as [number, number];
  const sizes = { width, picks: (indices.length * width) / gradient.length };
  if (!Number.isInteger(sizes.picks)) throw misfit(workspace, op);
  const slots = new Int32Array(rows).fill(-1);
  const rowOf = new Int32Array(Math.min(indices.length, rows));
  const sums = workspace.contractions.allocate(rowOf.length * width);
  const rule = updateRule(op.optimizer, workspace.contractions);
  const current = sliceOf(op, parts, workspace, sums);
  return () => {
    const { settings, step } = workspace;
    const count = scatterRows(sizes, gradient, indices, slots, rowOf, sums);
    const slice = current();
    slice.length = width;
    const select = (slot: number): void => {
      slice.start = rowOf[slot]! * width;
      slice.gradientStart = slot * width;
    };
    let rate = settings.learningRate;
    if (op.optimizer === 'lars') {
      let [weights, gradients] = [0, 0];
      for (let slot = 0; slot < count; slot++) {
        select(slot);
        const [ofWeight, ofGradient] = squares(slice);
        weights += ofWeight;
        gradients += ofGradient;
      }
      rate *= trustRatio(weights, gradients, settings.weightDecay);
    }
    for (let slot = 0; slot < count; slot++) {
      select(slot);
      rule(slice, settings, rate, step, seenOf(parts, workspace));
    }
  };
}
