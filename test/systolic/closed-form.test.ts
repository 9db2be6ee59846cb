import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

/**
 * TPU v1 without latencies and with memories whose transfers take whole numbers of cycles. Counted by hand: instructions are
 * issued one a cycle and seen by their unit in the next. The host sends first (issued in cycle 0), then come a tile (1), its
 * pass (2), and so on. A 64 KiB tile takes 65,536 / 64 = 1024 cycles, shifting it in 256, a result leaving the array
 * 256 + 256 - 2 = 510 cycles after its row entered. The vector unit takes 256 results a cycle; the link to the host 4096 bytes.
 */
const PLAIN = [
  'clockMHz=1000',
  'memory.bandwidthGBps=64',
  'memory.latencyNs=0',
  'hostLink={bandwidthGBps: 4096, latencyNs: 0}',
  'vectorUnit.latencyCycles=0',
  'layerSyncCycles=0',
];

function run(workload: string, ...sets: string[]) {
  const machine = loadMachine('tpuv1', [...PLAIN, ...sets], SCHEMAS);
  return simulate(machine, loadTrace(workload, { phase: 'inference' }, 'int8')).report;
}

describe('one product on TPU v1, counted by hand', () => {
  it('one tile: fetch, shift, stream, drain, activation, host', () => {
    // Tile 2..1026, shift ..1282, 256 rows ..1538, drain ..2048, activation 256 ..2304, 65,536 bytes to the host 16 ..2320.
    const { totals } = run('matmul:256x256x256');
    expect(totals.cycles).toBe(2320);
    expect(totals.activeCycles).toBe(256);
    expect(totals.stallCycles).toMatchObject({ 'weight-shift': 256, output: 16 });
  });

  it('two columns of tiles: the second is fetched behind the first, and everything after it is hidden', () => {
    // The second tile is there at 2 + 2 x 1024 = 2050, shifted at 2306, streamed at 2562, drained at 3072, activated at 3328;
    // 131,072 bytes to the host: 32.
    const { totals } = run('matmul:256x512x256');
    expect(totals.cycles).toBe(3360);
    expect(totals.stallCycles['weight-shift']).toBe(512);
  });

  it('a reduction of two tiles: one activation at the end', () => {
    // Passes as above, half the results: 3072 + 256 + 16.
    expect(run('matmul:256x256x512').totals.cycles).toBe(3344);
  });

  it('enough rows: the array never waits for the second tile', () => {
    // 2048 rows fill half of the accumulators. Pass 1 streams 1282..3330; the second tile came at 2050 and shifted behind it;
    // pass 2 streams 3330..5378, drains ..5888; activation of 2048 rows 2048 cycles ..7936; 524,288 bytes to the host 128.
    const { totals } = run('matmul:2048x256x512');
    expect(totals.cycles).toBe(8064);
    expect(totals.activeCycles).toBe(4096);
    expect(totals.stallCycles['weight-shift']).toBe(256);
  });

  it('twice the rows in two halves of the accumulators: the first is emptied while the second fills', () => {
    // One tile, 4096 rows in two chunks: chunk 1 streams 1282..3330, chunk 2 ..5378 from the tile that stays; drained at 5888.
    // Chunk 1 was activated 3840..5888, chunk 2 ..7936; host 256.
    const { totals } = run('matmul:4096x256x256');
    expect(totals.cycles).toBe(8192);
    expect(totals.trafficBytes.weightMemory).toEqual({ read: 65_536, write: 0 });
  });

  it('half rate for 16-bit activations, quarter rate for 16-bit weights too', () => {
    const active = (precision: string) => {
      const machine = loadMachine('tpuv1', PLAIN, SCHEMAS);
      const trace = loadTrace('matmul:1000x256x256', { phase: 'inference', precision }, 'int8');
      return simulate(machine, trace).report.totals.activeCycles;
    };
    expect([active('int8'), active('int8/int16'), active('int16')]).toEqual([1000, 2000, 4000]);
  });

  it('600 x 600 weights take nine whole tiles (Jouppi et al., ISCA 2017, section 7)', () => {
    const { totals } = run('matmul:96x600x600');
    expect(totals.trafficBytes.weightMemory!.read).toBe(9 * 65_536);
    // Weight-bound: tile 9 is there at 2 + 9 x 1024; then 256 shift, 96 rows, 510 drain, 96 x 88 results (ceil 33), host.
    expect(totals.cycles).toBe(9218 + 256 + 96 + 510 + 33 + Math.round((96 * 600) / 4096));
  });
});

describe('layers that depend on each other', () => {
  it('lose the explicit synchronisation once for each layer but the first', () => {
    const cycles = (sync: number) => {
      const machine = loadMachine('tpuv1', [...PLAIN, `layerSyncCycles=${sync}`], SCHEMAS);
      return simulate(machine, loadTrace('tpuv1-mlp0', { phase: 'inference', batch: 8 }, 'int8')).report.totals;
    };
    const [none, some] = [cycles(0), cycles(100_000)];
    // Five layers; with so long a wait the weights of the next layer fill FIFO and queue meanwhile, which hides some of it.
    expect(some.stallCycles.raw).toBe(400_000);
    expect(some.cycles).toBeGreaterThan(none.cycles);
    expect(some.cycles).toBeLessThanOrEqual(none.cycles + 400_000);
  });
});

describe('where bytes go', () => {
  const bytes = (arch: string, workload: string, ...overrides: string[]) => {
    const { totals, roofline } = simulate(
      loadMachine(arch, overrides, SCHEMAS),
      loadTrace(workload, { phase: 'inference' }, arch === 'tpuv2' ? 'bf16' : 'int8'),
    ).report;
    return { hostLink: totals.trafficBytes.hostLink, offChip: totals.trafficBytes[roofline.memory]! };
  };

  it('an input that finds no room crosses the host link, goes off the chip, and comes back; so does a result', () => {
    // 40 MiB in, 40 MiB out, 1 KiB of weights; the buffer has 32 MiB.
    const { offChip, hostLink } = bytes('tpuv2', 'matmul:1310720x16x16', 'memory.latencyNs=0');
    const activations = 1310720 * 16 * 2;
    expect(hostLink).toEqual({ read: activations, write: activations });
    expect(offChip).toEqual({ read: 2 * activations + 512, write: 2 * activations });
  });

  it('several arrays with fewer rows than arrays do not do a row twice', () => {
    expect(bytes('edge-16x16', 'matmul:1x16x256', 'array.count=64').offChip.write).toBe(16);
  });

  it('an output-stationary array reads a panel of weights again when it does not stay', () => {
    // Four tiles of columns, four of rows: each panel of 65,536 x 16 bytes is far beyond half of 128 KiB.
    const { offChip } = bytes('edge-16x16', 'matmul:64x64x65536', 'array.dataflow=output-stationary');
    expect(offChip.read).toBe(4 * 4 * 65536 * 16 + 4 * 65536 * 64);
  });

  it('windows of a feature map come from off the chip once, whatever is stationary', () => {
    const input = 64 * 56 * 56;
    const { offChip } = bytes('edge-16x16', 'conv:1,64,56,56,64,3,3,1,1', 'array.dataflow=input-stationary');
    // Weights stream past every column of tiles again.
    expect(offChip.read - input).toBeGreaterThanOrEqual(64 * 64 * 9);
    expect((offChip.read - input) % (64 * 64 * 9)).toBeLessThan(input / 50);
  });
});
