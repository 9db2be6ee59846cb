import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../../src/units/network/load.ts';
import { simulateMessage } from '../../../src/units/network/message.ts';
import { plainNetwork } from './networks.ts';

describe('a message from one rank to another', () => {
  it('takes the hand-over, the latency and its bytes at the rate of the link', () => {
    const result = simulateMessage({ topology: plainNetwork(4), from: 2, to: 1, bytes: 1e6 });
    // 1.5 us + 0.5 us + 10^6 bytes at 1 GB/s.
    expect(result.seconds).toBeCloseTo(1.002e-3, 12);
    expect(result.formulaSeconds).toBeCloseTo(1.002e-3, 12);
  });

  it('is divided among the lanes of its way', () => {
    const topology = plainNetwork(4, { lanes: 4 });
    expect(simulateMessage({ topology, from: 0, to: 3, bytes: 1e6 }).seconds).toBeCloseTo(0.252e-3, 12);
  });

  it('goes on from link to link without waiting for its tail', () => {
    const chain = [
      { between: [0, 1], link: 'wire', lanes: 1 },
      { between: [1, 2], link: 'wire', lanes: 1 },
    ];
    const topology = plainNetwork(3, { kind: 'edges', edges: chain });
    expect(simulateMessage({ topology, from: 0, to: 2, bytes: 1e6 }).seconds).toBeCloseTo(1.0025e-3, 12);
  });

  it('takes the protocol that is fastest for its size', () => {
    const topology = loadNetwork('dgx1-v100');
    const protocolOf = (bytes: number) => simulateMessage({ topology, from: 0, to: 1, bytes }).protocol;
    expect(protocolOf(1000)).toBe('LL');
    expect(protocolOf(2 ** 26)).toBe('Simple');
  });

  it('is refused where there is no such rank', () => {
    const topology = plainNetwork(4);
    expect(() => simulateMessage({ topology, from: 0, to: 4, bytes: 1 })).toThrow('use two ranks from 0 to 3');
    expect(() => simulateMessage({ topology, from: 1, to: 1, bytes: 1 })).toThrow('from rank 1 to rank 1');
  });
});
