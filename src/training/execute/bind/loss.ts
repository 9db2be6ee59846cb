import { InputError } from '../../../errors.ts';
import {
  binaryCrossEntropy,
  binaryCrossEntropyGradient,
  crossEntropy,
  crossEntropyGradient,
  type LossSizes,
  wrongTarget,
} from '../../../numerics/ops/loss.ts';
import { elements } from '../../../trace/facts.ts';
import type { ElementwiseOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

/**
 * Cross entropy of operands [scores, targets]: softmax of the scores, or, where a softmax op made them, the scores as probabilities.
 * Classes are the channels of a feature map, else the last axis. One output stands for two classes, by the sigmoid of its score, or
 * where a sigmoid op made it as the probability of class 1.
 */
export function bindLoss(op: ElementwiseOp, workspace: Workspace): Runner {
  const [scoresId, targetsId] = op.inputs as [number, number];
  const [scores, targets] = [workspace.values[scoresId]!, workspace.values[targetsId]!];
  const result = workspace.values[op.outputs[0]!]!;
  const shape = shapeOf(workspace, scoresId);
  const axis = shape.length === 4 ? 1 : shape.length - 1;
  const classes = shape[axis]!;
  const sizes: LossSizes = {
    outer: elements(shape.slice(0, axis)),
    classes,
    inner: elements(shape.slice(axis + 1)),
    probabilities: isProbability(workspace, op, classes),
  };
  if (targets.length * classes !== scores.length) throw misfit(workspace, op);
  const { probabilities } = sizes;
  if (op.phase === 'input-gradient')
    return classes === 1
      ? () => binaryCrossEntropyGradient(probabilities, workspace.settings.lossScale, scores, targets, result)
      : () => crossEntropyGradient(sizes, workspace.settings.lossScale, scores, targets, result);
  return () => {
    const wrong = wrongTarget(targets, classes);
    if (wrong !== null)
      throw InputError.of(
        op.name,
        `target ${targets[wrong]} at position ${wrong}`,
        `give classes 0 to ${Math.max(1, classes - 1)}`,
      );
    result[0] =
      classes === 1 ? binaryCrossEntropy(probabilities, scores, targets) : crossEntropy(sizes, scores, targets);
  };
}

function isProbability({ trace }: Workspace, loss: ElementwiseOp, classes: number): boolean {
  const op = trace.ops.find(({ outputs }) => outputs.includes(loss.inputs[0]!));
  if (classes === 1) return op?.kind === 'elementwise' && op.function === 'sigmoid';
  return op?.kind === 'softmax';
}
