import {
  type Address,
  type CoreTiming,
  drainableAfter,
  type Fmac,
  OPERAND_CYCLES,
  type Program,
  type Step,
  storableAfter,
  type Stream,
  type Word,
} from '../../models/caterpillar/micro/program.ts';
import { ModelBug } from '../../errors.ts';
import { FLOAT_FORMATS } from '../../numerics/formats/float-format.ts';
import { sumRoundedToOdd } from '../../numerics/formats/exact-sum.ts';
import { createRounder } from '../../numerics/formats/round-number.ts';
import { NEAREST_EVEN } from '../../numerics/formats/rounding.ts';
import type { Loaded } from './layout.ts';

/** A word that a PE has begun: operands read, the multiply-add yet to start. */
interface Begun {
  readonly word: number;
  readonly startCycle: number;
  readonly left: number | null;
  readonly right: number;
  /** Of registers that the multiply-add may start from, as they were read. */
  readonly initial: number;
  readonly latch: number;
}

/** A result on its way to where it is told to go, at the end of a cycle. */
interface Coming {
  readonly cycle: number;
  readonly to: 'output' | 'next' | 'port' | 'memoryA' | 'memoryB';
  readonly address: number;
  readonly value: number;
}

export interface PeState {
  memoryA: number[];
  memoryB: number[];
  accumulator: number;
  initial: number;
  latch: number;
  link: number;
  /** null: drained, or nothing came yet. */
  output: number | null;
  /** Operands that were read in the last cycle; null: none. */
  left: number | null;
  right: number | null;
  isAdding: boolean;
  begun: Begun[];
  coming: Coming[];
}

/** What a port carried in the last cycle: a word on every bus. */
export interface PortState {
  readonly stream: Stream;
  readonly values: readonly number[];
}

export interface CoreState {
  cycle: number;
  /** Row by row. */
  pes: PeState[];
  /** On the bus of each row in the last cycle. */
  buses: (number | null)[];
  port: PortState | null;
  /** By row: what the last PE sent to the port in the last cycle. */
  sentNow: (number | null)[];
  /** By row: all that it sent. */
  sent: number[][];
  /** By bus: all that was drained. */
  drained: number[][];
  moved: Record<Stream, number>;
  quotas: Record<string, number>;
}

interface Issue {
  readonly cycle: number;
  readonly word: Word;
  /** Of the enclosing loops, the outermost first. */
  readonly indices: readonly number[];
}

/** Number format of every word of a core. */
export type CoreFormat = 'fp16' | 'fp32';

/** Rounds to the nearest value of a core's format. */
export function rounderOf(format: CoreFormat): (value: number) => number {
  return createRounder(FLOAT_FORMATS[format], NEAREST_EVEN);
}

function resolve({ offset, strides, modulus }: Address, indices: readonly number[]): number {
  const sum = strides.reduce((total, stride, depth) => total + stride * (indices[depth] ?? 0), offset);
  return modulus === undefined ? sum : sum % modulus;
}

/** Words in the order in which the first position gets them; `end`: the cycle after the last step. */
function issues({ steps }: Program): { readonly words: readonly Issue[]; readonly end: number } {
  const words: Issue[] = [];
  let cycle = 0;
  const walk = (some: readonly Step[], outer: readonly number[]): void => {
    for (const step of some) {
      if (step.kind === 'wait') cycle += step.cycles;
      else if (step.kind === 'word') words.push({ cycle: cycle++, word: step, indices: outer });
      else for (let index = 0; index < step.times; index++) walk(step.body, [...outer, index]);
    }
  };
  walk(steps, []);
  return { words, end: cycle };
}

/** A core's state before its first cycle, what a cycle does to it, and when it is done. */
export function coreMachine(timing: CoreTiming, format: CoreFormat, loaded: Loaded) {
  const { size } = timing;
  const { program, streams, wrapA, wrapB } = loaded;
  const { words, end } = issues(program);
  const wordAt = new Map(words.map(({ cycle }, index) => [cycle, index]));
  const lastCycle = end + (size - 1) * program.skewCycles;
  const round = rounderOf(format);
  /** Rounded once. */
  const multiplyAdd = (left: number, right: number, addend: number): number =>
    round(sumRoundedToOdd(addend, left * right));

  const peAt = (state: CoreState, row: number, position: number): PeState => state.pes[row * size + position]!;

  const operand = (state: CoreState, row: number, position: number, source: Fmac['left'], at: readonly number[]) => {
    const pe = peAt(state, row, position);
    switch (source.from) {
      case 'memoryA':
        pe.latch = pe.memoryA[resolve(source.address, at)]!;
        return pe.latch;
      case 'memoryB':
        return pe.memoryB[resolve(source.address, at)]!;
      case 'bus': {
        const step = resolve(source.step, at);
        const address = resolve(source.address, at) + Math.floor(step / size) * source.stride;
        const value = peAt(state, row, step % size).memoryA[address]!;
        state.buses[row] = value;
        return value;
      }
      case 'link':
        // Taken when the multiply-add starts: it is still on its way.
        return null;
      case 'constant':
        if (source.name === 'one') return 1;
        throw new ModelBug('a product has no learning rate');
    }
  };

  const begin = (state: CoreState, row: number, position: number): void => {
    const index = wordAt.get(state.cycle - position * program.skewCycles);
    if (index === undefined) return;
    const { word, indices } = words[index]!;
    const pe = peAt(state, row, position);
    if (word.latch !== undefined) pe.latch = pe.memoryA[resolve(word.latch, indices)]!;
    if (word.initial !== undefined) pe.initial = pe.memoryA[resolve(word.initial, indices)]!;
    if (word.fmac === undefined) return;
    const { initial, latch } = pe;
    const left = operand(state, row, position, word.fmac.left, indices);
    const right = operand(state, row, position, word.fmac.right, indices)!;
    pe.left = left;
    pe.right = right;
    pe.begun.push({ word: index, startCycle: state.cycle + OPERAND_CYCLES, left, right, initial, latch });
  };

  const start = (pe: PeState, position: number, cycle: number): void => {
    const begun = pe.begun[0];
    if (begun?.startCycle !== cycle) return;
    pe.begun.shift();
    pe.isAdding = true;
    const { word, indices } = words[begun.word]!;
    const { addend, result } = word.fmac!;
    const from = { zero: 0, accumulator: pe.accumulator, initial: begun.initial, latch: begun.latch }[addend];
    const value = multiplyAdd(begun.left ?? pe.link, begun.right, from);
    const issued = cycle - OPERAND_CYCLES;
    const come = (at: number, to: Coming['to'], address = 0): number =>
      pe.coming.push({ cycle: at, to, address, value });
    switch (result.to) {
      case 'accumulator':
        pe.accumulator = value;
        return;
      case 'output':
        come(issued + drainableAfter(timing) - 1, 'output');
        return;
      case 'link':
        if (position === size - 1) come(issued + drainableAfter(timing), 'port');
        else come(issued + storableAfter(timing), 'next');
        return;
      default:
        // Words of a line are in memory when the access that writes the line is done; here each is, from its own cycle.
        come(
          issued + result.delayCycles,
          result.to === 'line' ? 'memoryA' : result.to,
          resolve(result.address, indices),
        );
    }
  };

  /** A word of a stream on every bus, unless the stream or its share in this iteration has ended. */
  const transfer = (state: CoreState): void => {
    state.port = null;
    const index = wordAt.get(state.cycle);
    const { word, indices } = index === undefined ? { word: undefined, indices: [] } : words[index]!;
    if (word?.port === undefined) return;
    const { stream, quota } = word.port;
    const count = state.moved[stream];
    if (count === program.streamWords[stream]) return;
    const key = `${stream} ${indices.slice(0, (quota?.depth ?? 0) + 1).join()}`;
    const used = state.quotas[key] ?? 0;
    if (quota !== undefined && used === quota.words) return;
    const row = count % size;
    const values = Array.from({ length: size }, (_, bus) =>
      stream === 'result' ? peAt(state, row, bus).output : streams[stream][bus]![count]!,
    );
    if (values.includes(null)) return;
    if (quota !== undefined) state.quotas[key] = used + 1;
    state.moved[stream] = count + 1;
    state.port = { stream, values: values as number[] };
    for (const [bus, value] of state.port.values.entries()) {
      const pe = peAt(state, row, bus);
      if (stream === 'initial') pe.initial = value;
      else if (stream === 'a') pe.memoryA[Math.floor(count / size) % wrapA] = value;
      else if (stream === 'b')
        for (let each = 0; each < size; each++) peAt(state, each, bus).memoryB[count % wrapB] = value;
      else {
        state.drained[bus]!.push(value);
        pe.output = null;
      }
    }
  };

  const arrive = (state: CoreState, row: number, position: number): void => {
    const pe = peAt(state, row, position);
    for (const { to, address, value } of pe.coming.filter(({ cycle }) => cycle === state.cycle)) {
      if (to === 'output') pe.output = value;
      else if (to === 'next') peAt(state, row, position + 1).link = value;
      else if (to === 'port') {
        state.sentNow[row] = value;
        state.sent[row]!.push(value);
      } else pe[to][address] = value;
    }
    pe.coming = pe.coming.filter(({ cycle }) => cycle > state.cycle);
  };

  const everyPe = (act: (row: number, position: number) => void): void => {
    for (let row = 0; row < size; row++) for (let position = 0; position < size; position++) act(row, position);
  };

  return {
    initial: {
      cycle: 0,
      pes: loaded.memoryA.map(
        (memoryA, pe): PeState => ({
          memoryA: [...memoryA],
          memoryB: [...loaded.memoryB[pe]!],
          accumulator: 0,
          initial: 0,
          latch: 0,
          link: 0,
          output: null,
          left: null,
          right: null,
          isAdding: false,
          begun: [],
          coming: [],
        }),
      ),
      buses: new Array<number | null>(size).fill(null),
      port: null,
      sentNow: new Array<number | null>(size).fill(null),
      sent: Array.from({ length: size }, (): number[] => []),
      drained: Array.from({ length: size }, (): number[] => []),
      moved: { a: 0, b: 0, initial: 0, result: 0 },
      quotas: {},
    } as CoreState,
    advance: (state: CoreState): void => {
      state.buses.fill(null);
      state.sentNow.fill(null);
      // Reads come before what changes registers and memories in the same cycle.
      everyPe((row, position) => {
        const pe = peAt(state, row, position);
        pe.left = null;
        pe.right = null;
        pe.isAdding = false;
        begin(state, row, position);
      });
      everyPe((row, position) => start(peAt(state, row, position), position, state.cycle));
      transfer(state);
      everyPe((row, position) => arrive(state, row, position));
      state.cycle += 1;
    },
    isDone: ({ cycle, pes }: CoreState): boolean =>
      cycle >= lastCycle && pes.every(({ begun, coming }) => begun.length + coming.length === 0),
  };
}
