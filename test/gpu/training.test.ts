import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { loadTrace } from '../../src/workload/load.ts';

function step(workload: string, batch: number, precision: string) {
  const trace = loadTrace(workload, { phase: 'training', batch, precision }, 'fp16');
  return simulate(loadMachine('v100', [], SCHEMAS), trace).report;
}

/** Share of the time of a step by class of op. */
function shares({ ops, totals }: ReturnType<typeof step>) {
  const share = (kinds: readonly string[]): number =>
    ops.reduce((sum, op) => sum + (kinds.includes(op.kind) ? op.cycles : 0), 0) / totals.cycles;
  return { contraction: share(['matmul', 'conv']), normalisation: share(['norm', 'softmax']) };
}

/** NVIDIA, PyTorch container 21.03 on one V100 16 GB: images per second with fp32 and with automatic mixed precision. */
const PUBLISHED = { fp32: 367, mixed: 1200 } as const;

describe('ResNet-50 training steps on a V100', () => {
  it('images per second lie within 20 % of published ones, in fp32 and in mixed precision', () => {
    const fp32 = step('resnet50', 128, 'fp32').totals.samplesPerSecond;
    expect(Math.abs(fp32 / PUBLISHED.fp32 - 1)).toBeLessThan(0.2);
    const mixed = step('resnet50', 256, 'fp16').totals.samplesPerSecond;
    expect(Math.abs(mixed / PUBLISHED.mixed - 1)).toBeLessThan(0.2);
  });

  it('contractions do nearly all of the arithmetic and take only about half of the time', () => {
    const { contraction, normalisation } = shares(step('resnet50', 256, 'fp16'));
    expect(contraction).toBeGreaterThan(0.4);
    expect(contraction).toBeLessThan(0.7);
    expect(normalisation).toBeGreaterThan(0.2);
  });
});

it('BERT-large runs a step, contractions take most of it', () => {
  const report = step('bert-large', 8, 'fp16');
  expect(shares(report).contraction).toBeGreaterThan(0.55);
});
