import { type Node, repeat, WAIT_LOAD, type Waits, withWait } from '../program.ts';
import { type Builder, emit } from './builder.ts';
import { inputBytes, segments } from './chunks.ts';
import { count, type Run, runs } from './gemm.ts';
import { chooseOrder, stationaryFits } from './order.ts';
import { type Plan, streamedBytes } from './plan.ts';
import { AS_A_WHOLE, operandWaits, type Progress, type Readiness } from './readiness.ts';
import { type Block, stationaryBlock } from './stationary-block.ts';
import { load, loadWaits } from './transfer.ts';

/** Tiles and passes of a contraction on a weight- or input-stationary array. Returns how its results become available. */
export function lowerStationary(builder: Builder, plan: Plan, readiness: Readiness): Progress {
  const { spec } = builder;
  const columnRuns = runs(plan.gemm.columns, spec.array.columns * plan.arraysByColumns);
  const { chunks, keepsTiles } = chooseOrder(spec, plan, count(columnRuns));
  if (!keepsTiles) return chunkByChunk(builder, plan, readiness, chunks, columnRuns);
  const waits = operandWaits(builder, readiness, readiness.vectors);
  const reload = streamedBytes(plan, plan.rowsPerArray) > inputBytes(spec);
  columnRuns.forEach(({ size, times }, index) => {
    emit(builder, keptTile(builder, plan, chunks, size, waits, index === 0 || reload));
    // The waits of the first column count back from it; at later columns what they name is long done.
    emit(builder, repeat(keptTile(builder, plan, chunks, size, waits, reload), times - 1));
  });
  return AS_A_WHOLE;
}

/** A tile of `columns` columns, and all chunks of rows past it. */
function keptTile(
  builder: Builder,
  plan: Plan,
  chunks: readonly Run[],
  columns: number,
  waits: Waits,
  loads: boolean,
): Node[] {
  const columnRuns = [{ size: columns, times: 1 }];
  const tiles = plan.stationaryOffChip ? 'fetched' : 'buffered';
  const tileWaits = plan.stationaryOffChip ? [] : waits;
  const kept = (rows: number): Node[] =>
    chunkNodes(builder, plan, { rows, columnRuns, tiles: 'kept', waits: [], tileWaits: [], loads });
  const [first, ...others] = chunks;
  return [
    ...chunkNodes(builder, plan, { rows: first!.size, columnRuns, tiles, waits, tileWaits, loads }),
    ...repeat(kept(first!.size), first!.times - 1),
    ...others.flatMap((chunk) => repeat(kept(chunk.size), chunk.times)),
  ];
}

function chunkByChunk(
  builder: Builder,
  plan: Plan,
  readiness: Readiness,
  chunks: readonly Run[],
  columnRuns: readonly Run[],
): Progress {
  const later = plan.stationaryOffChip && !stationaryFits(builder.spec, plan) ? 'fetched' : 'buffered';
  let allButLastVectors = builder.vectorsIssued;
  segments(chunks, plan.rowsPerArray, readiness).forEach(({ size, times, needs }, index) => {
    const vectors = needs === 'part' ? readiness.allButLastVectors : readiness.vectors;
    const waits = needs === 'nothing' ? [] : operandWaits(builder, readiness, vectors);
    const tiles = plan.stationaryOffChip && index === 0 ? 'fetched' : later;
    const tileWaits = plan.stationaryOffChip || index > 0 ? [] : operandWaits(builder, readiness, readiness.vectors);
    // The last chunk comes alone, as the last segment.
    allButLastVectors = builder.vectorsIssued;
    const chunk = { rows: size, columnRuns, tiles, waits, tileWaits, loads: true } as const;
    emit(builder, repeat(chunkNodes(builder, plan, chunk), times));
  });
  if (count(chunks) === 1 || plan.gemm.rowsPerSample === 0) return AS_A_WHOLE;
  return { allButLastVectors, allButLastShare: 1 - chunks[chunks.length - 1]!.size / plan.rowsPerArray };
}

interface Chunk extends Omit<Block, 'columns'> {
  readonly columnRuns: readonly Run[];
  /** What it streams comes from off-chip memory, where it lives there; false: an earlier chunk has loaded it. */
  readonly loads: boolean;
}

/** All groups and columns of one chunk of rows, with the loads of what it streams. */
function chunkNodes(builder: Builder, plan: Plan, chunk: Chunk): Node[] {
  const bytes = chunk.loads ? streamedBytes(plan, chunk.rows) : 0;
  // A slice that cannot stay is loaded anew for every column tile.
  const reload = bytes > inputBytes(builder.spec);
  const groupRuns = runs(plan.gemm.groups, plan.packed);
  const blocks = count(groupRuns) * count(chunk.columnRuns);
  const passesPerLoad = count(plan.kRuns) * (reload ? 1 : blocks);
  const loadBytes = reload ? Math.ceil(bytes / count(groupRuns)) : bytes;
  const block = (columns: number, loads: boolean, waits: Waits, tileWaits: Waits): Node[] => {
    const { rows, tiles } = chunk;
    if (!loads) return stationaryBlock(builder, plan, { rows, columns, tiles, waits, tileWaits });
    const operands = load(builder, plan.op, loadBytes, builder.components.inputs, loadWaits(waits, passesPerLoad));
    return [
      operands,
      ...stationaryBlock(builder, plan, { rows, columns, tiles, waits: withWait(waits, WAIT_LOAD, 0), tileWaits }),
    ];
  };
  const nodes: Node[] = [];
  for (const group of groupRuns) {
    for (const column of chunk.columnRuns) {
      const columns = column.size * group.size;
      const first = nodes.length === 0;
      if (first) nodes.push(...block(columns, bytes > 0, chunk.waits, chunk.tileWaits));
      nodes.push(...repeat(block(columns, reload, [], []), column.times * group.times - (first ? 1 : 0)));
    }
  }
  return nodes;
}
