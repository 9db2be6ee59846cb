import { describe, expect, it } from 'vitest';
import { createSum, lineOf } from '../../src/numerics/formats/accumulate.ts';
import { FLOAT_FORMATS } from '../../src/numerics/formats/float-format.ts';
import { createRounder } from '../../src/numerics/formats/round-number.ts';
import { NEAREST_EVEN } from '../../src/numerics/formats/rounding.ts';
import { parameters, tensorBytes, totalMacs } from '../../src/trace/facts.ts';
import { peakActivationBytes } from '../../src/trace/memory.ts';
import type { Trace } from '../../src/trace/trace.ts';
import type { Checkpointing } from '../../src/training/checkpointing.ts';
import { trainingStep } from '../../src/training/step.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { catalogueNetwork } from '../../src/workload/catalogue.ts';
import { loadTrace } from '../../src/workload/load.ts';
import { forwardTrace } from './execute/network.ts';

/** Tables of lectures on training, derived by hand and held against what the traces say. */

const FP32 = { weights: 'fp32', activations: 'fp32' } as const;
const GB = 1e9;

/** A training step of U-Net on images of `size` x `size`. */
function unet(size: number, batch: number): Trace {
  const network = catalogueNetwork('unet')!;
  const inputs = { input: { ...network.inputs['input']!, shape: [1, size, size] } };
  const forward = buildTrace({ ...network, inputs }, { batch, precision: FP32, precisionText: 'fp32' });
  return trainingStep(forward, { optimizer: 'sgd', precision: FP32 });
}

function resnet(name: string, batch: number, precision: string, checkpointing: Checkpointing): Trace {
  return loadTrace(name, { phase: 'training', batch, precision, checkpointing }, precision);
}

describe('memory for training, by normalisation (Chiley 2019, table 1, in GB)', () => {
  // Network, batch of 32, batch of 128. Without batches (online normalisation) one sample at a time is enough.
  const TABLE = { 'U-Net 1024 x 1024': [31, 123], 'U-Net 2048 x 2048': [137, 546] } as const;

  it('U-Net keeps 13.84375 maps of its first layer', () => {
    // With U elements in a map of the first level (64 channels), level l of 4 has U / 2^l in each of: two results going down, two going
    // up, the upsampled map, and twice that in what is joined; a quarter in what is pooled: 7.25 U (1 + 1/2 + 1/4 + 1/8). The bottom has
    // twice 1024 channels at 1/256 of the positions: U / 8 in all, both results.
    const maps = 7.25 * 1.875 + 2 / 16 + 2 / 16;
    expect(maps).toBe(13.84375);
    for (const [size, batch] of [
      [1024, 1],
      [1024, 3],
      [2048, 1],
    ] as const)
      expect(peakActivationBytes(unet(size, batch))).toBe(maps * 64 * size * size * 4 * batch);
  });

  it('grows with the batch as in the table: four times from 32 to 128', () => {
    for (const [small, large] of Object.values(TABLE)) expect(large / small).toBeCloseTo(4, 0);
    expect(peakActivationBytes(unet(1024, 128)) / peakActivationBytes(unet(1024, 32))).toBe(4);
    // The table has about a quarter of the bytes; it does not say what was counted.
    const kept = (TABLE['U-Net 1024 x 1024'][0] * GB) / peakActivationBytes(unet(1024, 32));
    expect(kept).toBeGreaterThan(0.2);
    expect(kept).toBeLessThan(0.3);
  });

  it('ResNet-50 lies between the two rows of the table', () => {
    // (4 - 2) / 96 GB a sample with in-place functions, (15 - 5) / 96 GB in a framework that keeps copies.
    const bytes = (batch: number): number => peakActivationBytes(resnet('resnet50', batch, 'fp32', 'none'));
    const perSample = (bytes(128) - bytes(32)) / 96;
    expect(perSample).toBeGreaterThan((2 / 96) * GB);
    expect(perSample).toBeLessThan((10 / 96) * GB);
  });

  it('running statistics are two fp32 numbers a channel, 26,560 channels in ResNet-50', () => {
    // Blocks of (w, w, 4w) and a projection of 4w in each stage, w = 64, 128, 256, 512 with 3, 4, 6, 3 blocks; 64 at first.
    const channels = 64 + [3, 4, 6, 3].reduce((sum, blocks, stage) => sum + (6 * blocks + 4) * 64 * 2 ** stage, 0);
    expect(channels).toBe(26_560);
    const { tensors } = loadTrace('resnet50', { phase: 'inference', batch: 1, precision: 'bf16' }, 'bf16');
    const bytes = tensors.reduce((sum, tensor) => sum + (tensor.role === 'state' ? tensorBytes(tensor) : 0), 0);
    expect(bytes).toBe(2 * 4 * 26_560);
  });
});

describe('memory by checkpointing', () => {
  it('a chain keeps 2 sqrt(n) results where it kept n, for one more forward pass (Chen 2016)', () => {
    const step = (checkpointing: Checkpointing): Trace =>
      trainingStep(forwardTrace(`input: [32]\nlayers:\n${'  - linear: { out: 32, bias: false }\n'.repeat(144)}`, 4), {
        optimizer: 'sgd',
        precision: FP32,
        checkpointing,
      });
    const result = 4 * 32 * 4;
    // Products alone: each operand is kept for its weights' gradient, 143 results, and two gradients are alive at a time.
    expect(peakActivationBytes(step('none'))).toBe((143 + 2) * result);
    // 12 segments of 12: 11 borders, 12 results of one segment, and the two gradients.
    expect(peakActivationBytes(step('sqrt'))).toBeLessThanOrEqual((11 + 12 + 2) * result);
    const product = 4 * 32 * 32;
    expect(totalMacs(step('none'))).toBe((3 * 144 - 1) * product);
    // The last segment is still there.
    expect(totalMacs(step('sqrt'))).toBe((3 * 144 - 1 + 11 * 12) * product);
  });

  it('by residual blocks saves most memory for at most a third more compute (fp16, batch of 16)', () => {
    // Lecture: a quarter more compute saves 80 % of weights and activations, network not named. One more forward pass of three is a
    // third; ResNet-101 has 33 blocks, each of which keeps its input in place of its inside.
    const [all, blocks] = [resnet('resnet101', 16, 'fp16', 'none'), resnet('resnet101', 16, 'fp16', 'blocks')];
    const bytes = (trace: Trace): number => peakActivationBytes(trace) + 2 * parameters(trace);
    const saved = 1 - bytes(blocks) / bytes(all);
    expect(saved).toBeGreaterThan(0.6);
    expect(saved).toBeLessThan(0.8);
    const more = totalMacs(blocks) / totalMacs(all) - 1;
    expect(more).toBeGreaterThan(0.25);
    // The first convolution has no input gradient, so a forward pass is a little more than a third.
    expect(more).toBeLessThan(0.34);
  });
});

describe('depthwise against full convolution: c channels, kernels of k x k, d x d results', () => {
  const [c, k, d] = [32, 3, 14];
  const convolution = (layers: string): Trace => forwardTrace(`input: [${c}, ${d}, ${d}]\nlayers:\n${layers}`, 1);
  const full = convolution(`  - conv: { out: ${c}, kernel: ${k}, padding: 1, bias: false }\n`);
  const depthwise = convolution(`  - conv: { depthwise: true, kernel: ${k}, padding: 1, bias: false }\n`);
  const separable = convolution(
    `  - conv: { depthwise: true, kernel: ${k}, padding: 1, bias: false }\n  - conv: { out: ${c}, bias: false }\n`,
  );
  // c^2 k^2 = 9216 and c k^2 = 288; 2 c^2 k^2 d^2 and 2 c k^2 d^2 with d^2 = 196.
  it.each([
    ['full', full, 9216, 3_612_672],
    ['depthwise', depthwise, 288, 112_896],
    ['separable: and c^2 to mix channels', separable, 288 + 1024, 514_304],
  ])('%s', (_, trace, weights, flops) => {
    expect(parameters(trace)).toBe(weights);
    expect(2 * totalMacs(trace)).toBe(flops);
  });

  it('separable needs 1 / c + 1 / k^2 of both', () => {
    expect(parameters(separable) / parameters(full)).toBeCloseTo(1 / 32 + 1 / 9, 12);
    expect(totalMacs(separable) / totalMacs(full)).toBeCloseTo(1 / 32 + 1 / 9, 12);
  });
});

describe('value ranges (Mellempudi 2019, table 1)', () => {
  // The table prints 65 535 for half precision; its largest number is (2 - 2^-10) 2^15.
  it.each([
    ['fp32', FLOAT_FORMATS.fp32, 3.4028234663852886e38, 2 ** -126, 2 ** -149],
    ['fp16', FLOAT_FORMATS.fp16, 65_504, 2 ** -14, 2 ** -24],
    ['fp8 (1, 5, 2)', FLOAT_FORMATS.fp8e5m2, 57_344, 2 ** -14, 2 ** -16],
  ])('%s', (_, format, largest, leastNormal, leastSubnormal) => {
    const round = createRounder(format, NEAREST_EVEN);
    expect(round(largest)).toBe(largest);
    expect(round(largest * 1.3)).toBe(Number.POSITIVE_INFINITY);
    expect(round(leastNormal)).toBe(leastNormal);
    // Below it numbers go on with fewer bits.
    expect(round(leastNormal / 2)).toBe(leastNormal / 2);
    expect(round(leastSubnormal)).toBe(leastSubnormal);
    expect(round(leastSubnormal * 0.49)).toBe(0);
  });
});

describe('chunks of 64 in fp16 sums (Wang 2018)', () => {
  const sum = (count: number, chunkElements: number): number =>
    createSum({ format: FLOAT_FORMATS.fp16, rounding: NEAREST_EVEN, chunkElements })(
      lineOf(new Float32Array(count).fill(1)),
      count,
    );

  it('a sum of ones stops at 2^11, where one is half of the last place', () => {
    expect(sum(2048, 4096)).toBe(2048);
    expect(sum(32_768, 32_768)).toBe(2048);
  });

  it('sums of 64 are multiples of 64, which fp16 has without gaps up to its end', () => {
    expect(sum(32_768, 64)).toBe(32_768);
  });
});
