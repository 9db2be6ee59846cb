import { InputError } from '../../../errors.ts';
import { ACTIVATIONS, applyFunction, applyRelu, applyReluSlope, applySlope } from '../../../numerics/ops/activation.ts';
import {
  addRows,
  drawDropout,
  mask,
  multiplyRows,
  repeatDropout,
  scale,
  subtractRows,
} from '../../../numerics/ops/elementwise.ts';
import { planRows, repeatedStrides } from '../../../numerics/ops/rows.ts';
import type { ElementwiseOp } from '../../../trace/trace.ts';
import { misfit, type Runner, refusal, shapeOf, type Workspace } from '../workspace.ts';
import { bindLoss } from './loss.ts';

/** Share of the elements dropout keeps where the op's `factor` does not say (Srivastava 2014). */
const KEPT_SHARE = 0.5;

export function bindElementwise(op: ElementwiseOp, workspace: Workspace): Runner {
  switch (op.function) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'bias':
      return bindCombination(op, workspace);
    case 'loss':
      return bindLoss(op, workspace);
    default:
      return bindUnary(op, workspace);
  }
}

/** Functions of one operand, or of its gradient and what was kept of it; all have the result's number of elements. */
function bindUnary(op: ElementwiseOp, workspace: Workspace): Runner {
  const [first, second] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  if (first === undefined || first.length !== result.length) throw misfit(workspace, op);
  const backward = op.phase === 'input-gradient';
  switch (op.function) {
    case 'cast':
    case 'quantize':
      return () => result.set(first);
    case 'scale': {
      const { factor } = op;
      if (factor === undefined) throw InputError.of(op.name, 'a scale without a factor', 'give the op its factor');
      return () => scale(factor, first, result);
    }
    case 'mask': {
      const [columns, rows] = shapeOf(workspace, op.outputs[0]!).toReversed();
      return () => mask(backward ? 0 : -Infinity, rows ?? 1, columns!, first, result);
    }
    case 'dropout':
      return bindDropout(op, workspace);
  }
  const activation = ACTIVATIONS[op.function];
  if (activation === undefined) throw refusal(op, op.function);
  if (!backward) {
    if (op.function === 'relu') return () => applyRelu(first, result);
    return () => applyFunction(activation.value, first, result);
  }
  if (second === undefined || second.length !== result.length) throw misfit(workspace, op);
  if (op.function === 'relu') return () => applyReluSlope(first, second, result);
  return () => applySlope(activation.slope, first, second, result);
}

/** Two or more operands, repeated to the shape of the result; a bias of one axis belongs to the channels of a feature map. */
function bindCombination(op: ElementwiseOp, workspace: Workspace): Runner {
  const result = workspace.values[op.outputs[0]!]!;
  const shape = shapeOf(workspace, op.outputs[0]!);
  const operands = op.inputs.map((id, index) => {
    const own = shapeOf(workspace, id);
    const channels = op.function === 'bias' && index === 1 && shape.length === 4 && own.length === 1;
    if (channels && own[0] !== shape[1]) throw misfit(workspace, op);
    const strides = channels ? [0, 1, 0, 0] : repeatedStrides(own, shape);
    if (strides === null) throw misfit(workspace, op);
    return { values: workspace.values[id]!, strides };
  });
  const [first, ...others] = operands;
  if (first === undefined || others.length === 0) throw misfit(workspace, op);
  const apply = op.function === 'mul' ? multiplyRows : op.function === 'sub' ? subtractRows : addRows;
  const whole = repeatedStrides(shape, shape)!;
  const passes = others.map(({ values, strides }, index) => {
    const before = index === 0 ? first : { values: result, strides: whole };
    return { before: before.values, other: values, walk: planRows(shape, [before.strides, strides]) };
  });
  return () => {
    for (const { walk, before, other } of passes) apply(walk, before, other, result);
  };
}

/** A network that is trained drops elements; one that only runs passes them on. */
function bindDropout(op: ElementwiseOp, workspace: Workspace): Runner {
  const operand = workspace.values[op.inputs[0]!]!;
  const result = workspace.values[op.outputs[0]!]!;
  const share = op.factor ?? KEPT_SHARE;
  if (workspace.trace.workload.phase === 'inference') return () => result.set(operand);
  const first = op.name.replace(/\.(again|input-gradient)$/, '');
  if (op.phase === 'forward' && first === op.name) {
    const kept = new Uint8Array(result.length);
    workspace.kept.set(op.name, kept);
    return () => drawDropout(share, workspace.random, kept, operand, result);
  }
  const kept = workspace.kept.get(first);
  if (kept === undefined) throw InputError.of(op.name, 'no dropout of that name before it', 'name it after its layer');
  return () => repeatDropout(share, kept, operand, result);
}
