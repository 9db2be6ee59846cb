import type { Forwarding } from './forwarding.ts';
import type { FrontEnd } from './front-end.ts';
import { UNITS } from './instruction.ts';
import { portMask } from './program.ts';
import type { X86Spec } from './spec.ts';
import { steadyState } from './steady.ts';
import { FMA, LOAD, LOGIC, MOVE, MULTIPLY, SIMD, STORE_DATA, type Tables } from './tables.ts';

/** Micro-ops in flight are at most a few hundred; older ones are done. */
const RING = 1024;
const MASK = RING - 1;
const UNKNOWN = 0x7fffffff;
const PORTS = 10;
/** Cycles between two looks at the state: looking costs about as much as simulating a few. */
const LOOK_CYCLES = 24;

/** When each micro-op of the first iterations passed each stage: cycles, by dynamic number. */
export interface Recorded {
  /** By micro-op: the port it was bound to; eliminated ones have none. */
  readonly ports: number[];
  readonly issued: number[];
  readonly dispatched: number[];
  readonly done: number[];
  readonly retired: number[];
}

export interface Run {
  /** Cycle in which each iteration retired; those after a state recurred are extrapolated. */
  readonly retired: readonly number[];
  /** Iterations that were simulated. */
  readonly simulated: number;
  /** Micro-ops of the simulated iterations that each port executed. */
  readonly portUops: Float64Array;
  /** Iterations and cycles after which the state recurs; null if it was not seen to. */
  readonly period: { readonly iterations: number; readonly cycles: number } | null;
}

export interface RunOptions {
  readonly iterations: number;
  readonly maxCycles: number;
  /** Runs every iteration: slow, the same result. */
  readonly unfolded: boolean;
  /** Notes the stages of the first iterations if given. */
  readonly recorded: Recorded | null;
}

/**
 * Simulates a core cycle by cycle: retirement, dispatch (oldest ready micro-op of each port), rename and port binding, front
 * end. Ports are bound at rename by counts of waiting micro-ops, as Abel and Reineke (ICS 2022) found for Intel cores: of
 * the ports allowed, slots 0 and 2 take the one with the fewest, slots 1 and 3 the second unless it has three more;
 * ties go to the higher number; loads alternate.
 */
export function simulate(
  tables: Tables,
  frontEnd: FrontEnd,
  spec: X86Spec,
  forwarding: Forwarding | null,
  options: RunOptions,
): Run {
  const { backEnd, memory, renamer } = spec;
  const { kind, ports, latency, occupancy, domain, slotStart } = tables;
  const count = tables.uops;
  const loadPorts = portMask(backEnd.loadPorts);
  const hasOccupied = occupancy.some((cycles) => cycles > 1);

  const writer = new Int32Array(UNITS).fill(-1);
  const doneAt = new Int32Array(RING);
  const earliest = new Int32Array(RING);
  const pending = new Int32Array(RING);
  const portOf = new Int32Array(RING);
  const latencyOf = new Int32Array(RING);
  const placeOf = new Int32Array(RING);
  const misses = new Uint8Array(RING);
  const commitAt = new Int32Array(RING);
  // Who waits for a micro-op's result, and who for a store's write into the cache: linked lists of nodes.
  const resultList = new Int32Array(RING).fill(-1);
  const commitList = new Int32Array(RING).fill(-1);
  const nodeNext: number[] = [];
  const nodeUop: number[] = [];
  const nodeDelay: number[] = [];
  let freeNode = -1;

  const ready = Array.from({ length: PORTS }, () => new Int32Array(backEnd.scheduler + backEnd.memoryScheduler));
  const readyCount = new Int32Array(PORTS);
  const waiting = new Int32Array(PORTS);
  const busyUntil = new Int32Array(PORTS);
  const portUops = new Float64Array(PORTS);
  // Micro-ops of the iteration that is being retired.
  const tally = new Float64Array(PORTS);
  let loadTurn = 0;
  let delivered = 0;
  let issued = 0;
  let retiredSlots = 0;
  let inScheduler = 0;
  let inMemoryScheduler = 0;
  let loads = 0;
  let stores = 0;
  let issueSlot = 0;
  let issueBase = 0;
  let issueIteration = 0;
  let retireSlot = 0;
  let retireBase = 0;
  let lastCommit = 0;
  const commits: number[] = [];
  // Means that are not whole numbers of cycles are met by carrying what is left over.
  let forwardCarry = 0;
  let missCarry = 0;
  let blockedCycles = 0;
  const retired: number[] = [];
  const { recorded } = options;

  function wait(list: Int32Array, producer: number, uop: number, delay: number): void {
    let node = freeNode;
    if (node >= 0) freeNode = nodeNext[node]!;
    else node = nodeNext.length;
    nodeUop[node] = uop;
    nodeDelay[node] = delay;
    nodeNext[node] = list[producer & MASK]!;
    list[producer & MASK] = node;
    pending[uop & MASK]! += 1;
  }
  function enqueue(uop: number): void {
    const port = portOf[uop & MASK]!;
    ready[port]![readyCount[port]!] = uop;
    readyCount[port]! += 1;
  }
  function wake(list: Int32Array, producer: number, at: number): void {
    let node = list[producer & MASK]!;
    list[producer & MASK] = -1;
    while (node >= 0) {
      const uop = nodeUop[node]!;
      const time = at + nodeDelay[node]!;
      if (time > earliest[uop & MASK]!) earliest[uop & MASK] = time;
      pending[uop & MASK]! -= 1;
      if (pending[uop & MASK] === 0) enqueue(uop);
      const next = nodeNext[node]!;
      nodeNext[node] = freeNode;
      freeNode = node;
      node = next;
    }
  }
  /** Delay between execution units (Intel's optimisation manual, Skylake; floating-point logic measured). */
  function bypass(producer: number, uop: number): number {
    const fromPlace = placeOf[producer & MASK]!;
    const toPlace = placeOf[uop & MASK]!;
    const from = domain[fromPlace]!;
    const to = domain[toPlace]!;
    if (to === LOGIC && kind[fromPlace] === LOAD) return portOf[uop & MASK] === 5 ? 0 : 1;
    if (from === LOGIC && kind[toPlace] === STORE_DATA) return portOf[producer & MASK] === 5 ? 0 : 1;
    if (from === 0 || to === 0) return 0;
    if ((from === SIMD || from === LOGIC) && to === FMA) return 1;
    if (from === FMA && (to === SIMD || to === LOGIC)) return portOf[uop & MASK] === 5 ? 0 : 1;
    const crosses = tables.uses512 && portOf[producer & MASK] !== portOf[uop & MASK];
    return from === MULTIPLY && to === MULTIPLY && crosses ? 1 : 0;
  }
  function dependOn(producer: number, uop: number): void {
    if (producer < 0 || uop - producer >= RING - 64) return;
    const delay = bypass(producer, uop);
    const at = doneAt[producer & MASK]!;
    if (at === UNKNOWN) wait(resultList, producer, uop, delay);
    else if (at + delay > earliest[uop & MASK]!) earliest[uop & MASK] = at + delay;
  }

  /** A load that meets a store in flight: the store's data are forwarded, or the load waits for its write. */
  function meetStore(uop: number, place: number, cycle: number): void {
    const load = tables.loadNumber[place]!;
    if (forwarding === null || load < 0 || forwarding.stores === 0) return;
    const source = forwarding.sources[issueIteration * forwarding.loads + load]!;
    if (source < 0) return;
    const ago = source >> 1;
    const store = ago % forwarding.stores;
    const base = (issueIteration - Math.floor(ago / forwarding.stores)) * count;
    const data = base + tables.storeDataPlaces[store]!;
    const isRetired = data < retireBase + slotStart[retireSlot]!;
    if (uop - data >= RING - 64 || (isRetired && commitAt[data & MASK]! <= cycle)) return;
    dependOn(base + tables.storeAddressPlaces[store]!, uop);
    const isPartial = (source & 1) === 1;
    if (isPartial && !isRetired) wait(commitList, data, uop, 0);
    else if (isPartial) {
      const at = commitAt[data & MASK]! + memory.blockedLoadCycles;
      if (at > earliest[uop & MASK]!) earliest[uop & MASK] = at;
    } else {
      dependOn(data, uop);
      latencyOf[uop & MASK] = forwardLatency(place, Math.max(tables.storeBytes[store]!, tables.loadBytes[load]!));
    }
  }
  function forwardLatency(place: number, bytes: number): number {
    if (tables.isVector[place] === 1) return bytes > 16 ? memory.wideForwardCycles : memory.vectorForwardCycles;
    const whole = Math.floor(memory.forwardCycles);
    forwardCarry += Math.round(1000 * (memory.forwardCycles - whole));
    if (forwardCarry < 1000) return whole;
    forwardCarry -= 1000;
    return whole + 1;
  }
  function choosePort(mask: number, slot: number): number {
    if ((mask & (mask - 1)) === 0) return 31 - Math.clz32(mask);
    if (mask === loadPorts) {
      loadTurn = (loadTurn + 1) % backEnd.loadPorts.length;
      return backEnd.loadPorts[loadTurn]!;
    }
    let first = -1;
    let second = -1;
    for (let port = PORTS - 1; port >= 0; port -= 1) {
      if ((mask & (1 << port)) === 0) continue;
      if (first < 0 || snapshot[port]! < snapshot[first]!) {
        second = first;
        first = port;
      } else if (second < 0 || snapshot[port]! < snapshot[second]!) second = port;
    }
    return slot % 2 === 1 && snapshot[second]! - snapshot[first]! < 3 ? second : first;
  }
  const snapshot = new Int32Array(PORTS);

  function retire(cycle: number): void {
    for (let n = 0; n < backEnd.retireSlots && retiredSlots < issued; n += 1) {
      const from = retireBase + slotStart[retireSlot]!;
      const to = retireBase + slotStart[retireSlot + 1]!;
      for (let uop = from; uop < to; uop += 1) if (doneAt[uop & MASK]! > cycle) return;
      for (let uop = from; uop < to; uop += 1) {
        if (ports[uop - retireBase] !== 0) tally[portOf[uop & MASK]!]! += 1;
        if (recorded !== null) recorded.retired[uop] = cycle;
        if (kind[uop - retireBase] !== STORE_DATA) continue;
        lastCommit = Math.max(lastCommit, cycle) + 1;
        commits.push(lastCommit);
        commitAt[uop & MASK] = lastCommit;
        wake(commitList, uop, lastCommit + memory.blockedLoadCycles);
      }
      loads -= tables.slotLoads[retireSlot]!;
      retiredSlots += 1;
      retireSlot += 1;
      if (retireSlot < tables.slots) continue;
      retireSlot = 0;
      retireBase += count;
      retired.push(cycle);
      for (let port = 0; port < PORTS; port += 1) portUops[port]! += tally[port]!;
      tally.fill(0);
    }
  }
  function dispatch(cycle: number): void {
    for (let port = 0; port < PORTS; port += 1) {
      const queue = ready[port]!;
      const last = readyCount[port]! - 1;
      let oldest = UNKNOWN;
      let at = -1;
      for (let index = 0; index <= last; index += 1) {
        const uop = queue[index]!;
        if (uop >= oldest || earliest[uop & MASK]! > cycle) continue;
        if (hasOccupied && occupancy[placeOf[uop & MASK]!]! > 1 && busyUntil[port]! > cycle) continue;
        oldest = uop;
        at = index;
      }
      if (at < 0) continue;
      queue[at] = queue[last]!;
      readyCount[port] = last;
      const place = placeOf[oldest & MASK]!;
      if (occupancy[place]! > 1) busyUntil[port] = cycle + occupancy[place]!;
      waiting[port]! -= 1;
      if (kind[place]! >= LOAD && kind[place]! <= STORE_DATA) inMemoryScheduler -= 1;
      else inScheduler -= 1;
      if (misses[oldest & MASK] === 1) missCarry += Math.round(1000 * memory.pageMissCycles);
      const done = cycle + latencyOf[oldest & MASK]!;
      doneAt[oldest & MASK] = done;
      if (recorded !== null) {
        recorded.dispatched[oldest] = cycle;
        recorded.done[oldest] = done;
      }
      wake(resultList, oldest, done);
    }
    blockedCycles += Math.floor(missCarry / 1000);
    missCarry %= 1000;
  }
  function issueUop(uop: number, place: number, slot: number, cycle: number): void {
    const i = uop & MASK;
    placeOf[i] = place;
    if (recorded !== null) recorded.issued[uop] = cycle;
    if (ports[place] === 0) {
      // An eliminated move makes its destination another name of the source.
      const source = kind[place] === MOVE ? writer[tables.reads[place]![0]!]! : -1;
      for (const unit of tables.writes[place]!) writer[unit] = source;
      doneAt[i] = cycle + 1;
      if (recorded !== null) recorded.done[uop] = cycle + 1;
      return;
    }
    doneAt[i] = UNKNOWN;
    earliest[i] = cycle + backEnd.issueToDispatchCycles;
    pending[i] = 0;
    const port = choosePort(ports[place]!, slot);
    portOf[i] = port;
    if (recorded !== null) recorded.ports[uop] = port;
    waiting[port]! += 1;
    let takesPointer = tables.isPointerLoad[place] === 1;
    for (const unit of tables.reads[place]!) {
      const producer = writer[unit]!;
      if (takesPointer && (producer < 0 || kind[producer % count] !== LOAD)) takesPointer = false;
      dependOn(producer, uop);
    }
    latencyOf[i] = takesPointer ? memory.pointerLoadCycles : latency[place]!;
    if (kind[place] === LOAD) meetStore(uop, place, cycle);
    const access = tables.accessNumber[place]!;
    misses[i] = forwarding !== null && access >= 0 ? forwarding.misses[issueIteration * tables.accesses + access]! : 0;
    for (const other of tables.after[place]!) dependOn(issueBase + other, uop);
    for (const unit of tables.writes[place]!) writer[unit] = uop;
    if (pending[i] === 0) enqueue(uop);
  }
  function issue(cycle: number): void {
    snapshot.set(waiting);
    for (let n = 0; n < renamer.slots && issued < delivered; n += 1) {
      const compute = tables.slotCompute[issueSlot]!;
      const ofMemory = tables.slotMemory[issueSlot]!;
      if (
        issued - retiredSlots >= backEnd.reorderBuffer ||
        inScheduler + compute > backEnd.scheduler ||
        inMemoryScheduler + ofMemory > backEnd.memoryScheduler ||
        loads + tables.slotLoads[issueSlot]! > backEnd.loadBuffer ||
        stores + tables.slotStores[issueSlot]! > backEnd.storeBuffer
      )
        return;
      inScheduler += compute;
      inMemoryScheduler += ofMemory;
      loads += tables.slotLoads[issueSlot]!;
      stores += tables.slotStores[issueSlot]!;
      for (let place = slotStart[issueSlot]!; place < slotStart[issueSlot + 1]!; place += 1)
        issueUop(issueBase + place, place, n, cycle);
      issued += 1;
      issueSlot += 1;
      if (issueSlot < tables.slots) continue;
      issueSlot = 0;
      issueBase += count;
      issueIteration += 1;
    }
  }

  /** Everything that decides what happens from `cycle` on, relative to the cycle and to the iteration being retired. */
  function saveState(into: Int32Array, cycle: number): number {
    let at = 0;
    const put = (value: number): void => {
      into[at] = value;
      at += 1;
    };
    const since = (time: number): number => (time === UNKNOWN ? -1 : Math.max(0, time - cycle));
    for (const value of [issued - retiredSlots, delivered - issued, issueSlot, retireSlot, loadTurn, loads, stores])
      put(value);
    for (const value of [forwardCarry, missCarry, blockedCycles, since(lastCommit), issueBase - retireBase]) put(value);
    const first = retireBase + slotStart[retireSlot]!;
    const end = issueBase + slotStart[issueSlot]!;
    // Retired micro-ops still matter while stores wait for the cache or results for other units.
    for (let uop = Math.max(0, first - 64); uop < end; uop += 1) {
      const i = uop & MASK;
      put(since(doneAt[i]!));
      put(portOf[i]!);
      put(uop < first ? since(commitAt[i]!) : doneAt[i] === UNKNOWN ? pending[i]! : -2);
      if (doneAt[i] === UNKNOWN) put(since(earliest[i]!));
    }
    for (let unit = 0; unit < UNITS; unit += 1) {
      const producer = writer[unit]!;
      put(producer < 0 || end - producer > RING ? -1 : end - producer);
    }
    for (let port = 0; port < PORTS; port += 1) {
      put(waiting[port]!);
      put(since(busyUntil[port]!));
    }
    for (const commit of commits) put(commit - cycle);
    return frontEnd.save(into, at);
  }

  let looked = 0;
  const steady = steadyState();
  let period: Run['period'] = null;
  const periodicFrom = forwarding?.periodicFrom ?? 0;
  for (let cycle = 0; cycle < options.maxCycles && retired.length < options.iterations; cycle += 1) {
    const before = retired.length;
    retire(cycle);
    while (commits.length > 0 && commits[0]! <= cycle) {
      commits.shift();
      stores -= 1;
    }
    if (blockedCycles > 0) blockedCycles -= 1;
    else dispatch(cycle);
    issue(cycle);
    delivered += frontEnd.step(spec.frontEnd.microOpQueue - (delivered - issued));
    if (period !== null || retired.length === before || retired.length <= periodicFrom) continue;
    if (cycle - looked < LOOK_CYCLES) continue;
    looked = cycle;
    const iterations = steady.see((into) => saveState(into, cycle), retired.length);
    if (iterations === null) continue;
    const simulated = retired.length;
    period = { iterations, cycles: retired[simulated - 1]! - retired[simulated - 1 - iterations]! };
    if (options.unfolded) continue;
    while (retired.length < options.iterations) retired.push(retired[retired.length - iterations]! + period.cycles);
    return { retired, simulated, portUops, period };
  }
  // Several iterations may retire in the last cycle.
  return { retired: retired.slice(0, options.iterations), simulated: retired.length, portUops, period };
}
