import { dataPath } from '../files.ts';
import { loadMachine } from '../machine/load.ts';
import { areaMm2 } from '../models/caterpillar/area.ts';
import { gemm } from '../models/caterpillar/micro/gemm.ts';
import { caterpillarSpec, coreTiming } from '../models/caterpillar/spec.ts';
import { runOnCore } from '../models/caterpillar/units/core.ts';
import { SCHEMAS } from '../models/registry.ts';
import { simulate } from '../simulate.ts';
import type { Propagation } from '../training/pipelined.ts';
import { loadTrace } from '../workload/load.ts';
import type { AnchorResult } from './anchor.ts';

/** Li and Pedram, ASAP 2017, abstract: "over 80 %" and "over 90 %" utilization, efficiencies and total areas. */
const DESIGNS = [
  {
    machine: 'caterpillar-2x16',
    network: 'mlp-500',
    propagation: 'stepwise',
    utilizationPct: 80,
    gflopsPerWatt: 177,
    areaMm2: 103.2,
  },
  {
    machine: 'caterpillar-2x4',
    network: 'mlp-2500',
    propagation: 'pipelined',
    utilizationPct: 90,
    gflopsPerWatt: 211,
    areaMm2: 178.9,
  },
] as const;

/** Machines that figures of this file hold. */
export const CATERPILLAR_MACHINES: readonly string[] = [...DESIGNS.map(({ machine }) => machine), 'lac'];

/** Published as "over" so much. */
const UTILIZATION_POINTS = 5;
const PERCENT = 5;

/** Cycles of C += A B on one core of 4x4 PEs, printed by LAP_SIM (github.com/LAProc/LAP_SIM, BSD-3) at its latency of 7. */
const LAC_CYCLES = [
  { m: 32, n: 32, k: 32, cycles: 2354 },
  { m: 96, n: 96, k: 32, cycles: 18738 },
  { m: 64, n: 128, k: 32, cycles: 16690 },
  { m: 64, n: 64, k: 64, cycles: 17490 },
  { m: 128, n: 64, k: 64, cycles: 33874 },
  { m: 128, n: 128, k: 128, cycles: 135314 },
] as const;

function specOf(name: string) {
  return caterpillarSpec.parse(loadMachine(name, [], SCHEMAS).spec);
}

/** A training step on one sample, with plain stochastic gradient descent. */
function step(machine: string, network: string, propagation: Propagation) {
  const path = dataPath('reports', 'anchors', `${network}.yaml`);
  const trace = loadTrace(path, { phase: 'training', batch: 1, optimizer: 'sgd', propagation }, 'fp16');
  return simulate(loadMachine(machine, [], SCHEMAS), trace).report.totals;
}

/** Utilization, efficiency and area of both designs, and the cycles of products on one core. */
export function caterpillarAnchors(): AnchorResult[] {
  const designs = DESIGNS.flatMap(({ machine, network, propagation, ...published }): AnchorResult[] => {
    const totals = step(machine, network, propagation);
    const row = (id: string, what: string, unit: string, figure: number, predicted: number) => ({
      id: `${machine}/${id}`,
      machine,
      what: `${machine} ${what}`,
      unit,
      published: figure,
      predicted,
    });
    const run = propagation === 'pipelined' ? 'pipelined' : 'sample by sample';
    return [
      {
        ...row(
          'utilization',
          `utilization, ${network} ${run}`,
          '% (over)',
          published.utilizationPct,
          100 * totals.utilization,
        ),
        errorIn: 'points',
        bound: UTILIZATION_POINTS,
      },
      {
        ...row(
          'efficiency',
          'efficiency (fitted)',
          'GFLOPS/W',
          published.gflopsPerWatt,
          (2e3 * totals.macs) / totals.energyPj,
        ),
        errorIn: 'percent',
        bound: PERCENT,
      },
      {
        ...row('area', 'area (fitted)', 'mm2', published.areaMm2, areaMm2(specOf(machine)).total),
        errorIn: 'percent',
        bound: PERCENT,
      },
    ];
  });
  return [...designs, ...lacAnchors()];
}

/** The authors' simulator cuts A into square blocks, as deep as the product. */
function lacAnchors(): AnchorResult[] {
  const timing = coreTiming(specOf('lac'));
  return LAC_CYCLES.map(({ m, n, k, cycles }): AnchorResult => {
    const shape = { parts: 1, blocks: m / k, blockRows: k, depth: k, columns: n };
    const program = gemm(timing, { ...shape, streamsA: true, keepsB: false, streamsC: true, transposed: false });
    return {
      id: `lac/gemm-${m}x${n}x${k}`,
      machine: 'lac',
      what: `lac product ${m}x${n}x${k}`,
      unit: 'cycles',
      published: cycles,
      predicted: runOnCore(program, timing.size).cycles,
      errorIn: 'percent',
      bound: 0,
    };
  });
}
