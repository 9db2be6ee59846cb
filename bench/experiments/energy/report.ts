import { joules, percent, seconds } from '../../../src/report/format.ts';
import { csvLines, markdownTable } from '../../../src/report/tables.ts';
import { LEVELS, reached, type StepCost } from './costs.ts';
import { MACHINES, METHODS, type Subject } from './methods.ts';
import { HELD_OUT, type Run, SEED } from './training.ts';

/** A network's training runs, if it was trained, and its costs on both machines. */
export interface Finding {
  readonly name: string;
  readonly subject: Subject | null;
  readonly runs: readonly Run[];
  readonly costs: readonly StepCost[];
}

/** Every test of every run with what it cost on each machine until then. */
export function csv(findings: readonly Finding[]): string {
  const head = 'network,method,machine,learningRate,steps,samples,testAccuracy,cycles,seconds,energyPj'.split(',');
  const rows = findings.flatMap(({ runs, costs }) =>
    runs.flatMap((run) =>
      costs
        .filter(({ method }) => method.name === run.method)
        .flatMap(({ machine, method, ...cost }) =>
          run.points.map(({ steps, testAccuracy }) => [
            ...[
              run.network,
              run.method,
              machine,
              String(run.learningRate),
              String(steps),
              String(steps * method.batch),
            ],
            ...[testAccuracy.toFixed(4), String(steps * cost.cycles)],
            ...[(steps * cost.seconds).toPrecision(6), (steps * cost.energyPj).toPrecision(6)],
          ]),
        ),
    ),
  );
  return csvLines([head, ...rows]);
}

function toAccuracy({ runs, costs, subject }: Finding): string {
  const rows = runs.flatMap((run) =>
    costs
      .filter(({ method }) => method.name === run.method)
      .map((cost) => [
        run.method,
        cost.machine,
        ...LEVELS.map((level) => {
          const point = reached(run, level);
          if (point === undefined) return '-';
          const { steps } = point;
          const passes = (steps * cost.method.batch) / subject!.samples;
          return `${passes.toFixed(2)} / ${seconds(steps * cost.seconds)} / ${joules(steps * cost.energyPj)}`;
        }),
      ]),
  );
  return markdownTable(['method', 'machine', ...LEVELS.map((level) => `${100 * level} %`)], rows);
}

function outcomes({ runs, subject }: Finding): string {
  const best = ({ points }: Run): number => Math.max(...points.map(({ testAccuracy }) => testAccuracy));
  const rows = runs.map((run) => [
    run.method,
    String(run.learningRate),
    run.validation
      .map(
        ({ learningRate, accuracy }) =>
          `${learningRate}: ${accuracy === null ? 'not finite' : (100 * accuracy).toFixed(1)}`,
      )
      .join(', '),
    ((run.points.at(-1)!.steps * METHODS.find(({ name }) => name === run.method)!.batch) / subject!.samples).toFixed(0),
    `${(100 * best(run)).toFixed(2)} %`,
    `${(100 * run.points.at(-1)!.testAccuracy).toFixed(2)} %`,
  ]);
  return markdownTable(
    ['method', 'rate', 'validation accuracy by rate, %', 'epochs', 'best test accuracy', 'last'],
    rows,
  );
}

function costTable(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ name, costs }) =>
    METHODS.map((method) => [
      name,
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

/** Method that reaches each accuracy with least energy, and in least time, by machine. */
function least({ runs, costs }: Finding): string {
  const cheapest = (machine: string, level: number, of: (cost: StepCost) => number): string => {
    const found = costs.flatMap((cost) => {
      const run = runs.find(({ method }) => method === cost.method.name);
      const point = run && reached(run, level);
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

function section(finding: Finding): string {
  const { name, subject, runs } = finding;
  const missing = METHODS.filter((method) => runs.every((run) => run.method !== method.name)).map((one) => one.name);
  const note = missing.length > 0 ? `\nNot trained yet: ${missing.join(', ')}.\n` : '';
  return `## ${name}

The first ${subject!.samples.toLocaleString('en')} training images. Epochs / time / energy on the machine when the accuracy was first met at a test:

${toAccuracy(finding)}

${least(finding)}

![Energy to each accuracy](energy-to-accuracy.${name}.energy.png)

![Time to each accuracy](energy-to-accuracy.${name}.time.png)

${outcomes(finding)}
${note}`;
}

/** The page for people; `accountingSeconds` is what simulating all steps took. */
export function markdown(findings: readonly Finding[], conclusions: string): string {
  const trained = findings.filter(({ runs }) => runs.length > 0);
  const batch = METHODS.find((method) => method.batch > 1)!.batch;
  return `# Energy and time to accuracy on the CATERPILLAR machines

Written by \`node scripts/experiments/energy-to-accuracy.mjs\`, which trains what energy-to-accuracy.json does not hold yet (delete it to
train all anew) and computes costs from it. Plain gradient descent on MNIST, seed ${SEED}, cosine schedule to 0 over each run's epochs.

- SGD: one sample a step. Mini-batch: ${batch}. CP: continuous propagation, every layer on another sample. FA, DFA: feedback alignment and
  direct feedback alignment. All but mini-batch take one sample a step.
- Rates are those of three with the best accuracy on the last ${HELD_OUT.toLocaleString('en')} training images after a short run, which the networks are never
  trained on; a pick at the end of what was tried may not be the best there is. Accuracies are on the 10,000 test images.
- Values were fp32 in training; costs are those of fp16, dense. A run's cost is that of one step times its steps: filling
  a pipeline once, and loading first weights, is not in it. Accuracies are known only where networks were tested, so costs are upper
  bounds: the accuracy was met at that test or somewhere after the one before.
- Runs are short, as steps of one sample take long in software: part of the images, one epoch (mini-batch: ${METHODS.find((method) => method.batch > 1)!.epochs}). "-" means
  not met within the run, not that the method cannot. One seed: differences below about half a point of accuracy mean nothing.

${trained.map(section).join('\n')}
## One sample on each machine

Of a training step, divided by its samples; mlp-2500 was not trained.

${costTable(findings)}

${conclusions}`;
}
