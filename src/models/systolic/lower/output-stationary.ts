import { type Node, PASS, repeat, WAIT_LOAD, type Waits, withWait } from '../program.ts';
import type { SystolicSpec } from '../spec.ts';
import { access, type Builder, emit } from './builder.ts';
import { inputBytes } from './chunks.ts';
import { bytesOf, count, runs } from './gemm.ts';
import { type Plan, streamedBytes } from './plan.ts';
import { operandWaits, type Readiness } from './readiness.ts';
import { load, results, loadWaits } from './transfer.ts';

/** Passes of a contraction on an output-stationary array: column by column, all rows of each. */
export function lowerOutputStationary(builder: Builder, plan: Plan, readiness: Readiness): void {
  emit(builder, groupNodes(builder, plan, operandWaits(builder, readiness, readiness.vectors)));
  emit(builder, repeat(groupNodes(builder, plan, []), plan.gemm.groups - 1));
}

/** One of the independent products. What the columns before have loaded stays if it fits. */
function groupNodes(builder: Builder, plan: Plan, waits: Waits): Node[] {
  const { spec } = builder;
  const { gemm } = plan;
  const bytes = streamedBytes(plan, plan.rowsPerArray) / gemm.groups;
  const reload = bytes > inputBytes(spec);
  const nodes: Node[] = [];
  for (const column of runs(gemm.columns, spec.array.columns * plan.arraysByColumns)) {
    const first = nodes.length === 0;
    if (first) nodes.push(...columnNodes(builder, plan, column.size, bytes, waits));
    nodes.push(
      ...repeat(columnNodes(builder, plan, column.size, reload ? bytes : 0, []), column.times - (first ? 1 : 0)),
    );
  }
  return nodes;
}

/** All rows of one column of results; `bytes` of what streams past come from off-chip memory. */
function columnNodes(builder: Builder, plan: Plan, columns: number, bytes: number, waits: Waits): Node[] {
  const { spec, components } = builder;
  const { gemm, op } = plan;
  const rowRuns = runs(gemm.rows, spec.array.rows * plan.arraysByRows);
  const panelBytes = bytesOf(gemm.k * columns, gemm.stationary.elementBits);
  const weightBytes = plan.stationaryOffChip ? Math.ceil(panelBytes * plan.stationaryShare) : 0;
  // A panel of weights that does not stay is loaded anew for every tile of rows.
  const reload = panelBytes > weightCapacity(spec);
  const nodes: Node[] = [];
  const block = (rows: number, own: Waits, withWeights: boolean): Node[] => {
    const loads: Node[] = [];
    if (withWeights && weightBytes > 0)
      loads.push(load(builder, op, weightBytes, components.weights, loadWaits(own, reload ? 1 : count(rowRuns))));
    if (bytes > 0)
      loads.push(load(builder, op, Math.ceil((bytes * rows) / gemm.rows), components.inputs, loadWaits(own, 1)));
    const passWaits = loads.length > 0 ? withWait(own, WAIT_LOAD, 0) : own;
    return [...loads, pass(builder, plan, rows, columns, passWaits), ...results(builder, plan, rows * columns, own)];
  };
  for (const row of rowRuns) {
    const first = nodes.length === 0;
    if (first) nodes.push(...block(row.size, waits, true));
    nodes.push(...repeat(block(row.size, [], reload), row.times - (first ? 1 : 0)));
  }
  return nodes;
}

function weightCapacity({ buffer }: SystolicSpec): number {
  return (buffer.kind === 'unified' ? buffer.sizeKiB / 4 : buffer.weightKiB / 2) * 1024;
}

/** `rows` x `columns` results stay in place while the reduction streams. */
function pass(builder: Builder, plan: Plan, rows: number, columns: number, waits: Waits): Node {
  const { spec, components } = builder;
  const { gemm, op } = plan;
  const useful = rows * columns * gemm.k;
  const cells = spec.array.rows * spec.array.columns * spec.array.count * gemm.k;
  return builder.instruction({
    lane: PASS,
    op,
    cycles: gemm.k * plan.cyclesPerRow,
    waits,
    accesses: [
      access(components.array, plan.macAction, useful),
      access(components.array, 'mac.idle', cells - useful),
      access(components.inputs, 'read', gemm.k, bytesOf(rows * gemm.k, gemm.streamed.elementBits)),
      access(components.weights, 'read', gemm.k, bytesOf(columns * gemm.k, gemm.stationary.elementBits)),
    ],
  });
}
