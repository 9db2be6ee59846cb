import type { Action } from '../../../events/events.ts';
import {
  type Access, type Instruction, LOAD, type Node, PASS, repeat, STORE, TILE, VECTOR,
  WAIT_PASS, WAIT_VECTOR,
} from '../program.ts';
import { access, type Builder } from './builder.ts';
import { bytesOf, type Gemm, type Run } from './gemm.ts';

/** Waits of the first instructions of a block, by kind of wait; see program.ts. */
export type Waits = Instruction['waits'];

/** Everything about a contraction that its blocks have in common. */
export interface Plan {
  readonly op: number;
  readonly gemm: Gemm;
  readonly kRuns: readonly Run[];
  readonly cyclesPerRow: number;
  readonly macAction: Action;
  /** Independent products that share one tile on its diagonal. */
  readonly packed: number;
  /** Arrays that work on different columns, and on different rows, of the same product. */
  readonly arraysByColumns: number;
  readonly arraysByRows: number;
  /** Output elements also pass this many further operand elements each (residual adds). */
  readonly extraOperands: number;
  readonly stationaryOffChip: boolean;
  readonly outputOffChip: boolean;
}

/** One block: `rows` rows and `columns` columns of results, all of whose reduction runs before they leave the accumulators. */
export interface Block {
  readonly rows: number;
  readonly columns: number;
  /** Its tiles come from off-chip memory: yes, or from the on-chip buffer, or are still in the array. */
  readonly tiles: 'fetched' | 'buffered' | 'kept';
  readonly firstPassWaits: Waits;
  readonly tileWaits: Waits;
}

const MAC_ACTIONS: Readonly<Record<string, Action>> = {
  int8: 'mac.int8', 'int8/int16': 'mac.int8x16', 'int16/int8': 'mac.int8x16', int16: 'mac.int16', bf16: 'mac.bf16',
  fp16: 'mac.fp16', fp32: 'mac.fp32',
};

export function macAction(precision: string): Action | undefined {
  return MAC_ACTIONS[precision];
}

/** Instructions of a block of a weight- or input-stationary array: its tiles and passes, then its results leave. */
export function stationaryBlock(builder: Builder, plan: Plan, block: Block): Node[] {
  const nodes: Node[] = [];
  plan.kRuns.forEach((run, index) => {
    const first = index === 0;
    const step = (waits: Waits, accumulates: boolean): Node[] => tileAndPass(builder, plan, block, run.size, waits, accumulates);
    if (first) nodes.push(...step(block.firstPassWaits, false));
    const rest = first ? run.times - 1 : run.times;
    if (rest > 0) nodes.push(...repeat(step([], true), rest));
  });
  nodes.push(...results(builder, plan, block.rows * plan.arraysByRows * block.columns));
  return nodes;
}

function tileAndPass(builder: Builder, plan: Plan, block: Block, k: number, waits: Waits, accumulates: boolean): Node[] {
  const { spec, components } = builder;
  const { gemm, op } = plan;
  const rows = block.rows * plan.arraysByRows;
  const useful = (rows * k * block.columns) / plan.packed;
  const cells = rows * spec.array.rows * spec.array.columns * plan.arraysByColumns;
  const sums = bytesOf(rows * block.columns, spec.array.accumulatorBits);
  const tileBytes = stationaryTileBytes(builder, plan, k, block.columns);
  const accesses: Access[] = [
    access(components.array, plan.macAction, useful),
    access(components.array, 'mac.idle', cells - useful),
    access(components.inputs, 'read', rows, bytesOf(rows * k, gemm.streamed.elementBits)),
    access(components.partialSums, 'write', rows, sums),
  ];
  if (accumulates) accesses.push(access(components.partialSums, 'read', rows, sums));
  const fetches = block.tiles !== 'kept';
  if (fetches) {
    accesses.push(access(components.array, 'shift', 1, tileBytes), access(components.weightFifo, 'read', 1, tileBytes));
  }
  const pass = builder.instruction({ lane: PASS, op, cycles: block.rows * plan.cyclesPerRow, fetches, waits, accesses });
  return fetches ? [tileFetch(builder, plan, block, tileBytes), pass] : [pass];
}

function tileFetch(builder: Builder, plan: Plan, block: Block, bytes: number): Instruction {
  const { spec, components } = builder;
  const offChip = block.tiles === 'fetched';
  return builder.instruction({
    lane: TILE,
    op: plan.op,
    cycles: offChip ? builder.memoryCycles(bytes) : Math.max(1, Math.round(bytes / spec.buffer.bytesPerCycle)),
    fetches: offChip,
    waits: block.tileWaits,
    accesses: [
      access(offChip ? components.memory : components.weights, 'read', 1, bytes),
      access(components.weightFifo, 'write', 1, bytes),
    ],
  });
}

function stationaryTileBytes(builder: Builder, plan: Plan, k: number, columns: number): number {
  const { array } = builder.spec;
  const bits = plan.gemm.stationary.elementBits;
  if (array.paddedTiles) return bytesOf(array.rows * array.columns * plan.arraysByColumns, bits);
  return bytesOf((k * columns) / plan.packed, bits);
}

/** A pass of an output-stationary array: `rows` x `columns` results stay in place while the reduction streams. */
export function outputStationaryBlock(builder: Builder, plan: Plan, rows: number, columns: number, waits: Waits): Node[] {
  const { spec, components } = builder;
  const { gemm, op } = plan;
  const useful = rows * columns * gemm.k;
  const cells = spec.array.rows * spec.array.columns * spec.array.count * gemm.k;
  const pass = builder.instruction({
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
  return [pass, ...results(builder, plan, rows * columns)];
}

/** Results pass the activation unit into the buffer, and on to off-chip memory if they do not stay. */
function results(builder: Builder, plan: Plan, elements: number): Node[] {
  const { spec, components } = builder;
  const { op, gemm } = plan;
  const bytes = bytesOf(elements, gemm.outputElementBits);
  const operandBytes = bytes * plan.extraOperands;
  const accesses = [
    access(components.vectorUnit, 'vector.op', elements * (1 + plan.extraOperands)),
    access(components.outputs, 'write', elements, bytes),
  ];
  // An output-stationary array hands its sums over directly.
  if (spec.array.dataflow !== 'output-stationary') {
    accesses.push(access(components.partialSums, 'read', elements, bytesOf(elements, spec.array.accumulatorBits)));
  }
  if (operandBytes > 0) accesses.push(access(components.inputs, 'read', elements, operandBytes));
  const compute = (elements * (1 + plan.extraOperands)) / spec.vectorUnit.elementsPerCycle;
  const cycles = Math.ceil(Math.max(compute, (bytes + operandBytes) / spec.buffer.bytesPerCycle));
  const waits: (number | undefined)[] = [];
  waits[WAIT_PASS] = 0;
  const nodes: Node[] = [builder.instruction({ lane: VECTOR, op, cycles, waits, accesses })];
  if (plan.outputOffChip) nodes.push(store(builder, op, bytes));
  return nodes;
}

/** Results leave the buffer for off-chip memory once the vector unit has written them. */
export function store(builder: Builder, op: number, bytes: number): Instruction {
  const { components } = builder;
  const waits: (number | undefined)[] = [];
  waits[WAIT_VECTOR] = 0;
  return builder.instruction({
    lane: STORE,
    op,
    cycles: builder.memoryCycles(bytes),
    fetches: true,
    waits,
    accesses: [access(components.outputs, 'read', 1, bytes), access(components.memory, 'write', 1, bytes)],
  });
}

/** Operands come from off-chip memory into the buffer. */
export function load(builder: Builder, op: number, bytes: number, into: number, waits: Waits): Instruction {
  const { components } = builder;
  return builder.instruction({
    lane: LOAD,
    op,
    cycles: builder.memoryCycles(bytes),
    fetches: true,
    waits,
    accesses: [access(components.memory, 'read', 1, bytes), access(into, 'write', 1, bytes)],
  });
}

/** Copies waits with some of them set. */
export function withWait(waits: Waits, index: number, back: number | undefined): Waits {
  if (back === undefined) return waits;
  const copy = [...waits];
  copy[index] = back;
  return copy;
}

