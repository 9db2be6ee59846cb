import { InputError } from '../../errors.ts';
import { macs } from '../../trace/facts.ts';
import type { Trace } from '../../trace/trace.ts';

/**
 * Stage of each op of a forward pass: consecutive ops, cut so that the stage with most MACs has as few as possible. Ops without MACs
 * stay with the product before them. Throws InputError if there are fewer products than stages.
 */
export function cutStages({ ops, workload }: Trace, stages: number): number[] {
  const costs = ops.map(macs);
  const products = costs.filter((cost) => cost > 0);
  if (products.length < stages)
    throw InputError.of(
      `pipeline of ${stages} stages`,
      `${workload.name} has ${products.length} products`,
      'use at most as many stages',
    );
  let [low, high] = [Math.max(...products), products.reduce((sum, cost) => sum + cost, 0)];
  while (low < high) {
    const limit = Math.floor((low + high) / 2);
    if (stagesOf(products, limit, stages) === null) low = limit + 1;
    else high = limit;
  }
  const ofProducts = stagesOf(products, high, stages)!;
  let next = 0;
  return costs.map((cost) => ofProducts[cost > 0 ? next++ : Math.max(0, next - 1)]!);
}

/** Fills stages from the first on up to a limit, leaving at least one product to each of those that follow; null if too much is left. */
function stagesOf(costs: readonly number[], limit: number, stages: number): number[] | null {
  let [stage, filled] = [0, 0];
  const result: number[] = [];
  for (const [index, cost] of costs.entries()) {
    const full = filled + cost > limit;
    const wantedByOthers = costs.length - index < stages - stage;
    if (filled > 0 && (full || wantedByOthers)) [stage, filled] = [stage + 1, 0];
    if (stage === stages) return null;
    filled += cost;
    result.push(stage);
  }
  return result;
}
