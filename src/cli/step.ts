import { InputError } from '../errors.ts';
import { dataPath, readInput } from '../files.ts';
import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import { systolic } from '../models/systolic/model.ts';
import type { History } from '../step/history.ts';
import { exampleProduct } from '../step/matrix.ts';
import { stepPage } from '../step/page.ts';
import { runSetup, type Setup } from '../step/setup.ts';
import { MAX_DIMENSION, MAX_GRID } from '../step/stepper.ts';
import { terminalDrawing } from '../step/terminal.ts';
import { readMatmul } from '../workload/inline.ts';
import type { StepArguments } from './commands/step.ts';
import { readName } from './options.ts';
import { deliver, terminal } from './output.ts';
import { walk } from './walk.ts';

/** What is stepped through. Throws InputError listing what is too large to be drawn. */
function setupOf(workload: string, arch: string, sets: readonly string[]): Setup {
  const machine = loadMachine(arch, sets, SCHEMAS);
  const dimensions = readMatmul(workload);
  if (dimensions === null)
    throw InputError.of(workload, 'is no product', 'write matmul:MxNxK, for example matmul:4x3x5');
  if (machine.kind !== systolic.kind)
    throw InputError.of('--arch', `${machine.name} has no grid of PEs`, 'name a systolic machine, such as edge-16x16');
  const { array } = systolic.schema.parse(machine.spec);
  const tooLarge = (where: string, value: number, most: number, remedy: string) =>
    value > most ? [{ where, found: `${value}, at most ${most} are drawn`, remedy }] : [];
  const problems = [
    ...(['rows', 'columns'] as const).flatMap((side) =>
      tooLarge(`${machine.name}: array.${side}`, array[side], MAX_GRID, `add --set array.${side}=4`),
    ),
    ...Object.entries(dimensions).flatMap(([name, value]) =>
      tooLarge(`${workload}: ${name.toUpperCase()}`, value, MAX_DIMENSION, 'take a smaller product'),
    ),
  ];
  if (problems.length > 0) throw new InputError(problems);
  const { rows, columns, dataflow, doubleBuffered, overlapPasses } = array;
  return {
    kind: 'systolic',
    machine: machine.name,
    product: exampleProduct(dimensions),
    timing: { rows, columns, dataflow, doubleBuffered, overlapPasses },
  };
}

/** First and last cycle of `N` or `FIRST-LAST`. Throws InputError. */
function readCycles(text: string, { cycles }: History): [number, number] {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > last || last > cycles)
    throw InputError.of('--cycles', text, `write N or FIRST-LAST, from 0 to ${cycles}`);
  return [first, last];
}

/** `accsim step`: a walk on a terminal; all or some cycles as text; or a page. Throws InputError. */
export async function runStep(args: StepArguments): Promise<void> {
  const format = readName(args.format, ['table', 'html'], 'format');
  const setup = setupOf(args.workload, args.arch, args.set);
  const history = runSetup(setup);
  if (format === 'html') {
    const script = readInput(dataPath('dist', 'step-page.js'));
    return deliver(stepPage(setup, history.title, script), args.out, args.quiet);
  }
  const isWalk =
    args.cycles === undefined &&
    args.out === undefined &&
    process.stdin.isTTY === true &&
    process.stdout.isTTY === true;
  const draw = terminalDrawing(terminal().colors && args.out === undefined);
  if (isWalk) return walk(history, draw);
  const [first, last] = args.cycles === undefined ? [0, history.cycles] : readCycles(args.cycles, history);
  const frames = Array.from({ length: last - first + 1 }, (_, index) => {
    history.goTo(first + index);
    return draw(history.scene(), history.cycles);
  });
  deliver([history.title, '', ...frames].join('\n'), args.out, args.quiet);
}
