import { writeOutput } from '../../../src/files.ts';
import { chart, QUANTITIES } from './chart.ts';
import { CONCLUSIONS } from './conclusions.ts';
import { stepCosts } from './costs.ts';
import { keep, keptTrainings, target } from './kept.ts';
import { METHODS, SUBJECTS } from './methods.ts';
import { csv, type Finding, markdown } from './report.ts';
import { train } from './training.ts';

/** Trains what is not kept yet, then works out what all of it costs on the machines and writes the report. */

const LARGE = { name: 'mlp-2500', path: 'reports/anchors/mlp-2500.yaml' } as const;
const NAME = 'energy-to-accuracy';

const trainings = keptTrainings();
const isKept = (network: string, name: string): boolean =>
  trainings.some((one) => one.network === network && one.method === name);
if (!process.argv.includes('--report'))
  for (const subject of SUBJECTS)
    for (const method of METHODS) {
      if (isKept(subject.name, method.name)) continue;
      const training = train(subject, method);
      trainings.push(training);
      keep(trainings);
      const last = training.runs.map(({ points }) => (100 * points.at(-1)!.testAccuracy).toFixed(2));
      const { learningRate, seconds } = training;
      console.log(
        `${subject.name}, ${method.name}, rate ${learningRate}: ${last.join(' ')} % in ${seconds.toFixed(0)} s`,
      );
    }

const findings: Finding[] = [];
const start = performance.now();
for (const subject of SUBJECTS) {
  const ofSubject = METHODS.flatMap(({ name }) =>
    trainings.filter(({ network, method }) => network === subject.name && method === name),
  );
  findings.push({ name: subject.name, trainings: ofSubject, costs: await stepCosts(subject.path) });
}
findings.push({ name: LARGE.name, trainings: [], costs: await stepCosts(LARGE.path) });
console.log(`costs of ${findings.length} networks took ${((performance.now() - start) / 1e3).toFixed(2)} s`);
writeOutput(target(`${NAME}.csv`), csv(findings));
writeOutput(target(`${NAME}.md`), markdown(findings, CONCLUSIONS));
for (const { name, trainings: ofNetwork, costs } of findings)
  if (ofNetwork.length > 0)
    for (const quantity of Object.keys(QUANTITIES) as (keyof typeof QUANTITIES)[])
      writeOutput(target(`${NAME}.${name}.${quantity}.png`), chart(ofNetwork, costs, quantity));
console.log(`wrote ${target(`${NAME}.md`)}`);
