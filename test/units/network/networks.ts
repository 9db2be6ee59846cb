import { networkSpec } from '../../../src/units/network/spec.ts';
import { buildTopology, type Topology } from '../../../src/units/network/topology.ts';

/** One lane of 1 GB/s, 2 us between any two neighbours, additions at 2 GB/s: alpha 2e-6, beta 1e-9, gamma 0.5e-9. */
export function plainNetwork(ranks: number, layout: Record<string, unknown> = {}): Topology {
  const spec = networkSpec.parse({
    ranks,
    layout: 'edges' in layout ? layout : { kind: 'all-to-all', link: 'wire', lanes: 1, ...layout },
    links: { wire: { latencyNs: 500, bandwidthGBps: 2, payloadShare: 0.5 } },
    library: {
      launchUs: 0,
      reduceGBps: 2,
      protocols: { plain: { messageUs: 1.5, bandwidthShare: 1 } },
      algorithms: {},
    },
  });
  return buildTopology('plain', spec);
}

export const PLAIN_HANDOVER = { messageSeconds: 1.5e-6, bandwidthShare: 1, reduceSecondsPerByte: 0.5e-9 };
export const PLAIN_TERMS = { alpha: 2e-6, beta: 1e-9, gamma: 0.5e-9 };
