import { ALU, GLOBAL, type Instruction, MATH, NO_SLOT, ProgramBuilder, SHARED, type WarpProgram } from '../program.ts';

/** How the warps of a block compute a tile of a product: the shapes a library ships. */
export interface Tile {
  /** Rows and columns of the result that a block computes, and the depth of one main-loop step. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Warps along rows and columns. */
  readonly warpsM: number;
  readonly warpsN: number;
  /** Tiles of operands in shared memory, the one in use included; with 1, a tile is loaded when the one before has been used. */
  readonly stages: number;
}

/** What a machine's math instruction does, and how its operands come from shared memory. */
export interface MathInstruction {
  /** Elements of the product one issue group covers in a warp. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Instructions of one group, and cycles each occupies its pipe. */
  readonly steps: number;
  readonly occupiesCycles: number;
  readonly latencyCycles: number;
  /** How often a warp reads an element of the left and of the right operand from shared memory. */
  readonly leftReads: number;
  readonly rightReads: number;
  readonly operandBytes: number;
  /** Bytes of the left operand as it is stored for each byte of a dense one: below 1 where zeros are left out. */
  readonly leftStored: number;
  readonly accumulatorBytes: number;
}

/** Ends of a block that do not fall on those of tiles: it leaves the sums of one tile to another block and finishes others. */
export interface Cut {
  /** Tiles that the block finishes. */
  readonly tiles: number;
  /** Blocks whose sums, of `sumBytes` each, it adds to its own. */
  readonly others: number;
  readonly sumBytes: number;
}

export interface TileTiming {
  readonly math: MathInstruction;
  readonly sharedBytesPerCycle: number;
  readonly sharedLatencyCycles: number;
  readonly globalBytesPerCycle: number;
  readonly globalLatencyCycles: number;
  readonly resultBytesPerCycle: number;
  readonly barrierCycles: number;
  /** Copies go from global to shared memory without registers. */
  readonly asyncCopy: boolean;
  /** Address and predicate instructions per load of a warp. */
  readonly addressInstructions: number;
  /** Results are read before they are written (beta is not 0). */
  readonly readsResult: boolean;
  readonly resultBytes: number;
  /** Absent: a block computes one tile from beginning to end. */
  readonly cut?: Cut | undefined;
  readonly prologueInstructions: number;
}

/** Bytes one load or store instruction of a warp moves: 16 per thread. */
const WIDE_BYTES = 512;
export const ALU_LATENCY = 4;

/** Bytes of the operands of one main-loop step of a block, as they are stored. */
export function stageBytesOf(tile: Pick<Tile, 'm' | 'n' | 'k'>, math: MathInstruction): number {
  return (tile.m * math.leftStored + tile.n) * tile.k * math.operandBytes;
}

/** Bytes of the operands that a warp with so many rows and columns reads from shared memory for one step of its instructions. */
export function fragmentBytesOf(warpM: number, warpN: number, math: MathInstruction): number {
  return (warpM * math.leftReads * math.leftStored + warpN * math.rightReads) * math.k * math.operandBytes;
}

/** Cycles as a multiple of a quarter, so that states recur exactly. */
export function quarters(cycles: number): number {
  return Math.max(1, Math.round(4 * cycles) / 4);
}

/** Instructions of one warp of a block that computes one tile. */
export function tileProgram(tile: Tile, timing: TileTiming): WarpProgram {
  const { math } = timing;
  const warps = tile.warpsM * tile.warpsN;
  const [warpM, warpN] = [tile.m / tile.warpsM, tile.n / tile.warpsN];
  const groupsM = Math.ceil(warpM / math.m);
  const groupsN = Math.ceil(warpN / math.n);
  const steps = Math.max(1, Math.floor(tile.k / math.k));
  // Slots: two sets of fragments, staged loads, the last store to shared memory, a converted result, sums of each pair of groups.
  const FRAGMENTS = 1;
  const STAGED = 3;
  const STORED = 4;
  const CONVERTED = 5;
  const SUMS = 6;
  const groups = groupsM * groupsN;
  const slots = SUMS + groups;
  const stageBytes = stageBytesOf(tile, math);
  const loads = Math.max(1, Math.round(stageBytes / warps / WIDE_BYTES));
  const loadCycles = quarters(stageBytes / warps / loads / timing.globalBytesPerCycle);
  const storeCycles = Math.max(1, Math.round(stageBytes / warps / loads / timing.sharedBytesPerCycle));
  const fragmentBytes = fragmentBytesOf(warpM, warpN, math);
  const fragmentLoads = Math.max(2, Math.round(fragmentBytes / WIDE_BYTES));
  const fragmentCycles = Math.max(1, Math.round(fragmentBytes / fragmentLoads / timing.sharedBytesPerCycle));

  const loadTile = (builder: ProgramBuilder): void => {
    for (let load = 0; load < loads; load++) {
      for (let count = 0; count < timing.addressInstructions; count++) builder.add(ALU, 2, ALU_LATENCY);
      if (timing.asyncCopy) builder.copy(loadCycles, timing.globalLatencyCycles);
      else builder.add(GLOBAL, loadCycles, timing.globalLatencyCycles, STAGED);
    }
    if (timing.asyncCopy) builder.commit();
  };
  const storeTile = (builder: ProgramBuilder): void => {
    if (timing.asyncCopy) builder.waitGroups(tile.stages - 2);
    else
      for (let load = 0; load < loads; load++)
        builder.add(SHARED, storeCycles, timing.sharedLatencyCycles, STORED, [STAGED]);
    builder.barrier(timing.barrierCycles, timing.asyncCopy ? 0 : STORED);
  };
  const loadFragments = (builder: ProgramBuilder, set: number): void => {
    for (let load = 0; load < fragmentLoads; load++)
      builder.add(SHARED, fragmentCycles, timing.sharedLatencyCycles, FRAGMENTS + set);
  };
  /** Products of one step, with `others` spread among them as a compiler does to hide their latency. */
  const multiply = (builder: ProgramBuilder, set: number, others: readonly Instruction[]): void => {
    let placed = 0;
    for (let group = 0; group < groups; group++) {
      for (; placed * groups < others.length * (group + 1); placed++) builder.push(others[placed]!);
      builder.repeat(math.steps, MATH, math.occupiesCycles, math.latencyCycles, SUMS + group, [
        FRAGMENTS + set,
        SUMS + group,
      ]);
    }
  };
  const collected = (fill: (builder: ProgramBuilder) => void): readonly Instruction[] => {
    const builder = new ProgramBuilder();
    fill(builder);
    return builder.instructions;
  };

  const prologue = new ProgramBuilder();
  for (let count = 0; count < timing.prologueInstructions; count++) prologue.add(ALU, 2, ALU_LATENCY);
  const ahead = timing.asyncCopy ? tile.stages - 1 : 1;
  for (let stage = 0; stage < ahead; stage++) loadTile(prologue);
  storeTile(prologue);
  loadFragments(prologue, 0);

  const body = new ProgramBuilder();
  for (let step = 0; step < steps; step++) {
    if (step === steps - 1) {
      if (tile.stages === 1) loadTile(body);
      storeTile(body);
    }
    const others = collected((builder) => {
      loadFragments(builder, (step + 1) % 2);
      if (step === 0 && tile.stages > 1) loadTile(builder);
    });
    multiply(body, step % 2, others);
  }

  const epilogue = new ProgramBuilder();
  const finish = (readBytes: number, writtenBytes: number): void => {
    const stores = Math.max(1, Math.ceil((warpM * warpN * writtenBytes) / WIDE_BYTES));
    const resultLoads = Math.ceil((warpM * warpN * readBytes) / WIDE_BYTES);
    const resultCycles = quarters(WIDE_BYTES / timing.resultBytesPerCycle);
    // Results change places between threads in shared memory, so that whole lines are stored.
    const exchangeCycles = Math.max(
      1,
      Math.round((warpM * warpN * math.accumulatorBytes) / stores / timing.sharedBytesPerCycle),
    );
    for (let load = 0; load < resultLoads; load++)
      epilogue.add(GLOBAL, resultCycles, timing.globalLatencyCycles, STAGED);
    for (let store = 0; store < stores; store++) {
      const firstGroup = Math.floor((store * groups) / stores);
      const groupsStored = Math.ceil(((store + 1) * groups) / stores) - firstGroup;
      const sums = Array.from({ length: groupsStored }, (_, group) => SUMS + firstGroup + group);
      epilogue.add(SHARED, exchangeCycles, timing.sharedLatencyCycles, STORED, sums);
      epilogue.add(SHARED, exchangeCycles, timing.sharedLatencyCycles, STORED, [STORED]);
      epilogue.add(ALU, 2, ALU_LATENCY, 0, [STORED, STAGED]);
      for (let count = 0; count < 2; count++) epilogue.add(ALU, 2, ALU_LATENCY);
      epilogue.add(ALU, 2, ALU_LATENCY, CONVERTED);
      epilogue.add(GLOBAL, resultCycles, 1, NO_SLOT, [CONVERTED]);
    }
  };
  const { cut, resultBytes } = timing;
  const readBytes = timing.readsResult ? resultBytes : 0;
  if (cut === undefined) finish(readBytes, resultBytes);
  else {
    finish(0, cut.sumBytes);
    for (let finished = 0; finished < cut.tiles; finished++) {
      for (const instruction of prologue.instructions) epilogue.push(instruction);
      finish(readBytes + (finished === 0 ? cut.others * cut.sumBytes : 0), resultBytes);
    }
  }
  return { prologue: prologue.instructions, body: body.instructions, epilogue: epilogue.instructions, slots };
}
