import { describe, expect, it } from 'vitest';
import { totalMacs } from '../../src/trace/facts.ts';
import { peakActivationBytes } from '../../src/trace/memory.ts';
import { CHECKPOINTING, type Checkpointing, segmentsOf } from '../../src/training/checkpointing.ts';
import { Session } from '../../src/training/execute/session.ts';
import { loadTrace } from '../../src/workload/load.ts';
import { trainingStep } from '../../src/training/step.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { parseNetwork } from '../../src/workload/network.ts';
import { parseYaml } from '../../src/yaml.ts';

const FP32 = { weights: 'fp32', activations: 'fp32' } as const;

/** A chain of `depth` layers of 64 x 64 and a function each. */
function chain(depth: number, checkpointing: Checkpointing) {
  const layers = '  - linear: { out: 64, bias: false, act: tanh }\n'.repeat(depth);
  const network = parseNetwork(parseYaml(`name: chain\ninput: [64]\nlayers:\n${layers}`, 'test'), 'test');
  const forward = buildTrace(network, { batch: 8, precision: FP32, precisionText: 'fp32' });
  return { forward, step: trainingStep(forward, { optimizer: 'sgd', precision: FP32, checkpointing }) };
}

const resnet = (checkpointing: Checkpointing) =>
  loadTrace('resnet18', { phase: 'training', batch: 2, precision: 'fp32', checkpointing }, 'fp32');

describe('gradient checkpointing', () => {
  it('keeps about 2 sqrt(n) of n layers and computes each at most once more', () => {
    const bytes = (checkpointing: Checkpointing) => peakActivationBytes(chain(100, checkpointing).step);
    // A result is 8 x 64 x 4 bytes; a layer is two ops, of which the product's result is needed by its function alone.
    const layer = 8 * 64 * 4;
    expect(bytes('none')).toBeGreaterThanOrEqual(100 * layer);
    expect(bytes('sqrt')).toBeLessThanOrEqual(4 * Math.sqrt(200) * layer);
    const macs = (checkpointing: Checkpointing) => totalMacs(chain(100, checkpointing).step);
    const { forward } = chain(100, 'none');
    expect(macs('sqrt')).toBeGreaterThan(macs('none') + 0.8 * totalMacs(forward));
    expect(macs('sqrt')).toBeLessThanOrEqual(macs('none') + totalMacs(forward));
  });

  it('by residual blocks costs one more forward pass at most, and less memory', () => {
    const [all, blocks] = [resnet('none'), resnet('blocks')];
    expect(peakActivationBytes(blocks)).toBeLessThan(0.7 * peakActivationBytes(all));
    const forward = totalMacs(loadTrace('resnet18', { phase: 'inference', batch: 2 }, 'fp32'));
    expect(totalMacs(blocks) - totalMacs(all)).toBeGreaterThan(0.5 * forward);
    expect(totalMacs(blocks) - totalMacs(all)).toBeLessThanOrEqual(forward);
  });

  it.each(CHECKPOINTING)('%s covers the forward pass once, in order', (checkpointing) => {
    const { forward } = chain(30, 'none');
    const segments = segmentsOf(forward, checkpointing);
    expect(segments[0]!.start).toBe(0);
    expect(segments.at(-1)!.end).toBe(forward.ops.length);
    for (const [index, segment] of segments.slice(1).entries()) expect(segment.start).toBe(segments[index]!.end);
  });

  it('changes no bit of what is learned', () => {
    const weights = (checkpointing: Checkpointing) => {
      const session = new Session(chain(12, checkpointing).step, { seed: 3 });
      const input = Float32Array.from({ length: 8 * 64 }, (_, index) => Math.sin(index));
      for (let step = 0; step < 3; step++) {
        const target = session.trace.tensors.find((tensor) => tensor.name.endsWith('.target'))!.name;
        session.run({ input, [target]: Array.from({ length: 8 }, (_, row) => row * 7) }, { learningRate: 0.1 });
      }
      return [...session.checkpoint().tensors].map(([name, values]) => [name, [...values]]);
    };
    expect(weights('sqrt')).toEqual(weights('none'));
  });
});
