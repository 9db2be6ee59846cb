import { breaksDependence, isMoveEliminated, isZeroIdiom } from './idioms.ts';
import { FLAG_CARRY, FLAG_OTHER, type Instruction, isVector, UNIT } from './instruction.ts';
import { type Domain, type Recipe, type RecipeTable, type RecipeUop, recipeOf } from './recipes.ts';
import type { X86Spec } from './spec.ts';

/** A micro-op of the unfused domain. */
export interface Uop {
  readonly kind: 'compute' | 'load' | 'store-address' | 'store-data' | 'none' | 'move';
  /** Bit p: may run on port p. */
  readonly ports: number;
  readonly latencyCycles: number;
  readonly occupancyCycles: number;
  /** Registers it waits for. */
  readonly reads: readonly number[];
  /** Micro-ops of the same instruction it waits for: number within the instruction. */
  readonly after: readonly number[];
  readonly writes: readonly number[];
  readonly domain: Domain;
  readonly isVector: boolean;
  /** A load that takes its base from another load early. */
  readonly isPointerLoad: boolean;
  /** Bytes that the memory access of its instruction moves. */
  readonly sizeBytes: number;
}

/** What a core makes of an instruction, wherever it stands. */
export interface Lowered {
  /** In order of issue. */
  readonly uops: readonly Uop[];
  /** Micro-ops of each issue slot. */
  readonly slotUops: readonly number[];
  /** Un-lamination has parted its first two slots, which are renamed in the same cycle. */
  readonly isParted: boolean;
  /** Micro-ops of the fused domain before un-lamination. */
  readonly fusedUops: number;
  readonly isMicrocoded: boolean;
  /** Only the first decoder takes it. */
  readonly isComplex: boolean;
  /** No table names it. */
  readonly isUnknown: boolean;
  /** Reads or writes the stack pointer other than by pushing and popping. */
  readonly readsPointer: boolean;
  readonly writesPointer: boolean;
}

/** A locked read-modify-write keeps the store path busy: 18 cycles each, measured on Cascade Lake. */
const LOCK_CYCLES = 18;
/** Operations on ah, bh, ch, dh wait for the parts of the register to be merged (measured on Cascade Lake). */
const HIGH_BYTE_CYCLES = 2;
export function portMask(ports: readonly number[]): number {
  return ports.reduce((mask, port) => mask | (1 << port), 0);
}

/**
 * Haswell and later keep an indexed load fused only where the destination is also a source and the encoding is legacy; Ivy
 * Bridge keeps none.
 */
function isUnlaminated({ memory, operands, encoding }: Instruction, { renamer }: X86Spec): boolean {
  if (memory === null || memory.index === null) return false;
  if (!renamer.keepsIndexedFused) return true;
  if (memory.writes) return false;
  if (encoding !== 'legacy') return true;
  return operands.length > 1 && operands[0]?.reads === false;
}

const isFlag = (unit: number): boolean => unit === FLAG_CARRY || unit === FLAG_OTHER;

/** Registers that one micro-op of a recipe writes: all of them the last one, unless an earlier one has the registers. */
function outputsOf(uops: readonly RecipeUop[], place: number, { writes }: Instruction): readonly number[] {
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

export const CLOSED = {
  latencyCycles: 1,
  occupancyCycles: 1,
  after: [],
  writes: [],
  domain: 'other',
  isVector: false,
  isPointerLoad: false,
  sizeBytes: 0,
} as const;

function loadCycles({ operands, sizeBytes }: Instruction, { memory }: X86Spec): number {
  const { loadCycles: general, vectorLoadCycles } = memory;
  if (!operands.some(({ kind }) => kind === 'x' || kind === 'y' || kind === 'z')) return general;
  if (sizeBytes <= 8) return vectorLoadCycles.bits64;
  return sizeBytes === 16 ? vectorLoadCycles.bits128 : vectorLoadCycles.wider;
}

function isPointerLoad({ memory }: Instruction): boolean {
  if (memory === null || memory.base === null || memory.index !== null) return false;
  return memory.high === 0 && memory.low >= 0 && memory.low < 2048;
}

interface Parts {
  readonly uops: readonly Uop[];
  readonly slotUops: readonly number[];
  readonly isParted: boolean;
  readonly fusedUops: number;
}

/** One micro-op that is not executed. */
const passive = (kind: 'none' | 'move', reads: readonly number[], writes: readonly number[]): Uop => ({
  ...CLOSED,
  kind,
  ports: 0,
  reads,
  writes,
});

/** Micro-ops of an instruction that is executed, and how they are grouped into issue slots. */
function execute(instruction: Instruction, recipe: Recipe, spec: X86Spec): Parts {
  const { memory, operands, mnemonic, sizeBytes } = instruction;
  const uops: Uop[] = [];
  const add = (uop: Uop): number => uops.push(uop) - 1;
  const access = { ...CLOSED, isVector: isVector(instruction), sizeBytes };
  const isLea = mnemonic === 'lea';
  const address = addressOf(instruction);
  const reads = breaksDependence(instruction) ? [] : [...instruction.reads, ...(isLea ? address : [])];
  const hasLoad = !isLea && (memory?.reads === true || mnemonic === 'pop' || mnemonic === 'leave');
  const hasStore = !isLea && (memory?.writes === true || mnemonic === 'push');
  const isPureLoad = recipe.uops.length === 0 && !hasStore;
  const load = hasLoad
    ? add({
        ...access,
        kind: 'load',
        ports: portMask(spec.backEnd.loadPorts),
        latencyCycles: loadCycles(instruction, spec),
        isPointerLoad: isPointerLoad(instruction),
        reads: address,
        writes: isPureLoad ? instruction.writes : [],
      })
    : null;

  const computed: number[] = [];
  const mergeCycles = operands[0]?.high === true && operands[0].writes ? HIGH_BYTE_CYCLES : 0;
  recipe.uops.forEach((uop, place) => {
    const operand = typeof uop.operand === 'number' ? operands[uop.operand] : undefined;
    const named = operand?.unit ?? null;
    const own =
      uop.operand === 'all' ? reads : uop.operand === 'flags' ? reads.filter(isFlag) : named === null ? [] : [named];
    const readsLoad = load !== null && (uop.operand === 'all' || operand?.kind === 'm');
    computed.push(
      add({
        ...access,
        kind: uop.ports === 0 ? 'none' : 'compute',
        domain: access.isVector ? uop.domain : 'other',
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
      add({ ...access, kind: 'store-address', ports: portMask(addressPorts), reads: address }),
      add({
        ...access,
        kind: 'store-data',
        ports: portMask(storeDataPorts),
        occupancyCycles: instruction.isLocked ? LOCK_CYCLES : 1,
        reads: source === null ? reads : [],
        after: source === null ? [] : [source],
      }),
    );
  }

  // A load joins the first operation, the halves of a store join each other; not beside an immediate where the address is
  // rip-relative (Intel's optimisation manual) or, of loads, has an index (loops of vinsertf128, decoding of test: measured).
  const hasImmediate = operands.some(({ kind }) => kind === 'i');
  const isIndexedLoad = memory !== null && memory.index !== null && !memory.writes;
  const canFuse = spec.renamer.microFusion && !(hasImmediate && (memory?.isRip === true || isIndexedLoad));
  const joins = load !== null && computed.length > 0 && canFuse && !recipe.keepsLoadApart;
  const apart = (ones: readonly number[]): number[] => ones.map(() => 1);
  const stored = canFuse && !recipe.keepsLoadApart && store.length > 0 ? [store.length] : apart(store);
  const isApart = spec.renamer.unlamination && isUnlaminated(instruction, spec);
  const loaded = load === null ? computed : [load, ...computed];
  const fused = joins ? [2, ...apart(computed.slice(1))] : apart(loaded);
  const slotUops = [
    ...(joins && isApart ? apart(loaded) : fused),
    ...(isApart && memory?.writes === true ? apart(store) : stored),
  ];
  if (slotUops.length === 0) slotUops.push(add(passive('none', [], instruction.writes)) + 1);
  return { uops, slotUops, isParted: joins && isApart, fusedUops: Math.max(1, fused.length + stored.length) };
}

/** Micro-ops that `vzeroupper` takes, none of them executed. */
const ZERO_UPPER_UOPS = 4;

function partsOf(instruction: Instruction, recipe: Recipe, spec: X86Spec): Parts {
  const { moveElimination, generalMoveElimination, zeroIdioms } = spec.renamer;
  const { reads, writes, mnemonic } = instruction;
  const one = { slotUops: [1], isParted: false, fusedUops: 1 };
  if (zeroIdioms && isZeroIdiom(instruction)) return { ...one, uops: [passive('none', [], writes)] };
  const mayMove = moveElimination && (isVector(instruction) || generalMoveElimination);
  if (mayMove && isMoveEliminated(instruction)) return { ...one, uops: [passive('move', reads, writes)] };
  if (mnemonic !== 'vzeroupper') return execute(instruction, recipe, spec);
  const none = passive('none', [], []);
  return {
    uops: new Array<Uop>(ZERO_UPPER_UOPS).fill(none),
    slotUops: new Array<number>(ZERO_UPPER_UOPS).fill(1),
    isParted: false,
    fusedUops: ZERO_UPPER_UOPS,
  };
}

/** Microcode makes more micro-ops than the first decoder does. */
const DECODED_UOPS = 4;

function lower(instruction: Instruction, table: RecipeTable, spec: X86Spec): Lowered {
  const recipe = recipeOf(table, instruction);
  const parts = partsOf(instruction, recipe, spec);
  const { memory, reads, writes } = instruction;
  return {
    ...parts,
    isMicrocoded: recipe.isMicrocoded || parts.fusedUops > DECODED_UOPS,
    isComplex: parts.fusedUops > 1 || recipe.isMicrocoded || recipe.isComplex,
    isUnknown: recipe.isUnknown,
    readsPointer: [memory?.base, memory?.index, ...reads].includes(UNIT.stackPointer),
    writesPointer: writes.includes(UNIT.stackPointer),
  };
}

/** By core, what has been made of instructions that are still known. */
const lowered = new WeakMap<X86Spec, WeakMap<Instruction, Lowered>>();

/** What a core makes of an instruction. */
export function loweredBy(spec: X86Spec, table: RecipeTable): (instruction: Instruction) => Lowered {
  const known = lowered.get(spec) ?? new WeakMap<Instruction, Lowered>();
  lowered.set(spec, known);
  return (instruction) => {
    let one = known.get(instruction);
    if (one === undefined) {
      one = lower(instruction, table, spec);
      known.set(instruction, one);
    }
    return one;
  };
}
