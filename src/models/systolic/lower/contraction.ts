import { InputError } from '../../../errors.ts';
import type { SystolicSpec } from '../spec.ts';
import { type Node, repeat, WAIT_HOST, WAIT_LOAD, WAIT_PASS, WAIT_RESULT, WAIT_STORE, WAIT_VECTOR } from '../program.ts';
import { type Block, load, macAction, outputStationaryBlock, type Plan, stationaryBlock, type Waits, withWait } from './block.ts';
import { type Builder, emit } from './builder.ts';
import { balancedRuns, type Gemm, packedGroups, type Run, runs } from './gemm.ts';

/** When the operands of an op are there. Counts are of vector instructions since the start of the program. */
export interface Readiness {
  /** All results the op needs are in the buffer after this many; 0 if it needs none. */
  readonly vectors: number;
  /** The same but for the last chunk of samples, and the share of the samples that covers. */
  readonly allButLastVectors: number;
  readonly allButLastShare: number;
  readonly fromHost: boolean;
  readonly fromStore: boolean;
}

/** Where the operands and results of one contraction live. */
export interface Residence {
  readonly streamedOffChip: boolean;
  readonly stationaryOffChip: boolean;
  readonly outputOffChip: boolean;
  /** Off-chip bytes of further operands (residual adds). */
  readonly extraOffChipBytes: number;
}

/** Chunks of samples whose results are complete one after the other. */
export interface Progress {
  readonly allButLastVectors: number;
  readonly allButLastShare: number;
}

/** Lowers one contraction to tiles, passes and activations; returns how its results become available. */
export function lowerContraction(
  builder: Builder, op: number, gemm: Gemm, readiness: Readiness, residence: Residence, extraOperands: number,
): Progress {
  const { spec } = builder;
  const arrays = dealOverArrays(gemm, spec);
  const packed = packedGroups(gemm, spec);
  const cyclesPerRow = spec.array.cyclesPerRow[gemm.precision];
  const action = macAction(gemm.precision);
  if (cyclesPerRow === undefined || action === undefined) {
    const known = Object.keys(spec.array.cyclesPerRow).join(', ');
    throw InputError.of('precision', `${gemm.precision} cannot run on this array`, `use one of: ${known}`);
  }
  const plan: Plan = {
    op, gemm, cyclesPerRow, macAction: action, packed, extraOperands,
    kRuns: packed > 1 ? [{ size: gemm.k * packed, times: 1 }] : gemm.kRuns,
    arraysByColumns: arrays.byColumns,
    arraysByRows: arrays.byRows,
    stationaryOffChip: residence.stationaryOffChip,
    outputOffChip: residence.outputOffChip,
  };
  const done = { allButLastVectors: 0, allButLastShare: 0 };
  if (spec.array.dataflow === 'output-stationary') outputStationary(builder, plan, readiness, residence);
  else return stationary(builder, plan, readiness, residence);
  return done;
}

/** Deals the arrays of a chip out over columns and rows of a product so that the longest share is shortest. */
function dealOverArrays(gemm: Gemm, spec: SystolicSpec): { byColumns: number; byRows: number } {
  let best = { byColumns: 1, byRows: spec.array.count };
  let bestCost = Number.POSITIVE_INFINITY;
  for (let byColumns = 1; byColumns <= spec.array.count; byColumns++) {
    if (spec.array.count % byColumns !== 0) continue;
    const byRows = spec.array.count / byColumns;
    const cost = Math.ceil(gemm.columns / (spec.array.columns * byColumns)) * Math.ceil(gemm.rows / byRows);
    if (cost < bestCost) {
      best = { byColumns, byRows };
      bestCost = cost;
    }
  }
  return best;
}

/** Rows of results that can be gathered before they must leave. */
function chunkCapacity(spec: SystolicSpec): number {
  if (spec.accumulators !== null) return Math.floor(spec.accumulators.rows / spec.accumulators.buffers);
  const bytes = (spec.buffer.kind === 'unified' ? spec.buffer.sizeKiB / 4 : spec.buffer.outputKiB / 2) * 1024;
  return Math.max(1, Math.floor(bytes / (spec.array.columns * (spec.array.accumulatorBits / 8))));
}

function chunkRuns(plan: Plan, capacity: number): Run[] {
  const { gemm } = plan;
  const rows = Math.ceil(gemm.rows / plan.arraysByRows);
  const perSample = gemm.rowsPerSample;
  if (perSample === 0 || rows % perSample !== 0 || perSample > capacity) return balancedRuns(rows, capacity);
  const samples = balancedRuns(rows / perSample, Math.floor(capacity / perSample));
  return samples.map((run) => ({ size: run.size * perSample, times: run.times }));
}

function stationary(builder: Builder, plan: Plan, readiness: Readiness, residence: Residence): Progress {
  const { gemm } = plan;
  const { spec } = builder;
  const chunks = chunkRuns(plan, chunkCapacity(spec));
  const chunkCount = chunks.reduce((sum, run) => sum + run.times, 0);
  const groupRuns = runs(gemm.groups, plan.packed);
  const tileCount = plan.kRuns.reduce((sum, run) => sum + run.times, 0);
  const stationaryBytes = (gemm.k * gemm.columns * gemm.groups * gemm.stationary.elementBits) / 8;
  const keepsTiles = tileCount === 1 && chunkCount > 1 && gemm.groups === 1;
  const buffered = spec.buffer.kind === 'scratchpads' && stationaryBytes <= (spec.buffer.weightKiB * 1024) / 2;
  const start = builder.vectorsIssued;
  const nodesFor = (rows: number, columns: number, first: boolean, waits: Waits): Node[] =>
    chunkBlocks(builder, plan, residence, {
      rows, columns, waits, groupRuns,
      tiles: !residence.stationaryOffChip ? 'buffered' : first || !buffered ? 'fetched' : 'buffered',
      tileWaits: residence.stationaryOffChip ? [] : resultWaits(builder, readiness, 0),
    });
  if (keepsTiles) {
    // The one tile of a column stays in the array while all rows pass.
    for (const column of runs(gemm.columns, spec.array.columns * plan.arraysByColumns)) {
      keptTile(builder, plan, readiness, residence, chunks, column);
    }
    return { allButLastVectors: 0, allButLastShare: 0 };
  }
  let done = 0;
  let allButLastVectors = 0;
  let waitedForAll = false;
  for (const chunk of chunks) {
    let times = chunk.times;
    // The first chunk waits for the operands; if they come in chunks, a later one waits for the last of them.
    while (times > 0) {
      const share = (done + chunk.size) / Math.ceil(gemm.rows / plan.arraysByRows);
      const enough = !waitedForAll && gemm.rowsPerSample > 0 && share <= readiness.allButLastShare;
      const waits = done === 0 || (!waitedForAll && !enough) ? resultWaits(builder, readiness, enough ? readiness.allButLastVectors : readiness.vectors) : [];
      if (!enough) waitedForAll = true;
      const single = waits.length > 0 || done === 0;
      const count = single ? 1 : waitedForAll ? times : Math.min(times, chunksWithin(readiness, gemm, plan, done, chunk.size));
      const last = done + chunk.size * count >= Math.ceil(gemm.rows / plan.arraysByRows);
      if (last && count > 1) {
        emit(builder, repeat(nodesFor(chunk.size, gemm.columns, false, waits), count - 1));
        allButLastVectors = builder.vectorsIssued;
        emit(builder, nodesFor(chunk.size, gemm.columns, false, []));
      } else {
        if (last) allButLastVectors = builder.vectorsIssued;
        emit(builder, repeat(nodesFor(chunk.size, gemm.columns, done === 0, waits), count));
      }
      done += chunk.size * count;
      times -= count;
    }
  }
  if (chunkCount < 2 || gemm.rowsPerSample === 0 || allButLastVectors === start) return { allButLastVectors: 0, allButLastShare: 0 };
  const lastSize = chunks[chunks.length - 1]!.size;
  return { allButLastVectors, allButLastShare: 1 - lastSize / Math.ceil(gemm.rows / plan.arraysByRows) };
}

/** Further chunks that need nothing of the producer's last chunk. */
function chunksWithin(readiness: Readiness, gemm: Gemm, plan: Plan, done: number, size: number): number {
  const rows = Math.ceil(gemm.rows / plan.arraysByRows);
  return Math.max(1, Math.floor((readiness.allButLastShare * rows - done) / size));
}

/** Waits for the results of other layers: `vectors` of them, the host, what was stored. */
function resultWaits(builder: Builder, readiness: Readiness, vectors: number): Waits {
  let waits: Waits = [];
  if (vectors > 0) waits = withWait(waits, WAIT_RESULT, builder.vectorsIssued - vectors);
  if (readiness.fromHost) waits = withWait(waits, WAIT_HOST, 0);
  if (readiness.fromStore) waits = withWait(waits, WAIT_STORE, 0);
  return waits;
}

interface Chunk {
  readonly rows: number;
  readonly columns: number;
  readonly waits: Waits;
  readonly groupRuns: readonly Run[];
  readonly tiles: Block['tiles'];
  readonly tileWaits: Waits;
}

/** All columns and groups of one chunk of rows. */
function chunkBlocks(builder: Builder, plan: Plan, residence: Residence, chunk: Chunk): Node[] {
  const { spec } = builder;
  const { gemm } = plan;
  const accumulatorWait = (spec.accumulators?.buffers ?? 2) - 1;
  const columnRuns = runs(chunk.columns, spec.array.columns * plan.arraysByColumns);
  const share = chunk.rows / Math.ceil(gemm.rows / plan.arraysByRows);
  const loadBytes = Math.ceil((residence.streamedOffChip ? gemm.streamed.bytes * share : 0) + residence.extraOffChipBytes * share);
  const capacity = (spec.buffer.kind === 'unified' ? spec.buffer.sizeKiB / 4 : spec.buffer.inputKiB / 2) * 1024;
  const resident = loadBytes <= capacity;
  const nodes: Node[] = [];
  let first = true;
  for (const group of chunk.groupRuns) {
    for (const column of columnRuns) {
      const columns = column.size * group.size;
      const block = (waits: Waits): Node[] => stationaryBlock(builder, plan, {
        rows: chunk.rows, columns, tiles: chunk.tiles, tileWaits: chunk.tileWaits,
        firstPassWaits: withWait(waits, WAIT_VECTOR, accumulatorWait),
      });
      const loads = (bytes: number): Node[] =>
        bytes === 0 ? [] : [load(builder, plan.op, bytes, builder.components.inputs, withWait(storeWait(chunk.waits), WAIT_PASS, accumulatorWait === 0 ? 0 : undefined))];
      let times = column.times * group.times;
      if (loadBytes > 0 && (first || !resident)) {
        const waits = withWait(first ? chunk.waits : [], WAIT_LOAD, 0);
        // A slice that cannot stay is loaded anew for every column tile.
        const part = resident ? loadBytes : Math.ceil(loadBytes / chunk.groupRuns.reduce((sum, run) => sum + run.times, 0));
        const count = resident ? 1 : times;
        if (first) nodes.push(...loads(part), ...block(waits));
        nodes.push(...repeat([...loads(part), ...block(withWait([], WAIT_LOAD, 0))], first ? count - 1 : count));
        times -= count;
      } else if (first) {
        nodes.push(...block(chunk.waits));
        times--;
      }
      first = false;
      nodes.push(...repeat(block([]), times));
    }
  }
  return nodes;
}

/** A load reads what was stored before; it need not wait for anything else. */
function storeWait(waits: Waits): Waits {
  return waits[WAIT_STORE] === undefined ? [] : withWait([], WAIT_STORE, waits[WAIT_STORE]);
}

/** One column of tiles where a single tile covers the whole reduction: it is fetched once for all chunks of rows. */
function keptTile(
  builder: Builder, plan: Plan, readiness: Readiness, residence: Residence, chunks: readonly Run[], column: Run,
): void {
  const { spec } = builder;
  const { gemm } = plan;
  const accumulatorWait = (spec.accumulators?.buffers ?? 2) - 1;
  const rows = Math.ceil(gemm.rows / plan.arraysByRows);
  const body: Node[] = [];
  chunks.forEach((chunk, index) => {
    const bytes = Math.ceil(((residence.streamedOffChip ? gemm.streamed.bytes : 0) + residence.extraOffChipBytes) * (chunk.size / rows));
    const make = (firstChunk: boolean): Node[] => {
      let waits: Waits = firstChunk ? resultWaits(builder, readiness, readiness.vectors) : [];
      const loads = bytes === 0 ? [] : [load(builder, plan.op, bytes, builder.components.inputs, storeWait(waits))];
      if (bytes > 0) waits = withWait(waits, WAIT_LOAD, 0);
      return [...loads, ...stationaryBlock(builder, plan, {
        rows: chunk.size, columns: column.size, tiles: firstChunk ? (residence.stationaryOffChip ? 'fetched' : 'buffered') : 'kept',
        tileWaits: residence.stationaryOffChip ? [] : resultWaits(builder, readiness, readiness.vectors),
        firstPassWaits: withWait(waits, WAIT_VECTOR, accumulatorWait),
      })];
    };
    if (index === 0) body.push(...make(true), ...repeat(make(false), chunk.times - 1));
    else body.push(...repeat(make(false), chunk.times));
  });
  // Waits count back from the first column; later columns find them satisfied.
  emit(builder, body);
  if (column.times > 1) emit(builder, repeat(body, column.times - 1));
}

function outputStationary(builder: Builder, plan: Plan, readiness: Readiness, residence: Residence): void {
  const { spec, components } = builder;
  const { gemm } = plan;
  const columnRuns = runs(gemm.columns, spec.array.columns * plan.arraysByColumns);
  const rowRuns = runs(gemm.rows, spec.array.rows * plan.arraysByRows);
  const inputCapacity = (spec.buffer.kind === 'unified' ? spec.buffer.sizeKiB / 4 : spec.buffer.inputKiB / 2) * 1024;
  const inputBytes = (residence.streamedOffChip ? gemm.streamed.bytes / gemm.groups : 0) + residence.extraOffChipBytes / gemm.groups;
  const resident = inputBytes <= inputCapacity;
  const columnBody = (columns: number, withInputs: boolean, waits: Waits): Node[] => {
    const nodes: Node[] = [];
    const weightBytes = residence.stationaryOffChip ? Math.ceil((gemm.k * columns * gemm.stationary.elementBits) / 8) : 0;
    if (weightBytes > 0) nodes.push(load(builder, plan.op, weightBytes, components.weights, []));
    let first = true;
    for (const row of rowRuns) {
      const bytes = withInputs ? Math.ceil((inputBytes * row.size) / gemm.rows) : 0;
      const make = (own: Waits): Node[] => {
        const loads = bytes === 0 ? [] : [load(builder, plan.op, bytes, components.inputs, storeWait(own))];
        const waited = weightBytes > 0 || bytes > 0 ? withWait(own, WAIT_LOAD, 0) : own;
        return [...loads, ...outputStationaryBlock(builder, plan, row.size, columns, waited)];
      };
      if (first) nodes.push(...make(waits), ...repeat(make([]), row.times - 1));
      else nodes.push(...repeat(make([]), row.times));
      first = false;
    }
    return nodes;
  };
  const group = (waits: Waits): Node[] => {
    const nodes: Node[] = [];
    let first = true;
    for (const column of columnRuns) {
      if (first) nodes.push(...columnBody(column.size, inputBytes > 0, waits));
      nodes.push(...repeat(columnBody(column.size, inputBytes > 0 && !resident, []), first ? column.times - 1 : column.times));
      first = false;
    }
    return nodes;
  };
  emit(builder, group(resultWaits(builder, readiness, readiness.vectors)));
  emit(builder, repeat(group([]), gemm.groups - 1));
}
