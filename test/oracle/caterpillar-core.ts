import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { createRounder } from '../../src/numerics/formats/round-number.ts';
import { NEAREST_EVEN } from '../../src/numerics/formats/rounding.ts';
import { sumRoundedToOdd } from '../../src/numerics/formats/exact-sum.ts';
import type {
  Address,
  Operand,
  Program,
  Result,
  Step,
  Stream,
  Word,
} from '../../src/models/caterpillar/micro/program.ts';

/**
 * A core PE by PE, bus by bus, cycle by cycle, with values: reads in the cycle of a word, the lane's bus in the next, then the pipelined
 * multiply-add; a store, a send to a neighbour or the output register when its result is there. It refuses what hardware cannot do: two
 * accesses of memory A in a cycle, three of memory B, a store of a result that is not there, a result that overwrites one not drained.
 */
export interface Hardware {
  readonly size: number;
  readonly fmacLatencyCycles: number;
  readonly readoutCycles: number;
  /** Words that one access of memory A reads or writes. */
  readonly lineWords: number;
  readonly rate: number;
}

export interface Contents {
  /** By PE (row x size + column), then address. */
  readonly memoryA: number[][];
  readonly memoryB: number[][];
  /** Words on each bus that crosses the lanes, in the order they come; of `initial`, what comes after those is what has left. */
  readonly streams: Readonly<Record<'a' | 'b' | 'initial', readonly (readonly number[])[]>>;
  /** After so many words, the pointers of streams a and b begin again. */
  readonly wrapA: number;
  readonly wrapB: number;
}

export interface Outcome {
  readonly cycles: number;
  /** By lane: what the last position sent to the port. */
  readonly sent: number[][];
  /** By bus: words of the result stream. */
  readonly drained: number[][];
  readonly streamWords: Record<Stream, number>;
  readonly accesses: { fmacs: number; readsA: number; writesA: number; readsB: number; writesB: number };
}

const round = createRounder(FLOAT_FORMATS.fp16, NEAREST_EVEN);
const fma = (left: number, right: number, addend: number): number => round(sumRoundedToOdd(addend, left * right));

interface Pe {
  readonly lane: number;
  readonly position: number;
  readonly a: number[];
  readonly b: number[];
  accumulator: number;
  initial: number;
  latch: number;
  /** Line that the latch was last filled from, and the one that results are collected for, with the cycle of the last. */
  lineIn: number | null;
  lineOut: { readonly line: number; readonly cycle: number } | null;
  /** From the position before. */
  link: number;
  output: number;
  /** Cycle from which the output register may be drained; null: it has been, or nothing came. */
  outputFrom: number | null;
  /** Cycles in which memory A is used whatever else happens, and [first, last] of those that may be served in any free cycle. */
  readonly busyA: Set<number>;
  readonly turns: [number, number][];
  readonly busyB: Map<number, number>;
}

interface Issued {
  readonly word: Word;
  readonly indices: readonly number[];
  readonly cycle: number;
}

function* issue(steps: readonly Step[], indices: readonly number[], clock: { cycle: number }): Generator<Issued> {
  for (const step of steps) {
    if (step.kind === 'wait') clock.cycle += step.cycles;
    else if (step.kind === 'word') yield { word: step, indices, cycle: clock.cycle++ };
    else for (let index = 0; index < step.times; index++) yield* issue(step.body, [...indices, index], clock);
  }
}

function resolve({ offset, strides, modulus }: Address, indices: readonly number[]): number {
  const sum = strides.reduce((total, stride, depth) => total + stride * (indices[depth] ?? 0), offset);
  return modulus === undefined ? sum : sum % modulus;
}

export function runOracle(program: Program, hardware: Hardware, contents: Contents): Outcome {
  const { size, fmacLatencyCycles, readoutCycles, lineWords } = hardware;
  const pes: Pe[] = [];
  for (let lane = 0; lane < size; lane++)
    for (let position = 0; position < size; position++) {
      const index = program.transposed ? position * size + lane : lane * size + position;
      pes.push({
        lane,
        position,
        a: contents.memoryA[index]!,
        b: contents.memoryB[index]!,
        accumulator: 0,
        initial: 0,
        latch: 0,
        lineIn: null,
        lineOut: null,
        link: 0,
        output: 0,
        outputFrom: null,
        busyA: new Set(),
        turns: [],
        busyB: new Map(),
      });
    }
  const at = (lane: number, position: number): Pe => pes[lane * size + position]!;
  const sent: number[][] = Array.from({ length: size }, () => []);
  const drained: number[][] = Array.from({ length: size }, () => []);
  const streamWords: Record<Stream, number> = { a: 0, b: 0, initial: 0, result: 0 };
  const accesses = { fmacs: 0, readsA: 0, writesA: 0, readsB: 0, writesB: 0 };
  let cycles = 0;

  const useA = (pe: Pe, cycle: number): void => {
    if (pe.busyA.has(cycle)) throw new Error(`memory A of PE ${pe.lane},${pe.position} twice in cycle ${cycle}`);
    pe.busyA.add(cycle);
  };
  const useB = (pe: Pe, cycle: number): void => {
    const uses = (pe.busyB.get(cycle) ?? 0) + 1;
    if (uses > 2) throw new Error(`memory B of PE ${pe.lane},${pe.position} three times in cycle ${cycle}`);
    pe.busyB.set(cycle, uses);
  };

  /** A line is written when the last of its words is there, in any cycle until the next line is complete. */
  const writeLine = ({ lineOut, turns }: Pe): void => {
    if (lineOut !== null) turns.push([lineOut.cycle, lineOut.cycle + lineWords - 1]);
  };
  const collect = (pe: Pe, line: number, cycle: number): void => {
    if (pe.lineOut?.line !== line) writeLine(pe);
    pe.lineOut = { line, cycle };
  };

  /** What happens when: reads come before what changes registers and memories in the same cycle. */
  const agenda = new Map<number, { early: (() => void)[]; late: (() => void)[] }>();
  const plan = (cycle: number, when: 'early' | 'late', what: () => void): void => {
    const entry = agenda.get(cycle) ?? { early: [], late: [] };
    entry[when].push(what);
    agenda.set(cycle, entry);
    cycles = Math.max(cycles, cycle + 1);
  };

  const fetch = (pe: Pe, operand: Operand, indices: readonly number[], cycle: number): (() => number) => {
    switch (operand.from) {
      case 'memoryA': {
        useA(pe, cycle);
        accesses.readsA++;
        const value = pe.a[resolve(operand.address, indices)]!;
        pe.latch = value;
        return () => value;
      }
      case 'memoryB': {
        useB(pe, cycle);
        accesses.readsB++;
        const value = pe.b[resolve(operand.address, indices)]!;
        return () => value;
      }
      case 'bus': {
        if (program.skewCycles > 0) throw new Error('a bus reaches all PEs of a lane in one cycle');
        const step = resolve(operand.step, indices);
        const source = at(pe.lane, step % size);
        const value = source.a[resolve(operand.address, indices) + Math.floor(step / size) * operand.stride]!;
        if (source === pe) {
          source.turns.push([cycle - size + 1, cycle]);
          accesses.readsA++;
        }
        return () => value;
      }
      // Taken when the multiply-add starts.
      case 'link':
        if (pe.position === 0 && streamWords.initial < program.streamWords.initial * size) {
          const sums = contents.streams.initial[pe.lane]!;
          const value = sums[Math.floor(streamWords.initial++ / size)]!;
          return () => value;
        }
        return () => pe.link;
      case 'constant':
        return () => (operand.name === 'one' ? 1 : hardware.rate);
    }
  };

  const deliver = (pe: Pe, result: Result, value: number, indices: readonly number[], issued: number): void => {
    const ready = issued + 2 + fmacLatencyCycles;
    switch (result.to) {
      case 'accumulator':
        pe.accumulator = value;
        return;
      case 'output':
        plan(ready + readoutCycles - 1, 'late', () => {
          if (pe.outputFrom !== null) throw new Error(`result of PE ${pe.lane},${pe.position} overwritten`);
          pe.output = value;
          pe.outputFrom = ready + readoutCycles;
        });
        return;
      case 'link':
        if (pe.position === size - 1) plan(ready + readoutCycles, 'late', () => sent[pe.lane]!.push(value));
        // Over the link in the cycle after the result, there at the end of it.
        else plan(ready, 'late', () => (at(pe.lane, pe.position + 1).link = value));
        return;
      case 'line':
      case 'memoryA':
      case 'memoryB': {
        const cycle = issued + result.delayCycles;
        if (cycle < ready) throw new Error('a result is stored before it is there');
        const address = resolve(result.address, indices);
        const isA = result.to !== 'memoryB';
        if (isA) accesses.writesA++;
        else accesses.writesB++;
        plan(cycle, 'late', () => {
          if (result.to === 'line') collect(pe, Math.floor(address / lineWords), cycle);
          else if (isA) useA(pe, cycle);
          else useB(pe, cycle);
          (isA ? pe.a : pe.b)[address] = value;
        });
        return;
      }
    }
  };

  const execute = (pe: Pe, { word, indices }: Issued, cycle: number): void => {
    if (word.latch !== undefined) {
      const address = resolve(word.latch, indices);
      const line = Math.floor(address / lineWords);
      if (line !== pe.lineIn) useA(pe, cycle);
      pe.lineIn = line;
      accesses.readsA++;
      pe.latch = pe.a[address]!;
    }
    if (word.initial !== undefined) {
      useA(pe, cycle);
      accesses.readsA++;
      pe.initial = pe.a[resolve(word.initial, indices)]!;
    }
    const { fmac } = word;
    if (fmac === undefined) return;
    accesses.fmacs++;
    const { latch, initial } = pe;
    const left = fetch(pe, fmac.left, indices, cycle);
    const right = fetch(pe, fmac.right, indices, cycle);
    plan(cycle + 2, 'early', () => {
      const addends = { zero: 0, accumulator: pe.accumulator, initial, latch };
      deliver(pe, fmac.result, fma(left(), right(), addends[fmac.addend]), indices, cycle);
    });
  };

  /** Iterations of a loop in which a stream's quota has been used: how much of it. */
  const quotas = new Map<string, number>();
  const transfer = ({ word, indices, cycle }: Issued): void => {
    const { port } = word;
    if (port === undefined) return;
    const { stream, quota } = port;
    if (streamWords[stream] === program.streamWords[stream]) return;
    if (quota !== undefined) {
      const key = `${stream} ${indices.slice(0, quota.depth + 1).join()}`;
      const used = quotas.get(key) ?? 0;
      if (used === quota.words) return;
      quotas.set(key, used + 1);
    }
    const count = streamWords[stream];
    const lane = count % size;
    for (let bus = 0; bus < size; bus++) {
      if (stream === 'result') {
        const pe = at(lane, bus);
        if (pe.outputFrom === null) return;
        if (pe.outputFrom > cycle) throw new Error('a result is drained before it is there');
        drained[bus]!.push(pe.output);
        pe.outputFrom = null;
        continue;
      }
      const given = contents.streams[stream][bus]!;
      const value = given[count] ?? drained[bus]![count - given.length];
      if (value === undefined) throw new Error('a sum comes back before it has left');
      if (stream === 'initial') at(lane, bus).initial = value;
      if (stream === 'a') {
        useA(at(lane, bus), cycle);
        at(lane, bus).a[Math.floor(count / size) % contents.wrapA] = value;
      }
      if (stream === 'b')
        for (let each = 0; each < size; each++) {
          useB(at(each, bus), cycle);
          at(each, bus).b[count % contents.wrapB] = value;
        }
    }
    streamWords[stream]++;
  };

  const clock = { cycle: 0 };
  for (const issued of issue(program.steps, [], clock)) {
    for (const pe of pes) {
      const cycle = issued.cycle + pe.position * program.skewCycles;
      plan(cycle, 'early', () => execute(pe, issued, cycle));
    }
    if (issued.word.port !== undefined) plan(issued.cycle, 'late', () => transfer(issued));
  }
  cycles = Math.max(cycles, clock.cycle);
  for (let cycle = 0; cycle < cycles; cycle++) {
    const entry = agenda.get(cycle);
    // Handlers add to later cycles, and registers to the same one.
    for (const when of ['early', 'late'] as const) for (const what of entry?.[when] ?? []) what();
    agenda.delete(cycle);
  }
  for (const pe of pes) {
    writeLine(pe);
    serveTurns(pe);
  }
  streamWords.result += sent[0]!.length;
  // Of a systolic program every lane took its own.
  if (program.skewCycles > 0) streamWords.initial /= size;
  return { cycles, sent, drained, streamWords, accesses };
}

/** What need not use memory A in one certain cycle must find a free one: the earliest deadline takes the first. */
function serveTurns({ lane, position, busyA, turns }: Pe): void {
  for (const [first, last] of turns) {
    let cycle = first;
    while (busyA.has(cycle)) cycle++;
    if (cycle > last) throw new Error(`memory A of PE ${lane},${position} is not free before cycle ${last}`);
    busyA.add(cycle);
  }
}
