import { markdownTable } from '../../../src/report/tables.ts';
import { LEVELS, reached, type StepCost } from './costs.ts';
import { MACHINES } from './methods.ts';
import type { Finding } from './report.ts';

/** What training to an accuracy takes by a method; undefined: it was not reached. */
type Quantity = (finding: Finding, method: string, level: number) => number | undefined;

const samples: Quantity = (finding, method, level) => {
  const training = finding.trainings.find((one) => one.method === method);
  const steps = training && reached(training, level)?.steps;
  return steps === undefined ? undefined : steps * costOf(finding, method, MACHINES[0]).method.batch;
};

function spent(machine: string, of: (cost: StepCost) => number): Quantity {
  return (finding, method, level) => {
    const cost = costOf(finding, method, machine);
    const count = samples(finding, method, level);
    return count === undefined ? undefined : (count / cost.method.batch) * of(cost);
  };
}

const energy = (machine: string): Quantity => spent(machine, ({ energyPj }) => energyPj);
const time = (machine: string): Quantity => spent(machine, ({ seconds }) => seconds);

function costOf({ costs }: Finding, method: string, machine: string): StepCost {
  return costs.find((cost) => cost.method.name === method && cost.machine === machine)!;
}

/** A question that a ratio answers: the least of some methods over the least of others. */
interface Question {
  readonly text: string;
  readonly quantity: Quantity;
  readonly of: readonly string[];
  readonly to: readonly string[];
}

const OTHERS = ['SGD', 'FA', 'DFA', 'mini-batch'];
const [SMALL, LARGE] = MACHINES;

const QUESTIONS: readonly Question[] = [
  { text: 'samples, least of the others to CP', quantity: samples, of: OTHERS, to: ['CP'] },
  { text: `energy, least of the others to CP, ${SMALL}`, quantity: energy(SMALL), of: OTHERS, to: ['CP'] },
  { text: `energy, least of the others to CP, ${LARGE}`, quantity: energy(LARGE), of: OTHERS, to: ['CP'] },
  { text: 'samples, mini-batch to SGD', quantity: samples, of: ['mini-batch'], to: ['SGD'] },
  { text: `energy, mini-batch to SGD or CP, ${SMALL}`, quantity: energy(SMALL), of: ['mini-batch'], to: ['SGD', 'CP'] },
  { text: `energy, mini-batch to SGD or CP, ${LARGE}`, quantity: energy(LARGE), of: ['mini-batch'], to: ['SGD', 'CP'] },
  { text: `time, mini-batch to SGD or CP, ${SMALL}`, quantity: time(SMALL), of: ['mini-batch'], to: ['SGD', 'CP'] },
  { text: `time, mini-batch to SGD or CP, ${LARGE}`, quantity: time(LARGE), of: ['mini-batch'], to: ['SGD', 'CP'] },
  { text: 'samples, FA to SGD', quantity: samples, of: ['FA'], to: ['SGD'] },
  { text: 'samples, DFA to SGD', quantity: samples, of: ['DFA'], to: ['SGD'] },
  { text: `energy, DFA to SGD, ${SMALL}`, quantity: energy(SMALL), of: ['DFA'], to: ['SGD'] },
];

/** Ratios at each accuracy by network: what decides which method wins. */
export function comparison(findings: readonly Finding[]): string {
  const rows = findings.flatMap((finding) =>
    QUESTIONS.map(({ text, quantity, of, to }) => [
      finding.subject.name,
      text,
      ...LEVELS.map((level) => {
        const least = (methods: readonly string[]): number =>
          Math.min(...methods.map((method) => quantity(finding, method, level) ?? Infinity));
        return ratio(least(of), least(to));
      }),
    ]),
  );
  return markdownTable(['network', 'ratio', ...LEVELS.map((level) => `${100 * level} %`)], rows);
}

/** Of two amounts, infinite where an accuracy was not reached. */
function ratio(of: number, to: number): string {
  if (Number.isFinite(of)) return Number.isFinite(to) ? (of / to).toFixed(2) : 'only the first';
  return Number.isFinite(to) ? 'only the second' : '-';
}
