import { scatterRows } from '../../../numerics/ops/gather.ts';
import type { Values } from '../../../numerics/ops/values.ts';
import type { TensorId, UpdateOp } from '../../../trace/trace.ts';
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
  const run = bindPieces(op, parts, workspace, piecesOf(op, parts, workspace));
  if (master === null) return run;
  return () => {
    run();
    weight.set(master);
  };
}

function piecesOf(op: UpdateOp, parts: UpdateParts, workspace: Workspace): Pieces {
  if (parts.indices !== null) return tableRows(op, parts, parts.indices, workspace);
  const product = workspace.outerProducts.get(parts.gradient);
  const gradient = workspace.values[parts.gradient]!;
  if ((product?.elements ?? gradient.length) !== workspace.values[parts.weight]!.length) throw misfit(workspace, op);
  return product === undefined ? whole(gradient) : blocks(product);
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

/** A gradient piece by piece. */
interface Pieces {
  readonly gradient: Values;
  /** Called once a step, before `select`: how many pieces there are. */
  readonly count: () => number;
  /** Points a slice to a piece; the piece's gradient is there until the next call. */
  readonly select: (slice: Slice, index: number) => void;
}

function bindPieces(op: UpdateOp, parts: UpdateParts, workspace: Workspace, pieces: Pieces): Runner {
  const rule = updateRule(op.optimizer, workspace.contractions);
  const current = sliceOf(op, parts, workspace, pieces.gradient);
  return () => {
    const { settings, step } = workspace;
    const count = pieces.count();
    const slice = current();
    let rate = settings.learningRate;
    if (op.optimizer === 'lars') {
      let [weights, gradients] = [0, 0];
      for (let index = 0; index < count; index++) {
        pieces.select(slice, index);
        const [ofWeight, ofGradient] = squares(slice);
        weights += ofWeight;
        gradients += ofGradient;
      }
      rate *= trustRatio(weights, gradients, settings.weightDecay);
    }
    const seen = seenOf(parts, workspace);
    for (let index = 0; index < count; index++) {
      pieces.select(slice, index);
      rule(slice, settings, rate, step, seen);
    }
  };
}

/** One piece: the whole gradient. */
function whole(gradient: Values): Pieces {
  const select = (slice: Slice): void => {
    slice.length = gradient.length;
  };
  return { gradient, count: () => 1, select };
}

/** Blocks of a gradient that is computed here. */
function blocks(product: OuterProduct): Pieces {
  const select = (slice: Slice, index: number): void => {
    slice.start = index * product.block.length;
    slice.length = product.compute(index);
  };
  return { gradient: product.block, count: () => product.blocks, select };
}

/** The rows of a table that were read. */
function tableRows(op: UpdateOp, parts: UpdateParts, indicesId: TensorId, workspace: Workspace): Pieces {
  const gradient = workspace.values[parts.gradient]!;
  const indices = workspace.values[indicesId]!;
  const [rows, width] = shapeOf(workspace, parts.weight) as [number, number];
  const sizes = { width, picks: (indices.length * width) / gradient.length };
  if (!Number.isInteger(sizes.picks)) throw misfit(workspace, op);
  const slots = new Int32Array(rows).fill(-1);
  const rowOf = new Int32Array(Math.min(indices.length, rows));
  const sums = workspace.contractions.allocate(rowOf.length * width);
  const select = (slice: Slice, slot: number): void => {
    slice.start = rowOf[slot]! * width;
    slice.gradientStart = slot * width;
    slice.length = width;
  };
  return { gradient: sums, count: () => scatterRows(sizes, gradient, indices, slots, rowOf, sums), select };
}
