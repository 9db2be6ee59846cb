import { type Node, repeat, WAIT_LOAD, type Waits, withWait } from '../program.ts';
import { type Builder, emit } from './builder.ts';
import { chunkRuns, inputBytes, segments } from './chunks.ts';
import { count, type Run, runs } from './gemm.ts';
import { operandBytes, type Plan } from './plan.ts';
import { AS_A_WHOLE, operandWaits, type Progress, type Readiness } from './readiness.ts';
import { type Block, stationaryBlock } from './stationary-block.ts';
import { load, loadWaits } from './transfer.ts';

/** Tiles and passes of a contraction on a weight- or input-stationary array: chunk by chunk of rows, all columns of each. */
export function lowerStationary(builder: Builder, plan: Plan, readiness: Readiness): Progress {
  const { spec } = builder;
  const { gemm, rowsPerArray } = plan;
  const chunks = chunkRuns(gemm, rowsPerArray, spec);
  const columnRuns = runs(gemm.columns, spec.array.columns * plan.arraysByColumns);
  const oneTile = count(plan.kRuns) === 1;
  const oneChunk = count(chunks) === 1;
  if (oneTile && !oneChunk && gemm.groups === 1) {
    for (const column of columnRuns) keepTile(builder, plan, readiness, chunks, column);
    return AS_A_WHOLE;
  }
  const later = stationaryFits(builder, plan) ? 'buffered' : 'fetched';
  let allButLastVectors = builder.vectorsIssued;
  segments(chunks, rowsPerArray, readiness).forEach(({ size, times, needs }, index) => {
    const vectors = needs === 'part' ? readiness.allButLastVectors : readiness.vectors;
    const waits = needs === 'nothing' ? [] : operandWaits(builder, readiness, vectors);
    const tiles = plan.stationaryOffChip && index === 0 ? 'fetched' : plan.stationaryOffChip ? later : 'buffered';
    const tileWaits = plan.stationaryOffChip || index > 0 ? [] : operandWaits(builder, readiness, readiness.vectors);
    // The last chunk comes alone, as the last segment.
    allButLastVectors = builder.vectorsIssued;
    emit(builder, repeat(chunkNodes(builder, plan, { rows: size, columnRuns, tiles, waits, tileWaits }), times));
  });
  if (oneChunk || gemm.rowsPerSample === 0) return AS_A_WHOLE;
  return { allButLastVectors, allButLastShare: 1 - chunks[chunks.length - 1]!.size / rowsPerArray };
}

/** Whether all stationary operands stay in their scratchpad, so that later chunks need not fetch them again. */
function stationaryFits({ spec }: Builder, { gemm }: Plan): boolean {
  const bytes = (gemm.k * gemm.columns * gemm.groups * gemm.stationary.elementBits) / 8;
  return spec.buffer.kind === 'scratchpads' && bytes <= (spec.buffer.weightKiB * 1024) / 2;
}

/** A single tile covers the whole reduction of a column: it stays in the array while all chunks of rows pass. */
function keepTile(builder: Builder, plan: Plan, readiness: Readiness, chunks: readonly Run[], column: Run): void {
  const waits = operandWaits(builder, readiness, readiness.vectors);
  const columnRuns = [{ size: column.size, times: 1 }];
  const [first, ...others] = chunks;
  const tiles = plan.stationaryOffChip ? 'fetched' : 'buffered';
  const start = {
    rows: first!.size,
    columnRuns,
    tiles,
    waits,
    tileWaits: plan.stationaryOffChip ? [] : waits,
  } as const;
  const kept = (rows: number): Node[] =>
    chunkNodes(builder, plan, { rows, columnRuns, tiles: 'kept', waits: [], tileWaits: [] });
  const body = [...chunkNodes(builder, plan, start), ...repeat(kept(first!.size), first!.times - 1)];
  for (const chunk of others) body.push(...repeat(kept(chunk.size), chunk.times));
  emit(builder, body);
  // The waits of the first column count back from it; at later columns what they name is long done.
  emit(builder, repeat(body, column.times - 1));
}

interface Chunk extends Block {
  readonly columnRuns: readonly Run[];
}

/** All groups and columns of one chunk of rows, with the loads of what it streams. */
function chunkNodes(builder: Builder, plan: Plan, chunk: Omit<Chunk, 'columns'>): Node[] {
  const bytes = operandBytes(plan, chunk.rows);
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
