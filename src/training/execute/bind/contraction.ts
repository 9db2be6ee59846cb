import { bindMatmul } from '../../../numerics/ops/matmul.ts';
import { mirroredSizes, mirrorWeights } from '../../../numerics/ops/transposed-convolution.ts';
import type { ConvOp, MatmulOp } from '../../../trace/trace.ts';
import { misfit, type Runner, type Workspace } from '../workspace.ts';

export function bindMatmulOp(op: MatmulOp, workspace: Workspace): Runner {
  const { values, contractions, outerProducts } = workspace;
  const [left, right, result] = [values[op.inputs[0]!]!, values[op.inputs[1]!]!, values[op.outputs[0]!]!];
  const { batch, m, n, k } = op;
  const computedByReader = outerProducts.has(op.outputs[0]!);
  const results = computedByReader ? 0 : batch * m * n;
  if (left.length !== batch * m * k || right.length !== batch * k * n || result.length !== results)
    throw misfit(workspace, op);
  if (computedByReader) return () => {};
  return bindMatmul(op, contractions, left, right, result);
}

/** The phase says which of the three products of a convolution is asked for. */
export function bindConv(op: ConvOp, workspace: Workspace): Runner {
  const { values, contractions } = workspace;
  const [first, second, result] = [values[op.inputs[0]!]!, values[op.inputs[1]!]!, values[op.outputs[0]!]!];
  if (op.transposed) return bindTransposed(op, workspace);
  switch (op.phase) {
    case 'input-gradient':
      return () => contractions.convInputGradient(op, first, second, result);
    case 'weight-gradient':
      return () => contractions.convWeightGradient(op, first, second, result);
    default:
      return () => contractions.convForward(op, first, second, result);
  }
}

/** A transposed convolution runs as the input gradient of its mirrored one, and the other way round. */
function bindTransposed(op: ConvOp, workspace: Workspace): Runner {
  const { values, contractions } = workspace;
  const [first, second, result] = [values[op.inputs[0]!]!, values[op.inputs[1]!]!, values[op.outputs[0]!]!];
  const mirrored = mirroredSizes(op);
  const weights = contractions.allocate(op.k * (op.c / op.groups) * op.r * op.s);
  switch (op.phase) {
    case 'input-gradient':
      return () => {
        mirrorWeights(op, second, weights);
        contractions.convForward(mirrored, first, weights, result);
      };
    case 'weight-gradient':
      return () => {
        contractions.convWeightGradient(mirrored, second, first, weights);
        mirrorWeights(mirrored, weights, result);
      };
    default:
      return () => {
        mirrorWeights(op, second, weights);
        contractions.convInputGradient(mirrored, first, weights, result);
      };
  }
}
