import type { Kernel, Rates } from '../kernel.ts';
import { ALU, GLOBAL, ProgramBuilder, SFU, type WarpProgram } from '../program.ts';
import type { GpuSpec } from '../spec.ts';
import { quarters } from './tile.ts';

/** A kernel that passes over memory once, as elementwise ops, reductions and updates do. */
export interface Stream {
  readonly name: string;
  readonly elements: number;
  /** Bytes per element, all operands and all results together. */
  readonly readBytesPerElement: number;
  readonly writeBytesPerElement: number;
  /** Plain and special-function operations per element. */
  readonly aluPerElement: number;
  readonly sfuPerElement: number;
  /** Shares of what is read and written that are off the chip, 0 to 1. */
  readonly offChipReadShare: number;
  readonly offChipWriteShare: number;
}

const WARPS = 8;
/** Loads of 16 bytes that a thread has under way. */
const UNROLL = 4;
const LOAD_BYTES = 512;
/** Blocks per SM that go over large tensors, each many times: as many as keep its threads occupied. */
const BLOCKS_PER_SM = 8;
const REGISTERS = 32;
/** Instructions of a kind in one iteration that are played by themselves; more are played in groups that take as long. */
const MAX_GROUPS = 16;

/** The kernel; `firstIteration` costs of a grid are those of its prologue. */
export function streamKernel(spec: GpuSpec, stream: Stream): Kernel {
  const { elements, readBytesPerElement: reads, writeBytesPerElement: writes } = stream;
  const widest = Math.max(reads, writes);
  // One iteration of a warp: UNROLL loads of what it reads most of, the rest in proportion.
  const elementsPerWarp = Math.max(1, (UNROLL * LOAD_BYTES) / Math.max(1, widest));
  const tasks = Math.max(1, Math.ceil(elements / (elementsPerWarp * WARPS)));
  const iterations = Math.ceil(tasks / (BLOCKS_PER_SM * spec.sms));
  const blocks = Math.ceil(tasks / iterations);
  const perThread = elementsPerWarp / 32;
  const key = [reads, writes, stream.aluPerElement, stream.sfuPerElement].join();
  return {
    name: stream.name,
    programKey: `stream ${key}`,
    program: (rates) =>
      streamProgram(spec, rates, {
        readBytes: elementsPerWarp * reads,
        writeBytes: elementsPerWarp * writes,
        alu: Math.ceil(perThread * stream.aluPerElement),
        sfu: Math.ceil(perThread * stream.sfuPerElement),
      }),
    blocks,
    warpsPerBlock: WARPS,
    registersPerThread: REGISTERS,
    sharedBytesPerBlock: 0,
    iterations,
    exposedLoads: 1,
    loadBytes: elements * reads,
    offChipLoadBytes: () => elements * reads * stream.offChipReadShare,
    patternShare: 1,
    resultReadBytes: 0,
    resultWriteBytes: elements * writes,
    offChipResultShare: stream.offChipWriteShare,
    mathCyclesPerBlock: 0,
    macsDone: 0,
  };
}

interface StreamStep {
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly alu: number;
  readonly sfu: number;
}

function streamProgram(spec: GpuSpec, rates: Rates, step: StreamStep): WarpProgram {
  const { sm, library } = spec;
  const LOADED = 1;
  const COMPUTED = 2;
  const prologue = new ProgramBuilder();
  const aluCycles = Math.max(1, 32 / sm.aluLanes);
  const sfuCycles = Math.max(1, 32 / sm.sfuLanes);
  for (let count = 0; count < library.prologueInstructions; count++) prologue.add(ALU, aluCycles, sm.aluLatencyCycles);
  const body = new ProgramBuilder();
  const loads = Math.ceil(step.readBytes / LOAD_BYTES);
  for (let load = 0; load < loads; load++) {
    for (let count = 0; count < library.addressInstructions; count++) body.add(ALU, aluCycles, sm.aluLatencyCycles);
    body.add(GLOBAL, quarters(step.readBytes / loads / rates.loadBytesPerCycle), rates.loadLatencyCycles, LOADED);
  }
  const calculate = (pipe: number, instructions: number, occupiesCycles: number, latencyCycles: number): void => {
    const perGroup = Math.ceil(instructions / MAX_GROUPS);
    for (let left = instructions; left > 0; left -= perGroup)
      body.repeat(Math.min(left, perGroup), pipe, occupiesCycles, latencyCycles, COMPUTED, [LOADED]);
  };
  calculate(ALU, step.alu, aluCycles, sm.aluLatencyCycles);
  calculate(SFU, step.sfu, sfuCycles, sm.sfuLatencyCycles);
  const stores = Math.ceil(step.writeBytes / LOAD_BYTES);
  for (let store = 0; store < stores; store++)
    body.add(GLOBAL, quarters(step.writeBytes / stores / rates.resultBytesPerCycle), 1, 0, [LOADED, COMPUTED]);
  return { prologue: prologue.instructions, body: body.instructions, epilogue: [], slots: 3 };
}
