import { describe, expect, it } from 'vitest';
import { dataPath, readInputBytes } from '../../src/files.ts';
import { AUTOMATIC_LOSS_SCALE } from '../../src/numerics/formats/loss-scale.ts';
import { createKernels } from '../../src/numerics/kernels/kernels.ts';
import { plainContractions } from '../../src/numerics/ops/plain-contractions.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/training/checkpoint-file.ts';
import { bars, blobs } from '../../src/training/data/generated.ts';
import { fastContractions } from '../../src/training/fast-contractions.ts';
import { quantizedAccuracy } from '../../src/training/quantized.ts';
import { learningRateAt } from '../../src/training/schedule.ts';
import { shuffled } from '../../src/training/batches.ts';
import { Trainer, type TrainerOptions } from '../../src/training/trainer.ts';
import { trainingStep } from '../../src/training/step.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { parseNetwork } from '../../src/workload/network.ts';
import { parsePrecision } from '../../src/workload/precision.ts';
import { parseYaml } from '../../src/yaml.ts';

const PERCEPTRON =
  'name: perceptron\ninput: [8]\nlayers:\n  - linear: { out: 16, act: relu }\n  - linear: { out: 4 }\n';
const CONVOLUTIONS =
  'name: convolutions\ninput: [1, 12, 12]\nlayers:\n  - conv: { out: 8, kernel: 3, padding: 1, act: relu }\n' +
  '  - conv: { out: 8, kernel: 3, act: relu }\n  - globalpool: {}\n  - linear: { out: 4 }\n';

function options(text: string, changes: Partial<TrainerOptions> = {}, precision = 'fp32'): TrainerOptions {
  const network = parseNetwork(parseYaml(text, 'test'), 'test');
  const formats = parsePrecision(precision);
  const forward = (batch: number) => buildTrace(network, { batch, precision: formats, precisionText: precision });
  return {
    step: trainingStep(forward(20), { optimizer: 'momentum', precision: formats }),
    forward: forward(50),
    dataset: text === PERCEPTRON ? blobs() : bars(),
    epochs: 3,
    seed: 5,
    schedule: { learningRate: 0.05, shape: 'cosine', warmupSteps: 10 },
    momentum: 0.9,
    weightDecay: 0,
    rounding: 'nearest',
    lossScale: null,
    contractions: fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm')))),
    ...changes,
  };
}

function trained(given: TrainerOptions, epochs = given.epochs): Trainer {
  const trainer = new Trainer(given);
  for (let epoch = 0; epoch < epochs; epoch++) trainer.epoch(() => {});
  return trainer;
}

const bits = (trainer: Trainer): unknown =>
  [...trainer.state().session.tensors].map(([name, values]) => [name, [...values]]);

describe('trainer', () => {
  it('learns, and tells how it goes', () => {
    const trainer = new Trainer(options(PERCEPTRON));
    let steps = 0;
    const first = trainer.epoch((step, loss, accuracy) => {
      steps = step;
      expect(loss).toBeGreaterThan(0);
      expect(accuracy).toBeLessThanOrEqual(1);
    });
    expect(steps).toBe(trainer.stepsPerEpoch);
    expect(trainer.stepsPerEpoch).toBe(100);
    const second = trainer.epoch(() => {});
    expect(second.loss).toBeLessThan(first.loss);
    expect(second.testAccuracy).toBeGreaterThan(0.95);
    expect(trainer.epochs).toEqual([first, second]);
  });

  it('learns images with convolutions, the same with fast and plain kernels', () => {
    const fast = trained(options(CONVOLUTIONS, { epochs: 8 })).epochs;
    expect(fast.at(-1)!.testAccuracy).toBeGreaterThan(0.9);
    const plain = trained(options(CONVOLUTIONS, { epochs: 8, contractions: plainContractions('float32') }), 1).epochs;
    expect(fast[0]!.loss).toBeCloseTo(plain[0]!.loss, 3);
  });

  it('gives the same bits for the same seed, others for another', () => {
    const [one, two, other] = [options(PERCEPTRON), options(PERCEPTRON), options(PERCEPTRON, { seed: 6 })].map(
      (given) => bits(trained(given, 1)),
    );
    expect(two).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it.each([
    ['fp32', {}],
    ['bf16', { rounding: 'stochastic' }],
    ['fp16', { lossScale: AUTOMATIC_LOSS_SCALE }],
  ] as const)('resumes bit for bit from a file, in %s', (precision, changes) => {
    const make = () => options(PERCEPTRON, changes, precision);
    const whole = trained(make());
    const interrupted = trained(make(), 1);
    const identity = { network: 'perceptron', seed: 5 };
    const file = encodeCheckpoint(identity, interrupted.state());
    const resumed = new Trainer(make());
    resumed.restore(decodeCheckpoint(file, 'file', identity));
    while (resumed.epochs.length < 3) resumed.epoch(() => {});
    expect(bits(resumed)).toEqual(bits(whole));
    expect(resumed.epochs).toEqual(whole.epochs);
  });

  it('loses little in bf16, and in fp16 with loss scaling', () => {
    const accuracy = (precision: string, changes: Partial<TrainerOptions> = {}) =>
      trained(options(PERCEPTRON, changes, precision)).epochs.at(-1)!.testAccuracy;
    const single = accuracy('fp32');
    expect(Math.abs(accuracy('bf16') - single)).toBeLessThan(0.02);
    expect(Math.abs(accuracy('fp16', { lossScale: AUTOMATIC_LOSS_SCALE }) - single)).toBeLessThan(0.02);
  });

  it('leaves out steps whose scaled gradients overflow, and halves the scale', () => {
    const lossScale = { ...AUTOMATIC_LOSS_SCALE, initialScale: 2 ** 24 };
    const trainer = trained(options(PERCEPTRON, { lossScale }, 'fp16'), 1);
    expect(trainer.epochs[0]!.skippedSteps).toBeGreaterThan(0);
    expect(trainer.epochs[0]!.skippedSteps).toBeLessThan(20);
    expect(trainer.state().lossScale!.scale).toBe(2 ** (24 - trainer.epochs[0]!.skippedSteps));
  });

  it('ends with the op and step of an epoch in which every step overflowed', () => {
    const schedule = { learningRate: 1e30, shape: 'constant', warmupSteps: 0 } as const;
    const trainer = new Trainer(options(PERCEPTRON, { lossScale: AUTOMATIC_LOSS_SCALE, schedule }));
    const learn = (): unknown => [trainer.epoch(() => {}), trainer.epoch(() => {})];
    expect(learn).toThrow(/linear\d.*: .*(NaN|Infinity) in step \d/);
    expect(trainer.epochs).toHaveLength(1);
  });

  it('keeps its accuracy with int8 operands', () => {
    const trainer = trained(options(CONVOLUTIONS, { epochs: 8 }));
    const accuracy = trainer.epochs.at(-1)!.testAccuracy;
    expect(Math.abs(quantizedAccuracy(trainer.network, 8) - accuracy)).toBeLessThan(0.02);
    expect(quantizedAccuracy(trainer.network, 4)).toBeLessThanOrEqual(accuracy + 0.02);
  });

  it('refuses networks and data that do not go together', () => {
    expect(() => new Trainer(options(PERCEPTRON, { dataset: bars() }))).toThrow(
      'takes 8 values a sample, bars has 1 x 12 x 12',
    );
    expect(() => new Trainer(options(PERCEPTRON, { dataset: { ...blobs(), classes: 7 } }))).toThrow(
      'blobs has 7 classes',
    );
    expect(() => new Trainer(options(PERCEPTRON, {}, 'int8'))).toThrow('train in one of fp32');
  });

  it('reports numbers that are not finite with op and step', () => {
    const trainer = new Trainer(
      options(PERCEPTRON, { schedule: { learningRate: 1e30, shape: 'constant', warmupSteps: 0 } }),
    );
    expect(() => trainer.epoch(() => {})).toThrow(/(NaN|Infinity) in step \d+; use a smaller learning rate/);
  });
});

describe('checkpoint files', () => {
  const identity = { network: 'perceptron', seed: 5 };
  const file = encodeCheckpoint(identity, trained(options(PERCEPTRON), 1).state());

  it('are refused when damaged, foreign, or of other options', () => {
    expect(() => decodeCheckpoint(file.subarray(0, file.length - 5), 'run.ckpt', identity)).toThrow('it is cut short');
    const flipped = file.slice();
    flipped[file.length - 40]! ^= 1;
    expect(() => decodeCheckpoint(flipped, 'run.ckpt', identity)).toThrow('its checksum');
    expect(() => decodeCheckpoint(new TextEncoder().encode('hello\n'), 'run.ckpt', identity)).toThrow(
      'is no checkpoint',
    );
    expect(() => decodeCheckpoint(new Uint8Array(), 'run.ckpt', identity)).toThrow('is no checkpoint');
    expect(() => decodeCheckpoint(file, 'run.ckpt', { network: 'perceptron', seed: 6 })).toThrow(
      'run.ckpt: seed: was 5, now 6',
    );
    const hashed = encodeCheckpoint({ ...identity, networkHash: 'a1' }, trained(options(PERCEPTRON), 1).state());
    expect(() => decodeCheckpoint(hashed, 'run.ckpt', { ...identity, networkHash: 'b2' })).toThrow(
      'run.ckpt: is of another network of this name, or of other feedback',
    );
  });
});

describe('schedules', () => {
  const at = (shape: 'constant' | 'step' | 'linear' | 'cosine', step: number) =>
    learningRateAt({ learningRate: 0.4, shape, warmupSteps: 4, totalSteps: 104 }, step);

  it('rise, then fall as they say', () => {
    expect([0, 1, 2, 3].map((step) => at('cosine', step))).toEqual([0.1, 0.2, 0.30000000000000004, 0.4]);
    expect([4, 54, 104].map((step) => at('constant', step))).toEqual([0.4, 0.4, 0.4]);
    expect([4, 54, 79].map((step) => at('step', step))).toEqual([0.4, 0.04000000000000001, 0.004]);
    expect([4, 54, 104].map((step) => at('linear', step))).toEqual([0.4, 0.2, 0]);
    expect([4, 54, 104].map((step) => at('cosine', step).toFixed(9))).toEqual([
      '0.400000000',
      '0.200000000',
      '0.000000000',
    ]);
  });

  it('every epoch has an order of its own, which holds every sample once', () => {
    const [one, two] = [shuffled(1000, 1, 0), shuffled(1000, 1, 1)];
    expect([...one].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(two).not.toEqual(one);
    expect(shuffled(1000, 1, 0)).toEqual(one);
  });
});
