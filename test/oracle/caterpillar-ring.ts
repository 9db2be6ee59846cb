import type { Message, Schedule } from '../../src/units/network/schedule.ts';
import { sum } from './caterpillar-values.ts';

interface Flight {
  readonly message: Message;
  readonly words: readonly (readonly number[])[];
  beatsLeft: number;
  /** Cycle in which the last beat that has entered the link is out of it. */
  outCycle: number;
}

/**
 * One channel of a ring, link by link and beat by beat, with values: a beat is what a link carries in a cycle, and comes out of it
 * `hopCycles` later. A core goes through its steps in order; a message starts when both of its cores have ended all earlier steps.
 * `held` are the words that each core has of each block (null: none); they are changed in place. Returns the cycles.
 */
export function runRing(
  { ranks, messages }: Schedule,
  held: (readonly number[] | null)[][],
  { hopCycles, wordsPerCycle }: { readonly hopCycles: number; readonly wordsPerCycle: number },
): number {
  const ahead = new Set(messages);
  const flights = new Set<Flight>();
  const presentStep = (core: number): number =>
    Math.min(
      ...[...ahead, ...[...flights].map(({ message }) => message)]
        .filter(({ from, to }) => from === core || to === core)
        .map(({ step }) => step),
    );
  for (let cycle = 0; ; cycle++) {
    for (const flight of flights) {
      if (flight.beatsLeft > 0 || flight.outCycle > cycle) continue;
      flights.delete(flight);
      land(flight, held);
    }
    if (ahead.size + flights.size === 0) return cycle;
    const steps = Array.from({ length: ranks }, (_, core) => presentStep(core));
    for (const message of ahead) {
      if (steps[message.from] !== message.step || steps[message.to] !== message.step) continue;
      ahead.delete(message);
      const words = message.blocks.map((block) => held[message.from]![block]!);
      const beatsLeft = words.reduce((total, block) => total + block.length, 0) / wordsPerCycle;
      flights.add({ message, words, beatsLeft, outCycle: cycle + hopCycles });
    }
    const used = new Set<string>();
    for (const flight of flights) {
      if (flight.beatsLeft === 0) continue;
      const link = `${flight.message.from} ${flight.message.to}`;
      if (used.has(link)) throw new Error(`two messages on link ${link} in cycle ${cycle}`);
      used.add(link);
      flight.beatsLeft--;
      flight.outCycle = cycle + 1 + hopCycles;
    }
  }
}

/** What came replaces what the receiver has, or is added to it. */
function land({ message, words }: Flight, held: (readonly number[] | null)[][]): void {
  const { to, blocks, reduce } = message;
  blocks.forEach((block, index) => {
    const own = held[to]![block];
    const came = words[index]!;
    held[to]![block] = reduce && own ? own.map((word, at) => sum([came[at]!, word])) : came;
  });
}
