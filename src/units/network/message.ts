import { InputError } from '../../errors.ts';
import { play } from './play.ts';
import { range } from './schedule.ts';
import { type Topology, wayBetween } from './topology.ts';

export interface MessageRequest {
  readonly topology: Topology;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface MessageResult {
  readonly seconds: number;
  readonly protocol: string;
  /** Equal parts the message is cut into, one for each lane of the thinnest link on its way. */
  readonly channels: number;
  /** launch + hand-over + latencies + bytes over all lanes at the slowest link's rate. */
  readonly formulaSeconds: number;
}

/** One message in one step. */
const SCHEDULE = {
  ranks: 2,
  vectorBlocks: 1,
  messages: [{ step: 0, from: 0, to: 1, blocks: [0], reduce: false }],
} as const;

/** Time of a message from one rank to another with nothing else on the network. Throws InputError if there is no such rank. */
export function simulateMessage({ topology, from, to, bytes }: MessageRequest): MessageResult {
  const stranger = [from, to].find((rank) => !Number.isInteger(rank) || rank < 0 || rank >= topology.ranks);
  if (stranger !== undefined || from === to)
    throw InputError.of(
      `message on ${topology.name}`,
      `from rank ${from} to rank ${to}`,
      `use two ranks from 0 to ${topology.ranks - 1}`,
    );
  const way = wayBetween(topology, from, to);
  const lanes = Math.min(...way.map((link) => link.lanes));
  const latencySeconds = way.reduce((sum, link) => sum + link.latencySeconds, 0);
  const secondsPerByte = Math.max(...way.map((link) => link.secondsPerByte));
  const channels = range(0, lanes).map(() => [from, to]);
  const { launchUs, protocols } = topology.library;
  return Object.entries(protocols)
    .map(([protocol, { messageUs, bandwidthShare }]): MessageResult => {
      const messageSeconds = messageUs * 1e-6;
      const handover = { messageSeconds, bandwidthShare, reduceSecondsPerByte: 0 };
      const start = launchUs * 1e-6;
      return {
        seconds: start + play(topology, SCHEDULE, channels, bytes, handover).seconds,
        protocol,
        channels: lanes,
        formulaSeconds: start + messageSeconds + latencySeconds + (bytes * secondsPerByte) / bandwidthShare / lanes,
      };
    })
    .reduce((best, result) => (result.seconds < best.seconds ? result : best));
}
