import type { Checkpoint } from '../../../src/training/execute/checkpoint.ts';
import { DensityMeter } from '../../../src/training/sparsity/density.ts';
import { diagonalFisher } from '../../../src/training/sparsity/fisher.ts';
import { maskDensity } from '../../../src/training/sparsity/mask.ts';
import { MaskedWeights } from '../../../src/training/sparsity/masked-weights.ts';
import { probe } from '../../../src/training/sparsity/probe.ts';
import { magnitude, optimalBrainDamage } from '../../../src/training/sparsity/saliency.ts';
import { amongAll, type Criterion, criterion, withinEach } from '../../../src/training/sparsity/selection.ts';
import { ofNeighbours, outputChannels } from '../../../src/training/sparsity/structured.ts';
import { readWeights } from '../../../src/training/sparsity/weight-layout.ts';
import { Batches, classifierOf } from '../../../src/training/batches.ts';
import { contractions, dataset, layouts, sampleStep, step, type TrainingResult } from './laboratory.ts';

export const SHARES = [0.5, 0.2, 0.1] as const;
export const FISHER_SAMPLES = 1000;

/** Test accuracy of a trained network right after pruning by a criterion. */
export interface OneShot {
  readonly criterion: string;
  readonly keptShare: number;
  readonly testAccuracy: number;
}

/** Prunes one trained network by every criterion in turn, without training afterwards. */
export function oneShots({ trainer, session, end }: TrainingResult): OneShot[] {
  const curvature = (labels: 'data' | 'model') =>
    diagonalFisher({
      ...{ step: sampleStep, weightsOf: session, seed: 1, contractions, dataset, samples: FISHER_SAMPLES, labels },
    });
  const hidden = layouts.filter(({ name }) => !name.startsWith('fc3'));
  const cases: [string, Criterion, typeof layouts, readonly number[]][] = [
    ['magnitude, all weights together', criterion(magnitude, amongAll), layouts, SHARES],
    ['magnitude, each layer', criterion(magnitude, withinEach()), layouts, SHARES],
    ['brain damage, empirical Fisher', criterion(optimalBrainDamage(curvature('data')), amongAll), layouts, SHARES],
    ['brain damage, Gauss-Newton', criterion(optimalBrainDamage(curvature('model')), amongAll), layouts, SHARES],
    ['2 of 4 neighbours', criterion(magnitude, ofNeighbours(2, 4)), layouts, [0.5]],
    ['output channels of fc1 and fc2, L1', criterion(magnitude, outputChannels), hidden, SHARES],
  ];
  return cases.flatMap(([name, prune, which, shares]) =>
    shares.map((keep) => {
      session.restore(end);
      const masks = prune(
        readWeights(which, (weight) => session.weight(weight)),
        keep,
      );
      new MaskedWeights(session, masks).apply();
      const result = { criterion: name, keptShare: maskDensity(masks), testAccuracy: trainer.testAccuracy() };
      session.restore(end);
      return result;
    }),
  );
}

const DENSITY_BATCHES = 20;

/** Mean densities over some mini-batches, by tensor name, shape and role. */
export function measuredDensities({ session }: TrainingResult, end: Checkpoint): Map<string, number> {
  session.restore(end);
  const looking = probe({ step, weightsOf: session, keep: 'all', seed: 1, contractions });
  const names = classifierOf(step, dataset);
  const batches = new Batches(dataset.train, dataset, step.workload.batch);
  const meter = new DensityMeter();
  for (let batch = 0; batch < DENSITY_BATCHES; batch++) {
    batches.fill(batch * batches.batch, null);
    looking.run({ [names.input]: batches.input, [names.target]: batches.target });
    meter.sample(looking);
  }
  return new Map(
    [...meter.densities].map(([id, density]) => {
      const { name, role, shape } = step.tensors[id]!;
      return [`${name} [${shape.join(', ')}] (${role})`, density];
    }),
  );
}
