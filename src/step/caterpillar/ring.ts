import { RING_ALGORITHMS, type RingCollective, type RingSpec } from '../../models/caterpillar/units/ring.ts';
import { ALGORITHMS } from '../../units/network/catalogue/catalogue.ts';
import type { Message } from '../../units/network/schedule.ts';
import { valueText } from '../matrix.ts';
import type { Register, Scene, Stepper } from '../stepper.ts';

/** A message under way. */
interface Flight {
  readonly message: number;
  /** Sums of the blocks when they were sent. */
  readonly values: readonly number[];
  beatsLeft: number;
  /** Cycle in which its last beat so far is out of the link. */
  outCycle: number;
}

/** One direction of the ring with its share of the vector. */
interface Channel {
  /** [core][block]; null: the core has nothing of it. All words of a block are alike. */
  held: (number | null)[][];
  ahead: number[];
  flights: Flight[];
}

export interface RingState {
  cycle: number;
  channels: Channel[];
}

/** Who has what when it begins: all of everything, each its own block, or the first all of it. */
function holds(collective: RingCollective, core: number, block: number): boolean {
  if (collective === 'broadcast') return core === 0;
  return collective === 'gather' || collective === 'all-gather' ? core === block : true;
}

function counted(count: number, what: string, where: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'} ${where}`;
}

/** Whole beats as evenly as they go. */
function share(beats: number, parts: number, index: number): number {
  return Math.floor((beats * (index + 1)) / parts) - Math.floor((beats * index) / parts);
}

/**
 * An exchange among cores that form a ring, beat by beat: both directions carry half of the vector. Core c gives the value c + 1, so that
 * a sum shows whose shares are in it. `segments`: into how many a chain is cut.
 */
export function ringStepper(
  title: string,
  { wordsPerCycle, hopCycles }: RingSpec,
  collective: RingCollective,
  cores: number,
  words: number,
  segments: number,
): Stepper<RingState> {
  const beats = Math.ceil(words / wordsPerCycle);
  const directions = cores === 2 ? 1 : 2;
  const { messages, vectorBlocks } = ALGORITHMS[collective].get(RING_ALGORITHMS[collective])!.schedule(cores, segments);
  /** The second direction is the first seen in a mirror. */
  const place = (direction: number, core: number): number => (direction === 0 ? core : (cores - core) % cores);
  const beatsOf = (direction: number, block: number): number =>
    share(share(beats, directions, direction), vectorBlocks, block);

  const presentStep = ({ ahead, flights }: Channel, core: number): number =>
    [...ahead, ...flights.map(({ message }) => message)]
      .map((index) => messages[index]!)
      .filter(({ from, to }) => from === core || to === core)
      .reduce((least, { step }) => Math.min(least, step), Number.POSITIVE_INFINITY);

  const land = (held: Channel['held'], { to, blocks, reduce }: Message, values: readonly number[]): void => {
    for (const [index, block] of blocks.entries()) {
      const own = held[to]![block]!;
      held[to]![block] = reduce && own !== null ? own + values[index]! : values[index]!;
    }
  };

  /** What has come out is added or kept, and what may start starts, until nothing changes: an empty message takes no time. */
  const settle = (channel: Channel, cycle: number): void => {
    for (const flight of channel.flights)
      if (flight.beatsLeft === 0 && flight.outCycle <= cycle)
        land(channel.held, messages[flight.message]!, flight.values);
    channel.flights = channel.flights.filter(({ beatsLeft, outCycle }) => beatsLeft > 0 || outCycle > cycle);
  };

  const depart = (channel: Channel, direction: number, cycle: number): void => {
    const steps = Array.from({ length: cores }, (_, core) => presentStep(channel, core));
    const leaving = channel.ahead.filter((index) => {
      const { from, to, step } = messages[index]!;
      return steps[from] === step && steps[to] === step;
    });
    channel.ahead = channel.ahead.filter((index) => !leaving.includes(index));
    for (const message of leaving) {
      const { from, blocks } = messages[message]!;
      channel.flights.push({
        message,
        values: blocks.map((block) => channel.held[from]![block]!),
        beatsLeft: blocks.reduce((sum, block) => sum + beatsOf(direction, block), 0),
        outCycle: cycle + hopCycles,
      });
    }
  };

  const advance = (state: RingState): void => {
    state.channels.forEach((channel, direction) => {
      depart(channel, direction, state.cycle);
      for (const flight of channel.flights) {
        if (flight.beatsLeft === 0) continue;
        flight.beatsLeft -= 1;
        flight.outCycle = state.cycle + 1 + hopCycles;
      }
      settle(channel, state.cycle + 1);
    });
    state.cycle += 1;
  };

  const registersOf = (state: RingState, core: number): Register[] =>
    state.channels.flatMap(({ held }, direction) =>
      held[place(direction, core)]!.map(
        (value, block): Register => ({
          name: `${direction === 0 ? '→' : '←'}${block}`,
          ...(value === null || beatsOf(direction, block) === 0
            ? { text: '', tone: 'empty' }
            : { text: valueText(value), tone: 'sum' }),
        }),
      ),
    );

  const isDone = ({ channels }: RingState): boolean =>
    channels.every(({ ahead, flights }) => ahead.length + flights.length === 0);

  const scene = (state: RingState): Scene => {
    const flights = state.channels.flatMap((channel, direction) =>
      channel.flights
        .map((flight) => ({ ...flight, ...messages[flight.message]!, direction }))
        // Of a short vector some blocks have no words.
        .filter(({ blocks }) => blocks.some((block) => beatsOf(direction, block) > 0)),
    );
    const receivers = new Set(flights.map(({ direction, to }) => place(direction, to)));
    return {
      cycle: state.cycle,
      says: [isDone(state) ? 'done' : state.cycle === 0 ? 'start' : counted(flights.length, 'message', 'under way')],
      grids: [
        {
          name: 'cores and the blocks of the vector that they hold, by direction',
          cells: [
            Array.from({ length: cores }, (_, core) => ({
              busy: receivers.has(core),
              registers: registersOf(state, core),
            })),
          ],
          left: null,
          top: { name: 'core', values: Array.from({ length: cores }, (_, core) => String(core)) },
          right: null,
          bottom: null,
        },
      ],
      links: flights.map(({ direction, from, to, blocks, values, beatsLeft }) => ({
        from: `core ${place(direction, from)}`,
        to: `core ${place(direction, to)}`,
        text: `block ${blocks.join(', ')} (${values.map(valueText).join(', ')}), ${beatsLeft === 0 ? 'on the wire' : `${counted(beatsLeft, 'beat', 'to go')}`}`,
      })),
      tables: [],
    };
  };

  return {
    title,
    initial: {
      cycle: 0,
      channels: Array.from({ length: directions }, (_, direction) => ({
        held: Array.from({ length: cores }, (__, core) =>
          Array.from({ length: vectorBlocks }, (___, block) =>
            holds(collective, core, block) ? place(direction, core) + 1 : null,
          ),
        ),
        ahead: messages.map((_message, index) => index),
        flights: [],
      })),
    },
    advance,
    isDone,
    scene,
  };
}
