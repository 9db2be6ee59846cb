import { ModelBug } from '../../errors.ts';
import { eventQueue } from './event-queue.ts';
import { type Rounds, roundsOf } from './rounds.ts';
import type { Schedule } from './schedule.ts';
import type { Topology } from './topology.ts';

/** How the messages of a collective are handed over. */
export interface Handover {
  /** From the moment both ranks are ready until the first byte enters the link. */
  readonly messageSeconds: number;
  /** Share of the links' data rate that is reached. */
  readonly bandwidthShare: number;
  /** Time to add one byte, of one channel. */
  readonly reduceSecondsPerByte: number;
}

export interface Played {
  readonly seconds: number;
  /** By link of the topology: data bytes, and time that its lanes were busy, summed over lanes. */
  readonly linkBytes: Float64Array;
  readonly linkBusySeconds: Float64Array;
}

/** Bytes of each part when `bytes` are split as evenly as whole bytes allow. */
function split(bytes: number, parts: number, index: number): number {
  return Math.floor((bytes * (index + 1)) / parts) - Math.floor((bytes * index) / parts);
}

/**
 * Plays a schedule message by message. Every channel runs the whole schedule on its share of the `bytes`, its ranks in the order
 * that `channels` gives. A message enters the links of its way one after the other and waits, first come first served, for a
 * free lane; its head goes on while its tail still comes. Bytes of a block are whole: blocks differ by one if they must.
 */
export function play(
  topology: Topology,
  schedule: Schedule,
  channels: readonly (readonly number[])[],
  bytes: number,
  handover: Handover,
): Played {
  const { links, nodes, routes } = topology;
  const rounds = roundsOf(schedule);
  const { messages, fromRound, toRound, members, next, first } = rounds;
  const perChannel = messages.length;
  const roundCount = members.length;
  const sizes = messageBytes(rounds, schedule.vectorBlocks, bytes, channels.length);

  const times = new Float64Array(perChannel * channels.length);
  const queue = eventQueue(times.length, times);
  const tails = new Float64Array(times.length);
  const places = new Int32Array(times.length);
  /** Rounds that a message still waits for; once started: 0 on its way, -1 when only its end is to come. */
  const waiting = new Int8Array(times.length);
  const pending = new Int32Array(roundCount * channels.length);
  const reducedUntil = new Float64Array(schedule.ranks * channels.length);
  const laneStart = new Int32Array(links.length + 1);
  links.forEach(({ lanes }, index) => {
    laneStart[index + 1] = laneStart[index]! + lanes;
  });
  const laneFree = new Float64Array(laneStart[links.length]!);
  const linkBytes = new Float64Array(links.length);
  const linkBusySeconds = new Float64Array(links.length);
  let seconds = 0;
  let done = 0;

  const openRound = (round: number, channel: number, time: number): void => {
    for (const message of members[round]!) {
      const item = channel * perChannel + message;
      if (--waiting[item]! > 0) continue;
      const { from, to } = messages[message]!;
      places[item] = channels[channel]![from]!;
      const start = from === to ? time : time + handover.messageSeconds;
      tails[item] = start;
      queue.push(item, start);
    }
  };
  const closeMessage = (round: number, channel: number, time: number): void => {
    const left = --pending[channel * roundCount + round]!;
    if (left === 0 && next[round]! >= 0) openRound(next[round]!, channel, time);
  };
  /** Sends a message over the next link; its next event is its head at the node behind, or its tail at the end. */
  const hop = (item: number, size: number, target: number): void => {
    const link = routes[places[item]! * nodes + target]!;
    const { to, latencySeconds, secondsPerByte } = links[link]!;
    let lane = laneStart[link]!;
    for (let other = lane + 1; other < laneStart[link + 1]!; other++) {
      if (laneFree[other]! < laneFree[lane]!) lane = other;
    }
    const start = Math.max(times[item]!, laneFree[lane]!);
    const duration = (size * secondsPerByte) / handover.bandwidthShare;
    laneFree[lane] = start + duration;
    linkBytes[link]! += size;
    linkBusySeconds[link]! += duration;
    tails[item] = Math.max(tails[item]!, start + duration) + latencySeconds;
    places[item] = to;
    queue.push(item, to === target ? tails[item]! : start + latencySeconds);
  };

  for (let channel = 0; channel < channels.length; channel++) {
    for (let message = 0; message < perChannel; message++) {
      waiting[channel * perChannel + message] = fromRound[message] === toRound[message] ? 1 : 2;
    }
    for (let round = 0; round < roundCount; round++) pending[channel * roundCount + round] = members[round]!.length;
  }
  for (let channel = 0; channel < channels.length; channel++) {
    for (const round of first) if (round >= 0) openRound(round, channel, 0);
  }
  for (let item = queue.pop(); item >= 0; item = queue.pop()) {
    const channel = Math.floor(item / perChannel);
    const message = item - channel * perChannel;
    const { to, from, reduce, blocks } = messages[message]!;
    const size = sizes[item]!;
    const target = channels[channel]![to]!;
    const time = times[item]!;
    if (places[item] !== target) {
      hop(item, size, target);
    } else if (reduce && handover.reduceSecondsPerByte > 0 && waiting[item] === 0) {
      const rank = channel * schedule.ranks + to;
      const added = from === to ? size * blocks.length : size;
      reducedUntil[rank] = Math.max(time, reducedUntil[rank]!) + added * handover.reduceSecondsPerByte;
      waiting[item] = -1;
      queue.push(item, reducedUntil[rank]!);
    } else {
      done++;
      seconds = Math.max(seconds, time);
      closeMessage(fromRound[message]!, channel, time);
      if (fromRound[message] !== toRound[message]) closeMessage(toRound[message]!, channel, time);
    }
  }
  if (done < times.length) throw new ModelBug(`${times.length - done} messages of a collective never started`);
  return { seconds, linkBytes, linkBusySeconds };
}

/** Bytes of every message of every channel; of work on a rank itself the bytes of one block. */
function messageBytes({ messages }: Rounds, vectorBlocks: number, bytes: number, channels: number): Float64Array {
  const result = new Float64Array(messages.length * channels);
  for (let channel = 0; channel < channels; channel++) {
    const vector = split(bytes, channels, channel);
    messages.forEach(({ blocks, into }, index) => {
      const sent = into === undefined ? blocks : blocks.slice(0, 1);
      const size = sent.reduce((sum, block) => sum + split(vector, vectorBlocks, block % vectorBlocks), 0);
      result[channel * messages.length + index] = size;
    });
  }
  return result;
}
