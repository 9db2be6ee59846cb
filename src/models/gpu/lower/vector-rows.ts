import type { Kernel, Rates } from '../kernel.ts';
import { ALU, GLOBAL, ISSUE, ProgramBuilder, SFU, SHARED, type WarpProgram } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import { keptRate } from '../units/reuse.ts';
import { quarters } from './tile.ts';

/** Arithmetic of one pass over a row, per element. */
export interface RowPass {
  readonly alu: number;
  readonly sfu: number;
}

/** A tensor as rows along its last axis. */
export interface LastAxis {
  readonly rows: number;
  readonly columns: number;
  readonly elementBytes: number;
  /** Bytes of all tensors the call touches, if the same call was made just before; null: nothing is in L2. */
  readonly warmBytes: number | null;
}

/** A kernel that needs sums or maxima over whole rows before it can write them. */
export interface Rows extends LastAxis {
  readonly name: string;
  /** All but the last end in a value per row that the next one needs; the last one writes. */
  readonly passes: readonly RowPass[];
  /** Threads that share a row, at most; each takes 16 bytes at a time. */
  readonly maxThreads: number;
}

/** Elements up to which the threads of one warp hold a row in registers, and read it once. */
const WARP_ROW_ELEMENTS = 1024;
const WARPS_OF_SHORT_ROWS = 4;
const REGISTERS = 32;
/** Bytes one load or store instruction of a warp moves: 16 per thread. */
const WIDE_BYTES = 512;
/** Loads of a thread that are under way at the same time. */
const UNROLL = 4;
/** Pieces a pass is played in, at most; those of longer rows are larger. */
const MAX_CHUNKS = 64;
/** Instructions with which a block finds its row: far fewer than the many tile indices of a product. */
const START_INSTRUCTIONS = 10;
/** Steps of a reduction over the 32 threads of a warp, and cycles of each: a shuffle and the operation on its result. */
const SHUFFLES = 5;
const SHUFFLE_CYCLES = 30;

/** The kernel. A block that ends is replaced at once, so that a block here takes one row after the other. */
export function rowKernel(spec: GpuSpec, rows: Rows): Kernel {
  const { columns, elementBytes } = rows;
  const rowBytes = columns * elementBytes;
  const short = columns <= WARP_ROW_ELEMENTS;
  const threads = short ? 32 : Math.min(rows.maxThreads, 32 * Math.ceil(rowBytes / WIDE_BYTES));
  const warpsPerBlock = short ? WARPS_OF_SHORT_ROWS : threads / 32;
  const rowsPerBlock = short ? WARPS_OF_SHORT_ROWS : 1;
  const perSm = Math.min(
    spec.sm.blocks,
    Math.floor(spec.sm.warps / warpsPerBlock),
    Math.floor(spec.sm.registers / (REGISTERS * 32 * warpsPerBlock)),
  );
  const tasks = Math.ceil(rows.rows / rowsPerBlock);
  const iterations = Math.ceil(tasks / (perSm * spec.sms));
  const blocks = Math.ceil(tasks / iterations);
  const onSm = Math.ceil(blocks / spec.sms) * rowsPerBlock * rowBytes;
  const reads = short ? 1 : rows.passes.length;
  const fromL1 = onSm <= spec.sm.sharedKiB * 1024;
  const bytes = rows.rows * rowBytes;
  const l2Bytes = spec.l2.sizeKiB * 1024;
  const coldShare = rows.warmBytes === null ? 1 : 1 - keptRate(rows.warmBytes, l2Bytes);
  // Between two passes over a row, the others that are under way are read and written.
  const rereadOffChip = fromL1 ? 0 : 1 - keptRate(2 * blocks * rowsPerBlock * rowBytes, l2Bytes);
  const plan = { rowBytes, warpsPerRow: threads / 32, elementBytes, passes: rows.passes, short, fromL1 };
  return {
    name: rows.name,
    programKey: ['rows', columns, elementBytes, warpsPerBlock, fromL1, JSON.stringify(rows.passes)].join(),
    program: (rates) => rowProgram(spec, rates, plan),
    blocks,
    warpsPerBlock,
    registersPerThread: REGISTERS,
    sharedBytesPerBlock: 0,
    iterations,
    exposedLoads: 1,
    loadBytes: bytes * (fromL1 ? 1 : reads),
    offChipLoadBytes: () => bytes * (coldShare + (reads - 1) * rereadOffChip),
    patternShare: 1,
    resultReadBytes: 0,
    resultWriteBytes: bytes,
    offChipResultShare: coldShare,
    mathCyclesPerBlock: 0,
    macsDone: 0,
  };
}

interface RowPlan {
  readonly rowBytes: number;
  readonly warpsPerRow: number;
  readonly elementBytes: number;
  readonly passes: readonly RowPass[];
  readonly short: boolean;
  readonly fromL1: boolean;
}

/** A warp's share of a row, pass after pass. */
function rowProgram(spec: GpuSpec, rates: Rates, plan: RowPlan): WarpProgram {
  const { sm, library } = spec;
  const LOADED = 1;
  const COMPUTED = 2;
  const REDUCED = 3;
  const warpBytes = plan.rowBytes / plan.warpsPerRow;
  const chunks = Math.min(MAX_CHUNKS, Math.ceil(warpBytes / (UNROLL * WIDE_BYTES)));
  const chunkBytes = warpBytes / chunks;
  const loads = Math.min(UNROLL, Math.ceil(chunkBytes / WIDE_BYTES));
  const perThread = Math.ceil(chunkBytes / plan.elementBytes / 32);
  const aluCycles = 32 / sm.aluLanes;
  const sfuCycles = 32 / sm.sfuLanes;
  const body = new ProgramBuilder();
  body.repeat(START_INSTRUCTIONS, ALU, aluCycles, sm.aluLatencyCycles, REDUCED);
  plan.passes.forEach((pass, index) => {
    const last = index === plan.passes.length - 1;
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (let load = 0; load < loads && (index === 0 || !plan.short); load++) {
        body.repeat(library.addressInstructions, ALU, aluCycles, sm.aluLatencyCycles);
        if (index > 0 && plan.fromL1)
          body.add(SHARED, quarters(chunkBytes / loads / sm.sharedBytesPerCycle), sm.sharedLatencyCycles, LOADED);
        else body.add(GLOBAL, quarters(chunkBytes / loads / rates.loadBytesPerCycle), rates.loadLatencyCycles, LOADED);
      }
      if (pass.sfu > 0)
        body.repeat(perThread * pass.sfu, SFU, sfuCycles, sm.sfuLatencyCycles, COMPUTED, [LOADED, REDUCED]);
      const after = pass.sfu > 0 ? [COMPUTED] : [LOADED, REDUCED];
      body.repeat(perThread * pass.alu, ALU, aluCycles, sm.aluLatencyCycles, COMPUTED, after);
      for (let store = 0; last && store < loads; store++)
        body.add(GLOBAL, quarters(chunkBytes / loads / rates.resultBytesPerCycle), 1, 0, [COMPUTED]);
    }
    if (last) return;
    body.add(ISSUE, SHUFFLES, SHUFFLES * SHUFFLE_CYCLES, REDUCED, [COMPUTED]);
    if (plan.warpsPerRow === 1) return;
    // Warps leave their results in shared memory, and each adds up those of all.
    for (let round = 0; round < 2; round++) {
      body.add(SHARED, 1, sm.sharedLatencyCycles, REDUCED, [REDUCED]);
      body.barrier(sm.barrierCycles, REDUCED);
    }
  });
  return { prologue: [], body: body.instructions, epilogue: [], slots: 4 };
}
