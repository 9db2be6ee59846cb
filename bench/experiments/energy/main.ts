import { writeOutput } from '../../../src/files.ts';
import { chart, QUANTITIES } from './chart.ts';
import { stepCosts } from './costs.ts';
import { keep, keptTrainings, target } from './kept.ts';
import { epochsOf, METHODS, SUBJECTS } from './methods.ts';
import { csv, type Finding, markdown } from './report.ts';
import { prepare, run } from './training.ts';

/** Trains, then works out what all of it costs on the machines and writes the report. */

const NAME = 'energy-to-accuracy';

const trainings = new Map(keptTrainings().map((training) => [`${training.network}, ${training.method}`, training]));

/** Trains what is not kept yet, the shortest runs first: whenever this is ended, all stand nearly alike. */
function trainAll(): void {
  const runs = SUBJECTS.flatMap((subject) =>
    METHODS.flatMap((method) => epochsOf(subject, method).map((epochs) => ({ subject, method, epochs }))),
  );
  for (const { subject, method, epochs } of runs.sort((left, right) => left.epochs - right.epochs)) {
    const name = `${subject.name}, ${method.name}`;
    const training = trainings.get(name) ?? prepare(subject, method);
    if (training.runs.some((one) => one.epochs === epochs)) continue;
    const result = run(subject, method, training.learningRate, epochs);
    trainings.set(name, { ...training, runs: [...training.runs, result].sort((a, b) => a.epochs - b.epochs) });
    keep([...trainings.values()]);
    const accuracy = (100 * result.points.at(-1)!.testAccuracy).toFixed(2);
    console.log(
      `${name}, rate ${training.learningRate}, epochs ${epochs}: ${accuracy} % in ${result.seconds.toFixed(0)} s`,
    );
  }
}

if (!process.argv.includes('--report')) trainAll();
const findings: Finding[] = [];
const start = performance.now();
for (const subject of SUBJECTS) {
  const ofSubject = METHODS.flatMap(({ name }) => trainings.get(`${subject.name}, ${name}`) ?? []);
  findings.push({ subject, trainings: ofSubject, costs: await stepCosts(subject.path) });
}
console.log(`costs of ${findings.length} networks took ${((performance.now() - start) / 1e3).toFixed(2)} s`);
writeOutput(target(`${NAME}.csv`), csv(findings));
writeOutput(target(`${NAME}.md`), markdown(findings));
for (const { subject, trainings: ofNetwork, costs } of findings)
  if (ofNetwork.length > 0)
    for (const quantity of Object.keys(QUANTITIES) as (keyof typeof QUANTITIES)[])
      writeOutput(target(`${NAME}.${subject.name}.${quantity}.png`), chart(ofNetwork, costs, quantity));
console.log(`wrote ${target(`${NAME}.md`)}`);
