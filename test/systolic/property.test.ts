import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { modelOf, SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { compulsoryBytes, totalMacs } from '../../src/trace/facts.ts';
import { loadTrace } from '../../src/workload/load.ts';

const SEED = 20261121;

const size = fc.integer({ min: 1, max: 700 });
const matmul = fc.tuple(size, size, size).map(([m, n, k]) => `matmul:${m}x${n}x${k}`);
const conv = fc
  .record({
    n: fc.integer({ min: 1, max: 5 }),
    perGroup: fc.integer({ min: 1, max: 40 }),
    filters: fc.integer({ min: 1, max: 40 }),
    groups: fc.constantFrom(1, 1, 2, 7),
    edge: fc.integer({ min: 5, max: 30 }),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 2 }),
  })
  .map(
    ({ n, perGroup, filters, groups, edge, kernel, stride, padding }) =>
      `conv:${[n, perGroup * groups, edge, edge, filters * groups, kernel, kernel, stride, padding, groups].join(',')}`,
  );
const workload = fc.oneof(matmul, conv);

/** Machines of any shape: dataflow, size, buffering, memory. */
const sets = fc
  .record({
    rows: fc.integer({ min: 1, max: 70 }),
    columns: fc.integer({ min: 1, max: 70 }),
    dataflow: fc.constantFrom('weight-stationary', 'output-stationary', 'input-stationary'),
    doubleBuffered: fc.boolean(),
    overlapPasses: fc.boolean(),
    count: fc.constantFrom(1, 1, 2, 4),
    fifo: fc.integer({ min: 1, max: 5 }),
    bandwidth: fc.constantFrom(0.5, 3, 20, 1000),
    latency: fc.constantFrom(0, 100, 3000),
    sync: fc.constantFrom(0, 50, 4000),
    buffers: fc.constantFrom(1, 2, 3),
  })
  .map((m) => [
    `array.rows=${m.rows}`,
    `array.columns=${m.columns}`,
    `array.dataflow=${m.dataflow}`,
    `array.doubleBuffered=${m.doubleBuffered}`,
    `array.overlapPasses=${m.overlapPasses}`,
    `array.count=${m.count}`,
    `weightFifoTiles=${m.fifo}`,
    `memory.bandwidthGBps=${m.bandwidth}`,
    `memory.latencyNs=${m.latency}`,
    `layerSyncCycles=${m.sync}`,
    `accumulators={rows: 256, buffers: ${m.buffers}}`,
  ]);

/** Transfers of whole cycles: rounding of each could cost a larger product a cycle less. */
const EXACT = ['clockMHz=1000', 'memory.bandwidthGBps=1', 'hostLink.bandwidthGBps=1'];

function reportOf(machine: string, overrides: readonly string[], text: string, unfolded = false) {
  const loaded = loadMachine(machine, overrides, SCHEMAS);
  const trace = loadTrace(text, { phase: 'inference' }, 'int8');
  return { report: simulate(loaded, trace, { unfolded }).report, trace, facts: modelOf(loaded).facts };
}

describe(`any shape on any machine (seed ${SEED})`, () => {
  it.each(['tpuv1', 'edge-16x16'])('from %s: folded = unfolded, books balance, no faster than peak', (machine) => {
    fc.assert(
      fc.property(sets, workload, (overrides, text) => {
        const { report, trace, facts } = reportOf(machine, overrides, text);
        expect(reportOf(machine, overrides, text, true).report).toEqual(report);
        const { totals, units } = report;
        const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
        expect(totals.activeCycles + stalls).toBe(totals.cycles);
        for (const unit of units) expect(unit.idleCycles, unit.name).toBeGreaterThanOrEqual(0);
        expect(totals.cycles * totals.peakMacsPerCycle).toBeGreaterThanOrEqual(totalMacs(trace));
        const offChip = totals.trafficBytes[facts.offChip.name]!;
        const host = totals.trafficBytes.hostLink ?? { read: 0, write: 0 };
        const moved = offChip.read + offChip.write + host.read + host.write;
        // A strided convolution may leave inputs that nobody needs to read.
        if (text.startsWith('matmul')) expect(moved).toBeGreaterThanOrEqual(compulsoryBytes(trace, trace.ops[0]!));
        // What the channel moved took at least its time.
        expect(totals.cycles * facts.offChip.bytesPerCycle).toBeGreaterThanOrEqual(
          0.999 * (offChip.read + offChip.write) - units.length,
        );
      }),
      { seed: SEED, numRuns: 120 },
    );
  });

  it('on tpuv1, more bandwidth, less latency or less synchronisation never costs a cycle', () => {
    fc.assert(
      fc.property(sets, workload, (overrides, text) => {
        const cycles = (...more: string[]) => reportOf('tpuv1', [...overrides, ...more], text).report.totals.cycles;
        const base = cycles();
        expect(cycles('memory.bandwidthGBps=2000')).toBeLessThanOrEqual(base);
        expect(cycles('memory.latencyNs=0')).toBeLessThanOrEqual(base);
        expect(cycles('layerSyncCycles=0')).toBeLessThanOrEqual(base);
        expect(cycles('hostLink={bandwidthGBps: 1000, latencyNs: 0}')).toBeLessThanOrEqual(base);
        expect(cycles('weightFifoTiles=8')).toBeLessThanOrEqual(base);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('more accumulators never move more bytes, more arrays never write more', () => {
    fc.assert(
      fc.property(sets, workload, fc.constantFrom(64, 128, 512, 4096), (overrides, text, rows) => {
        const traffic = (...more: string[]) => {
          const { totals, roofline } = reportOf('edge-16x16', [...overrides, ...more], text).report;
          return totals.trafficBytes[roofline.memory]!;
        };
        const [few, many] = [traffic(`accumulators.rows=${rows}`), traffic(`accumulators.rows=${rows * 4}`)];
        // Bytes are rounded up for each block.
        expect(many.read + many.write).toBeLessThanOrEqual(1.01 * (few.read + few.write) + 64);
        const [one, four] = [traffic('array.count=1'), traffic('array.count=4')];
        expect(four.write).toBeLessThanOrEqual(1.01 * one.write + 64);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('on tpuv1, more rows, columns or depth never cost less', () => {
    fc.assert(
      fc.property(sets, size, size, size, (overrides, m, n, k) => {
        const cycles = (text: string) => reportOf('tpuv1', [...overrides, ...EXACT], text).report.totals.cycles;
        const base = cycles(`matmul:${m}x${n}x${k}`);
        expect(cycles(`matmul:${m}x${n + 70}x${k}`)).toBeGreaterThanOrEqual(base);
        expect(cycles(`matmul:${m}x${n}x${k + 70}`)).toBeGreaterThanOrEqual(base);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });
});
