import { type Access, ACTIONS, type Action } from '../../events/events.ts';
import { type DType, DTYPES } from '../../trace/trace.ts';
import type { TimedKernel } from './lower/choose.ts';
import type { Transfer } from './lower/communicate.ts';
import { type Instruction, ISSUE, MATH, SHARED } from './program.ts';
import { COMPONENTS, type GpuSpec, operandsOf, storedShare } from './spec.ts';

/** Places of COMPONENTS. */
const TENSOR_CORES = 0;
const CUDA_CORES = 1;
const REGISTERS = 2;
const SHARED_MEMORY = 3;
const L2 = 4;
const OFF_CHIP = 5;
/** Only where there is a network. */
const LINK = 6;

const LANES = 32;
/** A register of all threads of a warp. */
const REGISTER_BYTES = 4 * LANES;
/** Bytes of one access of L2 and memory: a sector. */
const SECTOR_BYTES = 32;

const READ = ACTIONS.indexOf('read');
const WRITE = ACTIONS.indexOf('write');
const THREAD_INSTRUCTION = ACTIONS.indexOf('vector.op');

const MAC_ACTIONS: Readonly<Record<string, Action>> = {
  int4: 'mac.int4',
  int8: 'mac.int8',
  fp8e4m3: 'mac.fp8',
  fp8e5m2: 'mac.fp8',
  fp16: 'mac.fp16',
  bf16: 'mac.bf16',
  tf32: 'mac.tf32',
  fp32: 'mac.fp32',
};

export function componentNames(spec: GpuSpec): string[] {
  return [...COMPONENTS, spec.memory.name, ...(spec.network === undefined ? [] : ['link'])];
}

/** Action of a multiply-add, and the component that does it, for an entry of the machine's math. */
function macUse(spec: GpuSpec, math: string): { readonly component: number; readonly action: Action } {
  const operands = operandsOf(math);
  const sums = math.split('+')[1];
  if (spec.math[math]!.unit === 'tensor') return { component: TENSOR_CORES, action: MAC_ACTIONS[operands]! };
  // Without tensor cores, operands are widened to the format of the sums.
  return { component: CUDA_CORES, action: MAC_ACTIONS[sums ?? operands]! };
}

/** Every component and action that a run with products of these kinds can count; `exchanges`: with transfers too. */
export function usesOf(
  spec: GpuSpec,
  maths: ReadonlySet<string>,
  exchanges: boolean,
): { component: string; action: Action }[] {
  const names = componentNames(spec);
  const products = [...maths].map((math) => {
    const { component, action } = macUse(spec, math);
    return { component: names[component]!, action };
  });
  const moved = [REGISTERS, SHARED_MEMORY, L2, OFF_CHIP, ...(exchanges ? [LINK] : [])];
  const moves = moved.flatMap((component) =>
    (['read', 'write'] as const).map((action) => ({ component: names[component]!, action })),
  );
  return [...products, { component: names[CUDA_CORES]!, action: 'vector.op' }, ...moves];
}

/** Bytes that products move between registers and pipes for each multiply-add: operands of every instruction, sums of every group. */
function registerBytesPerMac(spec: GpuSpec, name: string): { readonly read: number; readonly write: number } {
  const math = spec.math[name]!;
  const operandBytes = DTYPES[operandsOf(name) as DType] / 8;
  const left = math.m * math.leftReads * storedShare(math, operandBytes);
  const operands = (left + math.n * math.rightReads) * math.k * operandBytes;
  const sums = math.m * math.n * math.accumulatorBytes;
  const macs = math.m * math.n * math.k;
  return { read: (operands * math.instructions + sums) / macs, write: sums / macs };
}

/** Instructions of a warp by pipe, and cycles in which it holds shared memory. */
interface Counts {
  readonly others: number;
  readonly sharedReadCycles: number;
  readonly sharedWriteCycles: number;
}

function countInstructions(instructions: readonly Instruction[]): Counts {
  let others = 0;
  let sharedReadCycles = 0;
  let sharedWriteCycles = 0;
  for (const { pipe, occupiesCycles, reads, count } of instructions) {
    if (pipe !== MATH && pipe !== ISSUE) others += count;
    if (pipe !== SHARED) continue;
    // A store waits for the registers it stores; a load of fragments reads none.
    if (reads.length > 0) sharedWriteCycles += occupiesCycles;
    else sharedReadCycles += occupiesCycles;
  }
  return { others, sharedReadCycles, sharedWriteCycles };
}

/** Actions of a kernel: multiply-adds done (useful or not), instructions of threads, and bytes moved at every level. */
export function accessesOf(spec: GpuSpec, { kernel, timing }: TimedKernel, math: string | null): Access[] {
  const unlimited = {
    loadBytesPerCycle: spec.sm.globalBytesPerCycle,
    loadLatencyCycles: spec.l2.latencyCycles,
    resultBytesPerCycle: spec.sm.globalBytesPerCycle,
  };
  const program = kernel.program(unlimited);
  const [start, body, end] = [program.prologue, program.body, program.epilogue].map(countInstructions) as [
    Counts,
    Counts,
    Counts,
  ];
  const warps = kernel.blocks * kernel.warpsPerBlock;
  const total = (of: (counts: Counts) => number): number =>
    warps * (of(start) + of(body) * kernel.iterations + of(end));
  const accesses: Access[] = [];
  const moved = (component: number, action: number, bytes: number, width: number): void => {
    const whole = Math.round(bytes);
    if (whole > 0) accesses.push({ component, action, count: Math.ceil(whole / width), bytes: whole });
  };
  if (math !== null && kernel.macsDone > 0) {
    const { component, action } = macUse(spec, math);
    const { sparse } = spec.math[math]!;
    // What meets the zeros of a pattern is not multiplied.
    const multiplied = sparse === undefined ? kernel.macsDone : (kernel.macsDone * sparse.n) / sparse.m;
    accesses.push({ component, action: ACTIONS.indexOf(action), count: multiplied, bytes: 0 });
    const { read, write } = registerBytesPerMac(spec, math);
    moved(REGISTERS, READ, read * kernel.macsDone, REGISTER_BYTES);
    moved(REGISTERS, WRITE, write * kernel.macsDone, REGISTER_BYTES);
  }
  const instructions = Math.round(LANES * total(({ others }) => others));
  accesses.push({ component: CUDA_CORES, action: THREAD_INSTRUCTION, count: instructions, bytes: 0 });
  const width = spec.sm.sharedBytesPerCycle;
  moved(SHARED_MEMORY, READ, width * total(({ sharedReadCycles }) => sharedReadCycles), width);
  moved(SHARED_MEMORY, WRITE, width * total(({ sharedWriteCycles }) => sharedWriteCycles), width);
  moved(L2, READ, kernel.loadBytes + kernel.resultReadBytes, SECTOR_BYTES);
  moved(L2, WRITE, kernel.resultWriteBytes, SECTOR_BYTES);
  moved(OFF_CHIP, READ, timing.offChipReadBytes, SECTOR_BYTES);
  moved(OFF_CHIP, WRITE, timing.offChipWriteBytes, SECTOR_BYTES);
  return accesses;
}

/** Bytes that an exchange with other ranks moves; those at memory pass L2. */
export function transferAccesses(transfer: Transfer): Access[] {
  const { linkReadBytes, linkWriteBytes, memoryReadBytes, memoryWriteBytes } = transfer;
  const moves = [
    [L2, READ, memoryReadBytes],
    [L2, WRITE, memoryWriteBytes],
    [OFF_CHIP, READ, memoryReadBytes],
    [OFF_CHIP, WRITE, memoryWriteBytes],
    [LINK, READ, linkReadBytes],
    [LINK, WRITE, linkWriteBytes],
  ] as const;
  return moves
    .filter(([, , bytes]) => bytes > 0)
    .map(([component, action, bytes]) => ({ component, action, count: Math.ceil(bytes / SECTOR_BYTES), bytes }));
}
