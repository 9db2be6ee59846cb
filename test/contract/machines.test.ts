import { describe, expect, it } from 'vitest';
import { listMachines, loadMachine } from '../../src/machine/load.ts';
import { loadModel, modelOf, SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { totalMacs } from '../../src/trace/facts.ts';
import { loadTrace } from '../../src/workload/load.ts';

const WORKLOADS = [
  'lenet-5',
  'squeezenet',
  'mobilenet-v2',
  'tpuv1-lstm1',
  'matmul:300x70x515',
  'conv:2,30,17,19,24,3,3,2,1,6',
] as const;
// A core without caches and memory around it runs blocks of machine code, no networks.
const MACHINES = listMachines()
  .map(({ name }) => name)
  .filter((name) => {
    const { kind, spec } = loadMachine(name, [], SCHEMAS);
    return kind !== 'x86' || (spec as { system?: object }).system !== undefined;
  });
await loadModel('x86');
/** Runs in which the warps of an SM do not come back to the same state before its budget ends (src/models/gpu/units/sm.ts). */
const APPROXIMATE: ReadonlySet<string> = new Set(['m40 tpuv1-lstm1']);

describe.each(MACHINES)('%s', (name) => {
  const machine = loadMachine(name, [], SCHEMAS);
  describe.each(WORKLOADS)('%s', (workload) => {
    const trace = loadTrace(
      workload,
      { phase: 'inference', precision: modelOf(machine).facts.defaultPrecision },
      'int8',
    );
    const { report } = simulate(machine, trace);

    it('attributes every cycle of the run, and of every unit, to a named cause', () => {
      const { totals, ops, units } = report;
      const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
      expect(totals.activeCycles + stalls).toBe(totals.cycles);
      expect(ops.reduce((sum, op) => sum + op.cycles, 0)).toBe(totals.cycles);
      expect(units[0]!.idleCycles).toBe(0);
      for (const unit of units) expect(unit.idleCycles, unit.name).toBeGreaterThanOrEqual(0);
    });

    it('is the same twice, and folded as unfolded', () => {
      expect(simulate(machine, trace).report).toEqual(report);
      if (name.startsWith('scalesim') || name.startsWith('edge')) return;
      const unfolded = simulate(machine, trace, { unfolded: true }).report;
      if (APPROXIMATE.has(`${name} ${workload}`))
        expect(Math.abs(report.totals.cycles / unfolded.totals.cycles - 1)).toBeLessThan(0.001);
      else expect(unfolded).toEqual(report);
    });

    it('takes at least the cycles of its multiplications at peak, and counts its MACs', () => {
      const { macs, savedMacs, activeCycles, peakMacsPerCycle, utilization } = report.totals;
      expect(macs).toBe(totalMacs(trace));
      // Lavin and Gray 2016: 5 x 5 results of a 5 x 5 filter take 81 products for 625, the most that any transform here saves.
      const transforms = machine.kind === 'gpu' || machine.kind === 'x86';
      expect(savedMacs).toBeLessThanOrEqual(transforms ? (1 - 81 / 625) * macs : 0);
      expect(activeCycles * peakMacsPerCycle).toBeGreaterThanOrEqual(macs - savedMacs);
      expect(utilization).toBeLessThanOrEqual(1);
    });

    it('moves every weight at least once, and adds up its energy', () => {
      const weights = trace.tensors.filter((tensor) => tensor.role === 'weight' && tensor.shape.length > 1);
      const bytes = weights.reduce(
        (sum, tensor) => sum + tensor.shape.reduce((product, length) => product * length, 1),
        0,
      );
      expect(report.totals.trafficBytes[report.roofline.memory]!.read).toBeGreaterThanOrEqual(bytes);
      const components = Object.values(report.totals.energyPjByComponent).reduce((sum, pj) => sum + pj, 0);
      expect(components / report.totals.energyPj).toBeCloseTo(1, 9);
      expect(report.ops.reduce((sum, op) => sum + op.energyPj, 0) / report.totals.energyPj).toBeCloseTo(1, 9);
    });
  });
});

describe('folding', () => {
  it.each(['edge-16x16', 'scalesim-32x32-os', 'scalesim-32x32-ws', 'scalesim-32x32-is'])(
    '%s gives the same for a network run step by step',
    (name) => {
      const machine = loadMachine(name, [], SCHEMAS);
      const trace = loadTrace('squeezenet', { phase: 'inference' }, 'int8');
      expect(simulate(machine, trace, { unfolded: true }).report).toEqual(simulate(machine, trace).report);
    },
  );
});
