import { InputError, type Problem } from '../errors.ts';
import { dataPath, readInput } from '../files.ts';
import { loadMachine } from '../machine/load.ts';
import type { Machine } from '../machine/source.ts';
import { caterpillar } from '../models/caterpillar/model.ts';
import { coreCount, coreTiming, ringSpec } from '../models/caterpillar/spec.ts';
import { RING_ALGORITHMS, type RingCollective } from '../models/caterpillar/units/ring.ts';
import { SCHEMAS } from '../models/registry.ts';
import { systolic } from '../models/systolic/model.ts';
import type { History } from '../step/history.ts';
import { type Dimensions, exampleProduct } from '../step/matrix.ts';
import { stepPage } from '../step/page.ts';
import { runSetup, type Setup } from '../step/setup.ts';
import { MAX_CORES, MAX_DIMENSION, MAX_GRID, MAX_WORDS } from '../step/stepper.ts';
import { terminalDrawing } from '../step/terminal.ts';
import { didYouMean } from '../suggest.ts';
import { readMatmul } from '../workload/inline.ts';
import type { StepArguments } from './commands/step.ts';
import { readName } from './options.ts';
import { deliver, terminal } from './output.ts';
import { walk } from './walk.ts';

const COLLECTIVES = Object.keys(RING_ALGORITHMS) as RingCollective[];
const FORMS = 'write matmul:MxNxK, such as matmul:4x3x5, or, on a ring of cores, all-reduce:CORESxWORDS';

/** What is larger than can be drawn. */
function tooLarge(where: string, value: number, most: number, remedy: string): Problem[] {
  return value > most ? [{ where, found: `${value}, at most ${most} are drawn`, remedy }] : [];
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InputError(problems);
}

function tooLargeProduct(workload: string, dimensions: Dimensions): Problem[] {
  return Object.entries(dimensions).flatMap(([name, value]) =>
    tooLarge(`${workload}: ${name.toUpperCase()}`, value, MAX_DIMENSION, 'take a smaller product'),
  );
}

function systolicSetup(machine: Machine, workload: string, dimensions: Dimensions): Setup {
  const { array } = systolic.schema.parse(machine.spec);
  refuse([
    ...(['rows', 'columns'] as const).flatMap((side) =>
      tooLarge(`${machine.name}: array.${side}`, array[side], MAX_GRID, `add --set array.${side}=4`),
    ),
    ...tooLargeProduct(workload, dimensions),
  ]);
  const { rows, columns, dataflow, doubleBuffered, overlapPasses } = array;
  return {
    kind: 'systolic',
    machine: machine.name,
    product: exampleProduct(dimensions),
    timing: { rows, columns, dataflow, doubleBuffered, overlapPasses },
  };
}

function coreSetup(machine: Machine, workload: string, dimensions: Dimensions): Setup {
  const spec = caterpillar.schema.parse(machine.spec);
  const timing = coreTiming(spec);
  refuse([
    ...tooLarge(`${machine.name}: core.size`, timing.size, MAX_GRID, 'add --set core.size=4'),
    ...tooLargeProduct(workload, dimensions),
  ]);
  return { kind: 'core', machine: machine.name, product: exampleProduct(dimensions), timing, format: spec.format };
}

/** `COLLECTIVE:CORESxWORDS`. Throws InputError. */
function ringSetup(machine: Machine, workload: string, name: string, sizes: string): Setup {
  const spec = caterpillar.schema.parse(machine.spec);
  const collective = COLLECTIVES.find((known) => known === name);
  if (collective === undefined)
    throw InputError.of(workload, `${name} cannot be stepped through`, didYouMean(name, ['matmul', ...COLLECTIVES]));
  if (coreCount(spec) < 2)
    throw InputError.of('--arch', `${machine.name} has one core and no ring`, 'name caterpillar-2x16 or lap');
  const match = /^(\d{1,9})x(\d{1,9})$/i.exec(sizes.trim());
  const [cores, words] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || cores < 2 || words < 1)
    throw InputError.of(workload, sizes, `write ${name}:CORESxWORDS with two cores or more, such as ${name}:8x64`);
  refuse([
    ...tooLarge(`${workload}: cores`, cores, Math.min(MAX_CORES, coreCount(spec)), 'take fewer'),
    ...tooLarge(`${workload}: words`, words, MAX_WORDS, 'take fewer'),
  ]);
  return { kind: 'ring', machine: machine.name, ring: ringSpec(spec), collective, cores, words };
}

/** What is stepped through. Throws InputError listing what is too large to be drawn. */
function setupOf(workload: string, arch: string, sets: readonly string[]): Setup {
  const machine = loadMachine(arch, sets, SCHEMAS);
  const isCore = machine.kind === caterpillar.kind;
  if (machine.kind !== systolic.kind && !isCore)
    throw InputError.of('--arch', `${machine.name} has no grid of PEs`, 'name edge-16x16, lac or caterpillar-2x16');
  const dimensions = readMatmul(workload);
  if (dimensions !== null) return (isCore ? coreSetup : systolicSetup)(machine, workload, dimensions);
  const [, name, sizes] = /^([a-z-]+):(.*)$/is.exec(workload) ?? [];
  if (!isCore || name === undefined) throw InputError.of(workload, 'cannot be stepped through', FORMS);
  return ringSetup(machine, workload, name, sizes!);
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
