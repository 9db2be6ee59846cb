import { joules, percent, seconds } from '../../../src/report/format.ts';
import { csvLines, markdownTable } from '../../../src/report/tables.ts';
import { comparison } from './comparison.ts';
import { conclusions } from './conclusions.ts';
import { LEVELS, reached, type StepCost } from './costs.ts';
import { epochsOf, MACHINES, METHODS, type Subject } from './methods.ts';
import { HELD_OUT, SEED, TEST_RATIO, type Training } from './training.ts';

/** How a network was trained by each method, if it was, and its costs on both machines. */
export interface Finding {
  readonly subject: Subject;
  readonly trainings: readonly Training[];
  readonly costs: readonly StepCost[];
}

/** Every test of every run with what it cost on each machine until then. */
export function csv(findings: readonly Finding[]): string {
  const head = 'network,method,machine,learningRate,epochs,steps,samples,testAccuracy,cycles,seconds,energyPj'.split(
    ',',
  );
  const rows = findings.flatMap(({ trainings, costs }) =>
    trainings.flatMap(({ network, method: name, learningRate, runs }) =>
      costs
        .filter(({ method }) => method.name === name)
        .flatMap(({ machine, method, ...cost }) =>
          runs.flatMap(({ epochs, points }) =>
            points.map(({ steps, testAccuracy }) => [
              ...[network, name, machine, String(learningRate), String(epochs)],
              ...[String(steps), String(steps * method.batch), testAccuracy.toFixed(4), String(steps * cost.cycles)],
              ...[(steps * cost.seconds).toPrecision(6), (steps * cost.energyPj).toPrecision(6)],
            ]),
          ),
        ),
    ),
  );
  return csvLines([head, ...rows]);
}

function toAccuracy({ subject, trainings, costs }: Finding): string {
  const rows = trainings.flatMap((training) =>
    costs
      .filter(({ method }) => method.name === training.method)
      .map((cost) => [
        training.method,
        cost.machine,
        ...LEVELS.map((level) => {
          const point = reached(training, level);
          if (point === undefined) return '-';
          const { steps } = point;
          const passes = (steps * cost.method.batch) / subject.samples;
          return `${passes.toFixed(2)} / ${seconds(steps * cost.seconds)} / ${joules(steps * cost.energyPj)}`;
        }),
      ]),
  );
  return markdownTable(['method', 'machine', ...LEVELS.map((level) => `${100 * level} %`)], rows);
}

/** Of picking a rate and of all runs. */
function wallSeconds({ runs, rateSeconds }: Pick<Training, 'runs' | 'rateSeconds'>): number {
  return runs.reduce((sum, one) => sum + one.seconds, rateSeconds);
}

const points = (share: number): string => (100 * share).toFixed(2);

function outcomes({ trainings }: Finding): string {
  const rows = trainings.map(({ method, learningRate, validation, runs, rateSeconds }) => [
    method,
    String(learningRate),
    validation
      .map(({ learningRate, accuracy }) => `${learningRate}: ${accuracy === null ? 'not finite' : points(accuracy)}`)
      .join(', '),
    runs
      .map(
        (run) => `${run.epochs}: ${points(run.points.at(-1)!.testAccuracy)}${run.diverged ? ', then not finite' : ''}`,
      )
      .join(', '),
    `${(wallSeconds({ runs, rateSeconds }) / 60).toFixed(0)} min`,
  ]);
  return markdownTable(
    ['method', 'rate', 'validation accuracy by rate, %', 'last test accuracy by epochs, %', 'wall time'],
    rows,
  );
}

function costTable(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ subject, costs }) =>
    METHODS.map((method) => [
      subject.name,
      method.name,
      ...MACHINES.flatMap((machine) => {
        const cost = costs.find((one) => one.machine === machine && one.method === method)!;
        const { batch } = method;
        return [seconds(cost.seconds / batch), joules(cost.energyPj / batch), percent(cost.utilization)];
      }),
    ]),
  );
  const head = MACHINES.flatMap((machine) => [`${machine}: time`, 'energy', 'utilization']);
  return markdownTable(['network', 'method', ...head], rows);
}

/** Methods by what they need to each accuracy, least first. */
function least({ trainings, costs }: Finding): string {
  const cheapest = (machine: string, level: number, of: (cost: StepCost) => number): string => {
    const found = costs.flatMap((cost) => {
      const training = trainings.find(({ method }) => method === cost.method.name);
      const point = training && reached(training, level);
      return point === undefined || cost.machine !== machine
        ? []
        : [{ name: cost.method.name, value: point.steps * of(cost) }];
    });
    return (
      found
        .sort((a, b) => a.value - b.value)
        .map(({ name }) => name)
        .join(' < ') || '-'
    );
  };
  const rows = MACHINES.flatMap((machine) => [
    [machine, 'energy', ...LEVELS.map((level) => cheapest(machine, level, ({ energyPj }) => energyPj))],
    [machine, 'time', ...LEVELS.map((level) => cheapest(machine, level, (cost) => cost.seconds))],
  ]);
  return markdownTable(['machine', 'least first', ...LEVELS.map((level) => `${100 * level} %`)], rows);
}

const images = (count: number): string => count.toLocaleString('en');

function section(finding: Finding): string {
  const { trainings, subject } = finding;
  const { name, samples, rateSamples } = subject;
  const missing = METHODS.flatMap((method) => {
    const runs = trainings.find((training) => training.method === method.name)?.runs ?? [];
    const epochs = epochsOf(subject, method).filter((one) => runs.every((run) => run.epochs !== one));
    return epochs.length > 0 ? [`${method.name} over ${epochs.join(' and ')} epochs`] : [];
  });
  const note = missing.length > 0 ? `\nNot run yet, so not in the tables: ${missing.join(', ')}.\n` : '';
  return `## ${name}

The first ${images(samples)} training images; rates were compared on the first ${images(rateSamples)}. Epochs of the runs: ${subject.epochs.one.join(' and ')} by methods of one
sample a step, ${subject.epochs.batch.join(', ')} by mini-batches.

Epochs / time / energy on the machine when the accuracy was first met at a test, in whichever run met it first:

${toAccuracy(finding)}

${least(finding)}

![Energy to each accuracy](energy-to-accuracy.${name}.energy.png)

![Time to each accuracy](energy-to-accuracy.${name}.time.png)

${outcomes(finding)}
${note}`;
}

/** The page for people. */
export function markdown(findings: readonly Finding[]): string {
  const trained = findings.filter(({ trainings }) => trainings.length > 0);
  const wall = trained.flatMap(({ trainings }) => trainings).reduce((sum, training) => sum + wallSeconds(training), 0);
  const batch = METHODS.find((method) => method.batch > 1)!;
  const one = METHODS.find((method) => method.batch === 1)!;
  return `# Energy and time to accuracy on the CATERPILLAR machines

Written by \`node scripts/experiments/energy-to-accuracy.mjs\`, which trains what energy-to-accuracy.json does not hold yet (delete it to
train all anew) and computes costs from it; training took ${(wall / 60).toFixed(0)} minutes of wall time on one of two busy cores. Plain gradient
descent on MNIST, seed ${SEED}.

- SGD: one sample a step. Mini-batch: ${batch.batch}. CP: continuous propagation, every layer on another sample. FA, DFA: feedback alignment and
  direct feedback alignment. All but mini-batch take one sample a step.
- Each method has several runs, over which its learning rate falls to 0 along a cosine: a run over few epochs comes to low accuracies
  sooner, one over many to higher ones, and the tables have the better of them for each accuracy.
- Rates differ by powers of two and were compared by accuracy on the last ${images(HELD_OUT)} training images, which the networks are never
  trained on, after ${one.rateEpochs} epoch (mini-batch: ${batch.rateEpochs}), until there were worse ones on both sides of the best. Taken was the
  lowest that lies within a standard error of the best. Accuracies in the tables below are on the 10,000 test images.
- Tests follow each other at ${TEST_RATIO} times the samples, so that an accuracy was met at the test named or up to ${((1 - 1 / TEST_RATIO) * 100).toFixed(0)} % before it.
- Values were fp32 in training; costs are those of fp16, dense ([formats](../training/formats.md): with fp32 masters, which these machines do not keep, lenet-300-100
  gets as far in fp16). A run's cost is that of one step times its steps: filling
  a pipeline once, and loading first weights, is not in it.
- "-" means not met within the runs, not that the method cannot. One seed: differences below about 0.2 points of accuracy, or below
  one test in cost, mean nothing.

${trained.map(section).join('\n')}
## One sample on each machine

Of a training step, divided by its samples.

${costTable(findings)}

## What decides

Ratios of what each accuracy took; above 1, the method named second got there with less.

${comparison(trained)}

${conclusions(findings)}`;
}
