import { z } from 'zod';
import { systemSpec } from './system.ts';

/** Upper limits keep an absurd file from hanging or exhausting the machine that runs the simulator. */
const count = (max: number) => z.number().int().min(1).max(max);
const cycles = z.number().int().min(0).max(1000);
const port = z.number().int().min(0).max(9);
const tableName = z.string().regex(/^[a-z][a-z0-9-]*$/);

/** `kind` of machine files. */
export const X86_KIND = 'x86';

/** An x86 out-of-order core, and with `system` the machine around it. */
export const x86Spec = z.strictObject({
  clockMHz: z.number().gt(0).max(1e5),
  /** Micro-op tables in arch/x86/, the newest first: the first row that fits an instruction holds. */
  uopTables: z.array(tableName).min(1).max(8),
  frontEnd: z.strictObject({
    /** false: the queue before the renamer is always full, the upper bound that simpler models assume. */
    isModelled: z.boolean(),
    predecodeInstructions: count(16),
    /** Cycles the predecoder loses to a prefix that changes the length of an instruction. */
    lengthChangingPrefixCycles: cycles,
    instructionQueue: count(1024),
    decoders: count(16),
    /** Micro-ops that all decoders together make in a cycle. */
    decodeUops: count(32),
    /** Cycles lost on the way to the micro-sequencer and back. */
    sequencerSwitchCycles: cycles,
    /** Micro-ops the queue before the renamer holds. */
    microOpQueue: count(1024),
    /** Whether the queue gives loops that fit again and again: one iteration after the other, or as if they were unrolled. */
    loopStream: z.enum(['off', 'whole', 'unrolled']),
    /** Micro-ops the micro-op cache delivers in a cycle, and holds in a line. */
    cacheUops: count(32),
    cacheLineUops: count(32),
    cacheLinesPerWindow: count(16),
    /** Lines of the micro-op cache. */
    cacheLines: count(65536),
    /** If one 32-byte window does not fit the cache, the rest of so many bytes stays out too. */
    cacheRefusalBytes: z.union([z.literal(32), z.literal(64)]),
    /** Microcode keeps lines with a jump across or at the end of 32 bytes out of the cache (erratum SKX102). */
    jumpErratum: z.boolean(),
    toDecodersCycles: cycles,
    toCacheCycles: cycles,
  }),
  renamer: z.strictObject({
    slots: count(16),
    zeroIdioms: z.boolean(),
    moveElimination: z.boolean(),
    /** Moves between general registers too; off where microcode disables them. */
    generalMoveElimination: z.boolean(),
    microFusion: z.boolean(),
    /** The `dec; jnz` that closes a loop is one micro-op. */
    macroFusion: z.boolean(),
    /** Indexed loads of instructions that only write their destination, and of all VEX ones, are issued apart. */
    unlamination: z.boolean(),
    /** Micro-fused accesses with an index register that are not issued apart: loads that update a register, and stores. */
    keepsIndexedFused: z.boolean(),
  }),
  backEnd: z.strictObject({
    /** Ports there are; recipes for ports that are missing use the others. */
    ports: z.array(port).min(1).max(10),
    loadPorts: z.array(port).min(1).max(4),
    storeAddressPorts: z.array(port).min(1).max(4),
    /** Ports for the addresses of stores with an index register. */
    indexedStoreAddressPorts: z.array(port).min(1).max(4),
    storeDataPorts: z.array(port).min(1).max(4),
    branchPort: port,
    /** Ports are bound by counts of waiting micro-ops; false: in turn, whatever waits there. */
    bindsByCount: z.boolean(),
    /** Issue slots of one or two micro-ops; more would not fit the simulation's ring of micro-ops in flight. */
    reorderBuffer: count(480),
    /** Entries for arithmetic, and for loads and stores. */
    scheduler: count(4096),
    /** Of those for arithmetic, the entries of all ports but that of branches: ports 0, 1 and 5, which execute vectors. */
    vectorScheduler: count(4096),
    memoryScheduler: count(4096),
    loadBuffer: count(4096),
    storeBuffer: count(4096),
    retireSlots: count(32),
    issueToDispatchCycles: cycles,
    /** Port 1 closes for vector micro-ops while 512-bit ones are about. */
    fusesPortsFor512: z.boolean(),
  }),
  memory: z.strictObject({
    loadCycles: cycles,
    /** Loads whose base is the result of another load, without index, with a displacement from 0 to 2047. */
    pointerLoadCycles: cycles,
    /** Loads into vector registers by width: up to 64 bits, 128, wider. */
    vectorLoadCycles: z.strictObject({ bits64: cycles, bits128: cycles, wider: cycles }),
    /** From the data of a store to a load of it: general registers (a mean, hence not whole), vectors, over 128 bits. */
    forwardCycles: z.number().min(0).max(100),
    vectorForwardCycles: cycles,
    wideForwardCycles: cycles,
    /** From the write of a store into the cache to a load that it could not be forwarded to. */
    blockedLoadCycles: cycles,
    /** From the address of a store to loads that wait for the addresses of older stores since they once ran ahead. */
    cautiousLoadCycles: cycles,
    /** Cycles in which no memory micro-op is dispatched for each access that misses the first-level TLB; a mean. */
    pageMissCycles: z.number().min(0).max(100),
    forwarding: z.boolean(),
  }),
  /** Absent: the core runs basic blocks only. */
  system: systemSpec.optional(),
});

export type X86Spec = z.infer<typeof x86Spec>;
