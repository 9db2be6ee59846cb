import { SETTING } from './laboratory.ts';
import { ends, mean, meanCurve } from './means.ts';
import { FISHER_SAMPLES, type OneShot } from './one-shot.ts';
import { LABELS, PRUNED_SHARE, ROUNDS, type Run, TICKET_SHARE } from './runs.ts';

export interface Findings {
  readonly runs: readonly Run[];
  readonly seeds: readonly number[];
  readonly oneShots: readonly OneShot[];
  readonly densities: { readonly dense: ReadonlyMap<string, number>; readonly pruned: ReadonlyMap<string, number> };
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const points = (difference: number): string =>
  `${difference >= 0 ? '+' : '-'}${Math.abs(100 * difference).toFixed(2)} points`;
const verdict = (holds: boolean): string => (holds ? 'holds' : 'does not hold');

/** Every measured accuracy, one a row. */
export function csv(runs: readonly Run[]): string {
  const lines = runs.flatMap(({ label, seed, keptShare, epochsBefore, curve }) =>
    curve.map(({ epoch, testAccuracy }) =>
      ['lenet-300-100', `"${label}"`, seed, keptShare.toFixed(4), epochsBefore + epoch, testAccuracy.toFixed(4)].join(),
    ),
  );
  return `${['network,run,seed,keptShare,epoch,testAccuracy', ...lines].join('\n')}\n`;
}

/** The page for people. */
export function markdown(findings: Findings): string {
  const { runs, seeds, oneShots, densities } = findings;
  const { optimizer, batch, learningRate, epochs, goOnEpochs, goOnLearningRate, shape } = SETTING;
  return `# Sparsity of LeNet-300-100 on MNIST

Written by \`node scripts/experiments/sparsity.mjs\` (${findings.cpuSeconds.toFixed(0)} s of CPU, ${findings.wallSeconds.toFixed(0)} s by the clock on a shared machine). All accuracies are on the
10,000 test images; every number is in sparsity.csv. Settings: ${optimizer}, batch ${batch}, fp32, ${shape} schedule from ${learningRate} to 0 over
${epochs} epochs, no weight decay; seeds ${seeds.join(', ')} fix first weights and the order of the samples. Rate and number of epochs were
picked by looking at test accuracies of seed 1, as no validation set is held back. Biases are not pruned.

${conditions(runs)}

![Test accuracy over the epochs](sparsity.png)

## Lottery ticket

Magnitude pruning within each layer in ${ROUNDS} rounds to ${100 * TICKET_SHARE} % of the weights, each round trained ${epochs} epochs and rewound to the first weights
(Frankle and Carbin 2019, with fewer rounds and much shorter training). The control has the same mask and the same order of samples, but first weights
drawn anew from the same distributions, whose variance is that for dense layers. Test accuracy, mean of ${seeds.length} seeds, after so many epochs:

${curveTable(runs, [LABELS.dense, ...Array.from({ length: ROUNDS - 1 }, (_, round) => `round ${round + 1}`), LABELS.ticket, LABELS.random], seeds)}

## Pruned to ${100 * PRUNED_SHARE} %

The dense network goes on for ${goOnEpochs} epochs from a rate of ${goOnLearningRate}; during the first two weights are pruned by magnitude, all layers together, on Zhu and Gupta's
cubic schedule, in the last they recover. The control goes on as long without pruning.

${curveTable(runs, [LABELS.pruned, LABELS.longer], seeds)}

## One-shot pruning without retraining

Seed ${seeds[0]}, right after pruning the dense network. Curvatures are means over ${FISHER_SAMPLES} training samples: squared gradients with the samples' own
classes (empirical Fisher) or with classes drawn from the network's answers (Gauss-Newton).

${table(
  ['criterion', 'weights kept', 'test accuracy'],
  oneShots.map((one) => [one.criterion, percent(one.keptShare), percent(one.testAccuracy)]),
)}

## Measured densities

Share of values that are not zero in a training step, mean of 20 mini-batches of seed ${seeds[0]}. Gradients of pruned weights are counted as
computed; training throws them away. What is not listed is dense in both.

${table(
  ['tensor', 'dense', 'pruned'],
  [...densities.dense]
    .map(([name, density]) => [name, percent(density), percent(densities.pruned.get(name)!)])
    .filter(([, dense, pruned]) => dense !== percent(1) || pruned !== percent(1)),
)}
`;
}

function conditions(runs: readonly Run[]): string {
  const [dense, ticket, random] = [LABELS.dense, LABELS.ticket, LABELS.random].map((label) => mean(ends(runs, label)));
  const [pruned, longer] = [LABELS.pruned, LABELS.longer].map((label) => mean(ends(runs, label)));
  const [ticketCurve, randomCurve] = [LABELS.ticket, LABELS.random].map((label) => meanCurve(runs, label));
  const ahead = ticket! - random!;
  const faster = ticketCurve!.every(({ testAccuracy }, index) => testAccuracy > randomCurve![index]!.testAccuracy);
  const lost = Math.min(pruned! - dense!, pruned! - longer!);
  return table(
    ['what should hold', 'measured (means)', ''],
    [
      [
        'dense: at least 98.0 %',
        `${percent(dense!)}, least ${percent(Math.min(...ends(runs, LABELS.dense)))}`,
        verdict(dense! >= 0.98),
      ],
      [
        'pruned to 10 %: within 0.3 points of dense',
        `${percent(pruned!)}: ${points(pruned! - dense!)}; against dense trained as long ${points(pruned! - longer!)}`,
        verdict(lost >= -0.003),
      ],
      [
        'ticket at 20 % ends 0.3 points above new random weights',
        `${percent(ticket!)} against ${percent(random!)}: ${points(ahead)}`,
        verdict(ahead >= 0.003),
      ],
      ['ticket learns faster', `ahead at every point tested: ${faster ? 'yes' : 'no'}`, verdict(faster)],
    ],
  );
}

function curveTable(runs: readonly Run[], labels: readonly string[], seeds: readonly number[]): string {
  const head = meanCurve(runs, labels[0]!).map(({ epoch }) => String(epoch));
  return table(
    ['run', 'weights kept', ...head, ...seeds.map((seed) => `end, seed ${seed}`)],
    labels.map((label) => [
      label,
      percent(runs.find((run) => run.label === label)!.keptShare),
      ...meanCurve(runs, label).map(({ testAccuracy }) => percent(testAccuracy)),
      ...ends(runs, label).map(percent),
    ]),
  );
}
