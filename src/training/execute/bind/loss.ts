import { InputError } from '../../../errors.ts';
import { crossEntropy, crossEntropyGradient, type LossSizes, wrongTarget } from '../../../numerics/ops/loss.ts';
import { elements } from '../../../trace/facts.ts';
import type { ElementwiseOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

/**
 * Cross entropy of operands [scores, targets]: softmax of the scores, or, where a softmax op made them, the scores as probabilities.
 * Classes are the channels of a feature map, else the last axis. At least two: over one class it would always be 0.
 */
export function bindLoss(op: ElementwiseOp, workspace: Workspace): Runner {
  const [scoresId, targetsId] = op.inputs as [number, number];
  const [scores, targets] = [workspace.values[scoresId]!, workspace.values[targetsId]!];
  const result = workspace.values[op.outputs[0]!]!;
  const shape = shapeOf(workspace, scoresId);
  const axis = shape.length === 4 ? 1 : shape.length - 1;
  const classes = shape[axis]!;
  if (classes < 2) throw InputError.of(op.name, 'cross entropy over one class', 'give the network two outputs or more');
  const sizes: LossSizes = {
    outer: elements(shape.slice(0, axis)),
    classes,
    inner: elements(shape.slice(axis + 1)),
    probabilities: workspace.trace.ops.find(({ outputs }) => outputs.includes(scoresId))?.kind === 'softmax',
  };
  if (targets.length * classes !== scores.length) throw misfit(workspace, op);
  if (op.phase === 'input-gradient')
    return () => crossEntropyGradient(sizes, workspace.settings.lossScale, scores, targets, result);
  return () => {
    const wrong = wrongTarget(targets, classes);
    if (wrong !== null)
      throw InputError.of(op.name, `target ${targets[wrong]} at position ${wrong}`, `give classes 0 to ${classes - 1}`);
    result[0] = crossEntropy(sizes, scores, targets);
  };
}
