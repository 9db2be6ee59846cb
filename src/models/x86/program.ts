import { breaksDependence, isMoveEliminated, isZeroIdiom } from './idioms.ts';
import { FLAG_CARRY, FLAG_OTHER, type Instruction, isVector, UNIT } from './instruction.ts';
import { type Domain, type Recipe, type RecipeTable, type RecipeUop, recipeOf } from './recipes.ts';
import type { X86Spec } from './spec.ts';

/** A micro-op of the unfused domain. */
export interface Uop {
  readonly kind: 'compute' | 'load' | 'store-address' | 'store-data' | 'none' | 'move';
  readonly instruction: number;
  /** Bit p: may run on port p. */
  readonly ports: number;
  readonly latencyCycles: number;
  readonly occupancyCycles: number;
  /** Registers it waits for. */
  readonly reads: readonly number[];
  /** Micro-ops of the same instruction it waits for: index in the program. */
  readonly after: readonly number[];
  readonly writes: readonly number[];
  readonly domain: Domain;
}

/** How an instruction passes the front end. */
export interface FrontEndFacts {
  readonly offset: number;
  readonly length: number;
  readonly opcodeOffset: number;
  /** Micro-ops of the fused domain before un-lamination: what decoders and micro-op cache count. */
  readonly fusedUops: number;
  readonly slots: number;
  readonly isMicrocoded: boolean;
  /** Only the first decoder takes it. */
  readonly isComplex: boolean;
  readonly hasLengthChangingPrefix: boolean;
  /** Entries of the micro-op cache it takes besides its micro-ops. */
  readonly extraCacheEntries: number;
  /** Two fused instructions: where the second starts. */
  readonly pairedAt: number | null;
}

/** One iteration of a block. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly uops: readonly Uop[];
  /** Issue slots in order: the micro-ops of each. */
  readonly slots: readonly (readonly number[])[];
  readonly frontEnd: readonly FrontEndFacts[];
  /** Forms that the table does not name. */
  readonly unknown: readonly string[];
}

/** A locked read-modify-write keeps the store path busy: 18 cycles each, measured on Cascade Lake. */
const LOCK_CYCLES = 18;
/** Operations on ah, bh, ch, dh wait for the parts of the register to be merged (measured on Cascade Lake). */
const HIGH_BYTE_CYCLES = 2;
const ALU_PORTS = 0b1100011;

export function portMask(ports: readonly number[]): number {
  return ports.reduce((mask, port) => mask | (1 << port), 0);
}

/** Haswell and later keep an indexed load fused only where the destination is also a source and the encoding is legacy. */
function isUnlaminated({ memory, operands, encoding }: Instruction): boolean {
  if (memory === null || memory.index === null || memory.writes) return false;
  if (encoding !== 'legacy') return true;
  return operands.length > 1 && operands[0]?.reads === false;
}

function usesStackPointer({ memory, reads }: Instruction): boolean {
  return memory?.base === UNIT.stackPointer || memory?.index === UNIT.stackPointer || reads.includes(UNIT.stackPointer);
}

/** Whether the stack engine still owes the stack pointer an offset when the block starts again. */
function endsWithMovedStack(instructions: readonly Instruction[]): boolean {
  const last = instructions.findLast(
    (one) => one.isStack || one.writes.includes(UNIT.stackPointer) || usesStackPointer(one),
  );
  return last?.isStack === true;
}

/** Registers that one micro-op of a recipe writes: all of them the last one, unless an earlier one has the registers. */
function outputsOf(uops: readonly RecipeUop[], place: number, { writes }: Instruction): readonly number[] {
  const isFlag = (unit: number): boolean => unit === FLAG_CARRY || unit === FLAG_OTHER;
  if (uops[place]!.hasRegisters) return writes.filter((unit) => !isFlag(unit));
  if (place < uops.length - 1) return [];
  return uops.some((uop) => uop.hasRegisters) ? writes.filter(isFlag) : writes;
}

/** Registers of the address that an instruction loads from or stores to. */
function addressOf({ memory, isStack, mnemonic }: Instruction): number[] {
  const units = [memory?.base ?? null, memory?.index ?? null].filter((unit) => unit !== null);
  if (mnemonic === 'leave') units.push(UNIT.framePointer);
  else if (isStack) units.push(UNIT.stackPointer);
  return units;
}

const CLOSED = { latencyCycles: 1, occupancyCycles: 1, after: [], writes: [], domain: 'other' } as const;

/** Micro-ops of one instruction and how they are grouped into issue slots; indices count from `first`. */
function lower(instruction: Instruction, index: number, recipe: Recipe, spec: X86Spec, first: number) {
  const { memory, operands, mnemonic } = instruction;
  const uops: Uop[] = [];
  const add = (uop: Omit<Uop, 'instruction'>): number => {
    uops.push({ ...uop, instruction: index });
    return first + uops.length - 1;
  };
  const isLea = mnemonic === 'lea';
  const address = addressOf(instruction);
  const reads = breaksDependence(instruction) ? [] : [...instruction.reads, ...(isLea ? address : [])];
  const hasLoad = !isLea && (memory?.reads === true || mnemonic === 'pop' || mnemonic === 'leave');
  const hasStore = !isLea && (memory?.writes === true || mnemonic === 'push');
  const isPureLoad = recipe.uops.length === 0 && !hasStore;
  const load = hasLoad
    ? add({
        ...CLOSED,
        kind: 'load',
        ports: portMask(spec.backEnd.loadPorts),
        reads: address,
        writes: isPureLoad ? instruction.writes : [],
      })
    : null;

  const computed: number[] = [];
  const mergeCycles = operands[0]?.high === true && operands[0].writes ? HIGH_BYTE_CYCLES : 0;
  recipe.uops.forEach((uop, place) => {
    const operand = typeof uop.operand === 'number' ? operands[uop.operand] : undefined;
    const named = operand?.unit ?? null;
    const own = uop.operand === 'all' ? reads : named === null ? [] : [named];
    const readsLoad = load !== null && (uop.operand === 'all' || operand?.kind === 'm');
    computed.push(
      add({
        kind: uop.ports === 0 ? 'none' : 'compute',
        domain: isVector(instruction) ? uop.domain : 'other',
        ports: uop.ports,
        latencyCycles: uop.latencyCycles + mergeCycles,
        occupancyCycles: uop.occupancyCycles,
        reads: own,
        after: [...(uop.waits ? computed : []), ...(readsLoad ? [load] : [])],
        writes: outputsOf(recipe.uops, place, instruction),
      }),
    );
  });

  const store: number[] = [];
  if (hasStore) {
    const { storeAddressPorts, indexedStoreAddressPorts, storeDataPorts } = spec.backEnd;
    const addressPorts = memory?.index === null || memory === null ? storeAddressPorts : indexedStoreAddressPorts;
    const source = computed.at(-1) ?? load;
    store.push(
      add({ ...CLOSED, kind: 'store-address', ports: portMask(addressPorts), reads: address }),
      add({
        ...CLOSED,
        kind: 'store-data',
        ports: portMask(storeDataPorts),
        occupancyCycles: instruction.isLocked ? LOCK_CYCLES : 1,
        reads: source === null ? reads : [],
        after: source === null ? [] : [source],
      }),
    );
  }

  // A load joins the first operation, the halves of a store join each other; rip-relative ones not beside an immediate.
  const canFuse = spec.renamer.microFusion && !(memory?.isRip === true && operands.some(({ kind }) => kind === 'i'));
  const joins = load !== null && computed.length > 0 && canFuse && !recipe.keepsLoadApart;
  const apart = (ones: readonly number[]): number[][] => ones.map((one) => [one]);
  const stored = canFuse && store.length > 0 ? [store] : apart(store);
  const loaded = load === null ? [] : [load];
  const fused = joins ? [[load, computed[0]!], ...apart(computed.slice(1))] : apart([...loaded, ...computed]);
  const unlaminated = spec.renamer.unlamination && joins && isUnlaminated(instruction);
  const groups = [...(unlaminated ? apart([load, ...computed]) : fused), ...stored];
  if (groups.length === 0)
    groups.push([add({ ...CLOSED, kind: 'none', ports: 0, reads: [], writes: instruction.writes })]);
  return { uops, groups, fusedUops: Math.max(1, fused.length + stored.length) };
}

/** Micro-ops of one iteration of a block on a core. */
export function buildProgram(instructions: readonly Instruction[], table: RecipeTable, spec: X86Spec): Program {
  const uops: Uop[] = [];
  const slots: (readonly number[])[] = [];
  const frontEnd: FrontEndFacts[] = [];
  const unknown: string[] = [];
  let stackMoved = endsWithMovedStack(instructions);

  const push = (uop: Omit<Uop, 'instruction'>, instruction: number): void => {
    slots.push([uops.length]);
    uops.push({ ...uop, instruction });
  };
  instructions.forEach((instruction, index) => {
    const recipe = recipeOf(table, instruction);
    if (recipe.isUnknown) unknown.push(instruction.form);
    const before = slots.length;
    if (!instruction.isStack && stackMoved && usesStackPointer(instruction)) {
      const pointer = [UNIT.stackPointer];
      push(
        {
          ...CLOSED,
          kind: 'compute',
          ports: ALU_PORTS & portMask(spec.backEnd.ports),
          reads: pointer,
          writes: pointer,
        },
        index,
      );
    }
    if (instruction.isStack) stackMoved = true;
    else if (usesStackPointer(instruction) || instruction.writes.includes(UNIT.stackPointer)) stackMoved = false;

    const isZero = spec.renamer.zeroIdioms && isZeroIdiom(instruction);
    const isMove = spec.renamer.moveElimination && isMoveEliminated(instruction);
    const { reads, writes } = instruction;
    let fusedUops = 1;
    if (isZero || isMove)
      push({ ...CLOSED, kind: isZero ? 'none' : 'move', ports: 0, reads: isZero ? [] : reads, writes }, index);
    else if (instruction.mnemonic === 'vzeroupper') {
      fusedUops = 4;
      for (let slot = 0; slot < fusedUops; slot += 1) push({ ...CLOSED, kind: 'none', ports: 0, reads: [] }, index);
    } else {
      const lowered = lower(instruction, index, recipe, spec, uops.length);
      uops.push(...lowered.uops);
      slots.push(...lowered.groups);
      fusedUops = lowered.fusedUops;
    }
    frontEnd.push({
      offset: instruction.offset,
      length: instruction.length,
      opcodeOffset: instruction.opcodeOffset,
      fusedUops,
      slots: slots.length - before,
      isMicrocoded: recipe.isMicrocoded || fusedUops > 4,
      isComplex: fusedUops > 1 || recipe.isMicrocoded || recipe.isComplex,
      hasLengthChangingPrefix: instruction.hasLengthChangingPrefix,
      extraCacheEntries: instruction.hasWideImmediate ? 1 : 0,
      pairedAt: null,
    });
  });
  return { instructions, uops, slots, frontEnd, unknown };
}

/** Register that counts iterations where a block is measured as a loop: r15. */
const COUNTER = 15;

/** The block with the `dec r15; jnz` that closes a measured loop: one micro-op unless a cache line parts the two. */
export function closeLoop(program: Program, blockBytes: number, spec: X86Spec): Program {
  const instruction = program.instructions.length;
  const uops = [...program.uops];
  const slots = [...program.slots];
  const frontEnd = [...program.frontEnd];
  const add = (ports: number, reads: number[], writes: number[], code: [number, number, number | null]): void => {
    const [offset, length, pairedAt] = code;
    slots.push([uops.length]);
    uops.push({ ...CLOSED, kind: 'compute', instruction, ports, reads, writes });
    frontEnd.push({
      offset,
      length,
      opcodeOffset: pairedAt ?? 1,
      fusedUops: 1,
      slots: 1,
      isMicrocoded: false,
      isComplex: false,
      hasLengthChangingPrefix: false,
      extraCacheEntries: 0,
      pairedAt,
    });
  };
  const jumpBytes = blockBytes + 5 <= 128 ? 2 : 6;
  const branch = 1 << spec.backEnd.branchPort;
  if ((blockBytes + 3) % 64 === 0) {
    add(ALU_PORTS & portMask(spec.backEnd.ports), [COUNTER], [COUNTER, FLAG_OTHER], [blockBytes, 3, null]);
    add(branch, [FLAG_OTHER], [], [blockBytes + 3, jumpBytes, null]);
  } else add(branch, [COUNTER], [COUNTER, FLAG_OTHER], [blockBytes, 3 + jumpBytes, 3]);
  return { ...program, uops, slots, frontEnd };
}
