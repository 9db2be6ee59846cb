import { InputError } from '../../../errors.ts';
import { type GatherSizes, gather, scatter, wrongRow } from '../../../numerics/ops/gather.ts';
import type { GatherOp } from '../../../trace/trace.ts';
import { misfit, type Runner, shapeOf, type Workspace } from '../workspace.ts';

/** Forward [table, indices]; weight-gradient [gradient, indices] to the gradient of the whole table. */
export function bindGather(op: GatherOp, workspace: Workspace): Runner {
  const [first, indices] = op.inputs.map((id) => workspace.values[id]!);
  const result = workspace.values[op.outputs[0]!]!;
  if (first === undefined || indices === undefined) throw misfit(workspace, op);
  if (indices.length !== op.rows)
    throw InputError.of(
      op.name,
      `${op.rows} rows picked by ${indices.length} indices`,
      'with values a table is read by every index it is given; split the indices first',
    );
  const backward = op.phase === 'weight-gradient' || op.phase === 'input-gradient';
  const results = (backward ? first : result).length / op.width;
  const sizes: GatherSizes = { width: op.width, picks: op.rows / results };
  if (backward) return () => scatter(sizes, first, indices, result);
  const rows = shapeOf(workspace, op.inputs[0]!)[0]!;
  return () => {
    const wrong = wrongRow(indices, rows);
    if (wrong !== null)
      throw InputError.of(op.name, `index ${indices[wrong]} at position ${wrong}`, `give rows 0 to ${rows - 1}`);
    gather(sizes, first, indices, result);
  };
}
