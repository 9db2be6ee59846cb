import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace, type TraceOptions } from '../../src/workload/load.ts';

function run(workload: string, options: Partial<TraceOptions> = {}, arch = 'v100', sets: readonly string[] = []) {
  const trace = loadTrace(workload, { phase: 'inference', precision: 'fp16', ...options }, 'fp16');
  return simulate(loadMachine(arch, sets, SCHEMAS), trace).report;
}

describe('what a GPU refuses before it runs', () => {
  it('formats that its pipes do not have, each op by name', () => {
    expect(() => run('matmul:64x64x64', { precision: 'bf16' })).toThrow(
      /multiplies bf16; this machine multiplies .*fp16/,
    );
    expect(() => run('matmul:64x64x64', { precision: 'int8/int16' })).toThrow('int8/int16');
    expect(() => run('matmul:64x64x64', { precision: 'int4' }, 't4')).not.toThrow();
    expect(() => run('matmul:64x64x64', { precision: 'int4' })).toThrow('int4');
  });

  it('a memory named as another component', () => {
    expect(() => run('matmul:64x64x64', {}, 'v100', ['memory.name=l2'])).toThrow(/memory\.name/);
  });

  it('tensors beyond its memory', () => {
    // Operands and result of 2^15 x 2^15 in fp32 are 4 GiB each.
    expect(() => run('matmul:32768x32768x32768', { precision: 'fp32' }, 'p4')).toThrow(/needs 12\.0 GiB.*has 8 GiB/);
    expect(() => run('resnet50', { phase: 'training', batch: 4096 })).toThrow('--checkpointing');
  });
});

describe('what is charged to whom', () => {
  it('a small product is launch and latency, a large one computes, a tall one waits for memory', () => {
    expect(run('matmul:64x64x64').ops[0]!.bound).toBe('launch');
    expect(run('matmul:4096x4096x4096').ops[0]!.bound).toBe('compute');
    expect(run('matmul:16x8192x8192').ops[0]!.bound).toBe('operand-stall');
  });

  it('busy cycles are those of useful multiply-adds at full rate', () => {
    // 80 SMs of 512 multiply-adds: 2048^3 / 40960 = 209,715.2 cycles; with fp32 sums 17/16 of that.
    expect(run('matmul:2048x2048x2048').totals.activeCycles).toBe(222_823);
  });

  it('a transformed convolution is charged what it multiplies, and saves the rest of its MACs', () => {
    // 28 x 28 results are 7 x 7 tiles of 4 x 4, each 36 products for 16 x 9 (Winograd): a quarter; 49 x 128 are whole tiles of the product.
    const report = run('conv:128,512,28,28,512,3,3,1,1', { precision: 'fp32' });
    const { macs, savedMacs, activeCycles, peakMacsPerCycle, utilization, seconds } = report.totals;
    expect(savedMacs / macs).toBe(0.75);
    expect(report.ops[0]!.savedMacs).toBe(savedMacs);
    expect(activeCycles).toBe(Math.ceil(macs / 4 / peakMacsPerCycle));
    expect(utilization).toBeLessThan(1);
    // Faster than any direct convolution could be.
    expect(seconds * 1.53e9 * peakMacsPerCycle).toBeLessThan(macs);
    expect(report.roofline.attainedMacsPerCycle).toBeLessThan(peakMacsPerCycle);
    expect(report.notes.join(' ')).toContain('do without 75 % of the MACs');
    expect(run('conv:128,512,28,28,512,3,3,2,1', { precision: 'fp32' }).totals.savedMacs).toBe(0);
  });

  it('sizes that are no multiple of a tile are charged as padding', () => {
    const { stallCycles } = run('matmul:1025x1025x2048').totals;
    expect(stallCycles['padding']).toBeGreaterThan(0);
    expect(run('matmul:1024x1024x2048').totals.stallCycles['padding'] ?? 0).toBe(0);
  });

  it('SMs without a block are charged as tail', () => {
    expect(run('matmul:2560x2048x512').totals.stallCycles['tail'] ?? 0).toBeLessThan(
      run('matmul:2561x2048x512').totals.stallCycles['tail']!,
    );
  });
});

describe('fusion', () => {
  const report = run('resnet50', { batch: 1 });

  it('bias and activation go with the product before them', () => {
    const act = report.ops.find((op) => op.name === 'conv1.act')!;
    expect(act.bound).toBe('fused');
    expect(act.cycles).toBe(0);
  });

  it('with stored statistics normalisation is fused too; in training it reads its operand', () => {
    expect(report.ops.find((op) => op.name === 'conv1.norm')!.bound).toBe('fused');
    const training = run('resnet50', { phase: 'training', batch: 8 });
    const norm = training.ops.find((op) => op.name === 'conv1.norm')!;
    // 8 images of 64 x 112 x 112 in fp16, read twice and written once: not below one read and one write.
    expect(norm.trafficBytes['l2']!.read).toBeGreaterThanOrEqual(8 * 64 * 112 * 112 * 2);
    expect(norm.cycles).toBeGreaterThan(0);
  });

  it('views move nothing', () => {
    const { ops } = run('googlenet', { batch: 1 });
    const concats = ops.filter((op) => op.kind === 'move');
    expect(concats.length).toBeGreaterThan(0);
    expect(concats.every((op) => op.cycles === 0)).toBe(true);
  });
});

describe('L2 between ops', () => {
  it('what the op before wrote and fits is not read from memory again', () => {
    const small = run('vgg16', { batch: 1 });
    const weights = 138.36e6 * 2;
    const { read } = small.totals.trafficBytes['hbm']!;
    expect(read).toBeGreaterThanOrEqual(weights);
    expect(run('vgg16', { batch: 1 }, 'v100', ['l2.sizeKiB=1']).totals.trafficBytes['hbm']!.read).toBeGreaterThan(read);
  });
});

describe('machines side by side', () => {
  it.each([
    ['v100', 'v100-pcie'],
    ['v100', 't4'],
    ['p100-sxm2', 'p100'],
    ['p40', 'p4'],
  ])('%s is faster than %s', (fast, slow) => {
    const seconds = (arch: string) => run('matmul:4096x4096x4096', { precision: 'fp16' }, arch).totals.seconds;
    expect(seconds(fast)).toBeLessThan(seconds(slow));
  });
});
