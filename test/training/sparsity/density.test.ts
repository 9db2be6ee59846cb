import { describe, expect, it } from 'vitest';
import { plainContractions } from '../../../src/numerics/ops/plain-contractions.ts';
import { Session } from '../../../src/training/execute/session.ts';
import { DensityMeter, densityOf, withDensities } from '../../../src/training/sparsity/density.ts';
import { MaskedWeights } from '../../../src/training/sparsity/masked-weights.ts';
import { probe } from '../../../src/training/sparsity/probe.ts';
import { readTrace } from '../../../src/trace/read.ts';
import { writeTrace } from '../../../src/trace/write.ts';
import { inputsFor, trainingTrace } from '../execute/network.ts';

const NETWORK = `input: [6]
layers:
  - linear: { name: hidden, out: 8, act: relu }
  - linear: { name: classes, out: 3 }
`;

describe('densities', () => {
  it('are shares of values that are not zero', () => {
    expect(densityOf(Float32Array.of(0, 1, -0, -2))).toBe(0.5);
    expect(densityOf(new Float32Array(0))).toBe(1);
  });

  it('are measured without a change to the network, and travel in the trace without any other change', () => {
    const trace = trainingTrace(NETWORK, 4, 'momentum');
    const contractions = plainContractions();
    const session = new Session(trace, { seed: 1, contractions });
    const mask = Uint8Array.from({ length: 48 }, (_, index) => (index < 12 ? 1 : 0));
    new MaskedWeights(session, new Map([['hidden.weight', mask]]));
    const before = JSON.stringify([...session.checkpoint().tensors]);
    const looking = probe({ step: trace, weightsOf: session, keep: 'all', seed: 1, contractions });
    const meter = new DensityMeter();
    const active: number[] = [];
    const result = trace.tensors.findIndex(({ name }) => name === 'hidden.act');
    for (const seed of [1, 2]) {
      looking.run(inputsFor(trace, seed));
      meter.sample(looking);
      active.push([...looking.values(result)].filter((value) => value > 0).length / 32);
    }
    expect(JSON.stringify([...session.checkpoint().tensors])).toBe(before);
    const measured = withDensities(trace, meter.densities);
    const densityNamed = (name: string) => measured.tensors.find((tensor) => tensor.name === name)!.density;
    expect(densityNamed('hidden.weight')).toBe(0.25);
    expect(densityNamed('classes.weight')).toBe(1);
    expect(densityNamed('hidden.act')).toBeCloseTo((active[0]! + active[1]!) / 2, 12);
    expect(densityNamed('hidden.act')).toBeLessThan(1);
    expect(densityNamed('hidden.weight.gradient')).toBeGreaterThan(0);
    expect(densityNamed('hidden.weight.velocity')).toBeUndefined();
    const without = { ...measured, tensors: measured.tensors.map(({ density: _, ...tensor }) => tensor) };
    expect(without).toEqual(trace);
    expect(readTrace(writeTrace(measured), 'trace.json').tensors).toEqual(measured.tensors);
  });
});
