import { ModelBug } from '../../errors.ts';
import { plainContractions } from '../../numerics/ops/plain-contractions.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { Random } from '../../numerics/random.ts';
import { elements } from '../../trace/facts.ts';
import type { MoveOp } from '../../trace/trace.ts';
import { bindMove } from '../execute/bind/move.ts';
import { DEFAULT_SETTINGS } from '../execute/settings.ts';
import type { Runner, Workspace } from '../execute/workspace.ts';
import { lookUp, tableOf } from './elementwise.ts';
import { type IntegerWorkspace, operand } from './integers.ts';

/**
 * Any change of place. The op itself, run once on the numbers of its operands' elements, says where each result comes from; 0 is where
 * nothing comes from, the padding. An operand on another grid than the results is brought to theirs.
 */
export function bindIntegerMove(op: MoveOp, workspace: IntegerWorkspace): Runner {
  const from = op.inputs.map((id) => operand(workspace, id));
  const results = op.outputs.map((id) => operand(workspace, id));
  const { grid } = results[0]!;
  if (results.some((one) => one.grid.scale !== grid.scale || one.grid.zeroPoint !== grid.zeroPoint))
    throw new ModelBug(`${op.name}: parts on different grids`);
  const all = new Int8Array(1 + from.reduce((sum, { integers }) => sum + integers.length, 0));
  all[0] = grid.zeroPoint;
  let start = 1;
  const copies = from.map((one) => {
    const integers = all.subarray(start, start + one.integers.length);
    start += integers.length;
    return lookUp(
      tableOf((x) => x, one.grid, grid),
      one,
      { ...one, integers },
    );
  });
  const sources = sourcesOf(op, workspace);
  return () => {
    for (const copy of copies) copy();
    results.forEach(({ integers }, part) => {
      const source = sources[part]!;
      for (let index = 0; index < integers.length; index++) integers[index] = all[source[index]!]!;
    });
  };
}

function sourcesOf(op: MoveOp, { trace }: IntegerWorkspace): Int32Array[] {
  const contractions = plainContractions('float64');
  const values: Values[] = trace.tensors.map(() => contractions.allocate(0));
  let number = 1;
  for (const id of op.inputs)
    values[id] = Float64Array.from({ length: elements(trace.tensors[id]!.shape) }, () => number++);
  for (const id of op.outputs) values[id] = contractions.allocate(elements(trace.tensors[id]!.shape));
  const workspace: Workspace = {
    trace,
    contractions,
    random: Random.seeded(0),
    kept: new Map(),
    remembered: new Map(),
    outerProducts: new Map(),
    values,
    settings: DEFAULT_SETTINGS,
    step: 0,
  };
  bindMove(op, workspace)();
  return op.outputs.map((id) => Int32Array.from(values[id]!));
}
