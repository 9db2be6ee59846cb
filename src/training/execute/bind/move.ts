import {
  cut,
  type Part,
  place,
  transpose,
  triangle,
  triangleGradient,
  type UpsampleSizes,
  upsample,
  upsampleGradient,
} from '../../../numerics/ops/move.ts';
import { denseStrides, planRows } from '../../../numerics/ops/rows.ts';
import { elements } from '../../../trace/facts.ts';
import type { MoveOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

export function bindMove(op: MoveOp, workspace: Workspace): Runner {
  const [first] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  const backward = op.phase === 'input-gradient';
  switch (op.function) {
    case 'reshape':
    case 'copy':
      if (first!.length !== result.length) throw misfit(workspace, op);
      return () => result.set(first!);
    case 'concat':
    case 'split':
    case 'pad':
      return bindParts(op, workspace);
    case 'transpose': {
      const shape = shapeOf(workspace, op.inputs[0]!);
      const { permutation } = op;
      if (permutation === undefined) throw misfit(workspace, op);
      const strides = denseStrides(shape);
      const walk = planRows(
        permutation.map((axis) => shape[axis]!),
        [permutation.map((axis) => strides[axis]!)],
      );
      return () => transpose(walk, first!, result);
    }
    case 'delay':
      return bindDelay(op, workspace);
    case 'upsample':
      return bindUpsample(op, workspace);
    case 'triangle': {
      const size = shapeOf(workspace, backward ? op.outputs[0]! : op.inputs[0]!).at(-1)!;
      return backward ? () => triangleGradient(size, first!, result) : () => triangle(size, first!, result);
    }
  }
}

/** The oldest value goes first: every result is an operand of the next one. */
function bindDelay(op: MoveOp, { values }: Workspace): Runner {
  const moves = op.outputs.map((id, index) => ({ to: values[id]!, from: values[op.inputs[index]!]! })).reverse();
  return () => {
    for (const { to, from } of moves) to.set(from);
  };
}

/** Parts of a tensor along an axis, which the parts may lack: concat places them side by side, split cuts them, pad places one among zeros. */
function bindParts(op: MoveOp, workspace: Workspace): Runner {
  const { values } = workspace;
  const joins = op.function !== 'split';
  const whole = joins ? op.outputs[0]! : op.inputs[0]!;
  const parts = joins ? op.inputs : op.outputs;
  const shape = shapeOf(workspace, whole);
  if (op.axis === undefined || shape[op.axis] === undefined) throw misfit(workspace, op);
  const outer = elements(shape.slice(0, op.axis));
  const along = values[whole]!.length / outer;
  let start = ((op.start ?? 0) * along) / shape[op.axis]!;
  const moves = parts.map((id): { readonly part: Part; readonly own: (typeof values)[number] } => {
    const part = { whole: along, start, length: values[id]!.length / outer };
    start += part.length;
    return { part, own: values[id]! };
  });
  if (start > along || (op.function === 'concat' && start !== along)) throw misfit(workspace, op);
  const all = values[whole]!;
  if (!joins)
    return () => {
      for (const { part, own } of moves) cut(part, all, own);
    };
  return () => {
    if (op.function === 'pad') all.fill(0);
    for (const { part, own } of moves) place(part, own, all);
  };
}

function bindUpsample(op: MoveOp, workspace: Workspace): Runner {
  const backward = op.phase === 'input-gradient';
  const [from, to] = [workspace.values[op.inputs[0]!]!, workspace.values[op.outputs[0]!]!];
  const [small, large] = backward ? [op.outputs[0]!, op.inputs[0]!] : [op.inputs[0]!, op.outputs[0]!];
  const [samples, channels, height, width] = shapeOf(workspace, small);
  const [, , largeHeight, largeWidth] = shapeOf(workspace, large);
  if (width === undefined || largeWidth === undefined) throw misfit(workspace, op);
  const sizes: UpsampleSizes = {
    planes: samples! * channels!,
    height: height!,
    width,
    scaleY: largeHeight! / height!,
    scaleX: largeWidth / width,
  };
  return backward ? () => upsampleGradient(sizes, from, to) : () => upsample(sizes, from, to);
}
