import { simulateCollective } from '../units/network/collective.ts';
import { loadNetwork } from '../units/network/load.ts';

/** Network of the systems that were measured, by device. */
export const NETWORK_OF_DEVICE: Readonly<Record<string, string>> = { A100: 'a100x4', P100: 'p100-pcie' };

/** Time of an all-reduce of `bytes` per rank on the first `ranks` ranks of a network, milliseconds. */
export function allReduceMs(network: string, ranks: number, bytes: number): number {
  const topology = loadNetwork(network);
  return simulateCollective({ topology, collective: 'all-reduce', ranks, bytes }).seconds * 1e3;
}
