import type { TensorId } from '../../../trace/trace.ts';
import { type CaterpillarSpec, coreCount, wordsA } from '../spec.ts';
import { bestOn, type Candidate, type Surroundings, type Task, taskLeastCycles } from './choose.ts';
import { type Grid, gridsOf } from './grid.ts';
import type { Group } from './groups.ts';
import { choose, isNear } from './tie.ts';

/** A group with what it multiplies; two tasks where delta and weight gradient cannot share a pass. */
export interface Plan {
  readonly group: Group;
  readonly tasks: readonly Task[];
  /** Groups that share weights share a grid. */
  readonly layout: TensorId | null;
}

/** Where a plan runs and how. */
export interface Mapped {
  readonly pool: number;
  readonly grid: Grid;
  readonly candidates: readonly Candidate[];
}

export interface Mapping {
  /** By plan; null where nothing is multiplied. */
  readonly mapped: readonly (Mapped | null)[];
  /** Cores of each pool: one pool of all cores, or one for each layer of a pipeline. */
  readonly poolCores: readonly number[];
}

/** Plans that share a weight, and their tasks with how often each occurs. */
interface Layer {
  readonly members: readonly number[];
  readonly tasks: readonly { readonly task: Task; readonly times: number }[];
}

interface Placed {
  readonly grid: Grid;
  readonly cycles: number;
  readonly memoryWords: number;
}

/**
 * Each layer gets the grid on which its plans take the least time together. Layers of a pipeline need not wait for each other: there, what
 * counts is how long they occupy cores, and besides taking turns on all cores each may have a pool of its own: a second mapping.
 */
export function mapPlans(
  spec: CaterpillarSpec,
  surroundings: Surroundings,
  plans: readonly Plan[],
  pipelined: boolean,
): Mapping[] {
  const layers = layersOf(plans);
  const cores = coreCount(spec);
  const place = (layer: Layer, count: number): Placed => bestGrid(surroundings, count, layer, pipelined);
  const mappingOf = (placed: readonly Placed[], poolCores: readonly number[]): Mapping => {
    const mapped: (Mapped | null)[] = plans.map(() => null);
    layers.forEach(({ members }, index) => {
      const { grid } = placed[index]!;
      for (const member of members)
        mapped[member] = {
          pool: poolCores.length === 1 ? 0 : index,
          grid,
          candidates: plans[member]!.tasks.map((task) => bestOn(surroundings, task, grid)!),
        };
    });
    return { mapped, poolCores };
  };
  const inTurn = mappingOf(
    layers.map((layer) => place(layer, cores)),
    [cores],
  );
  const pools = pipelined ? poolsOf(spec, layers, place) : null;
  if (pools === null) return [inTurn];
  return [
    inTurn,
    mappingOf(
      pools.map(({ placed }) => placed),
      pools.map(({ count }) => count),
    ),
  ];
}

function layersOf(plans: readonly Plan[]): Layer[] {
  const together = new Map<string, number[]>();
  plans.forEach(({ tasks, layout }, index) => {
    if (tasks.length === 0) return;
    const key = layout === null ? `plan ${index}` : `tensor ${layout}`;
    const members = together.get(key);
    if (members === undefined) together.set(key, [index]);
    else members.push(index);
  });
  return [...together.values()].map((members) => ({
    members,
    tasks: distinctTasks(members.flatMap((index) => plans[index]!.tasks)),
  }));
}

/** Tasks that differ, with how often each occurs: steps of a sequence are alike. */
function distinctTasks(tasks: readonly Task[]): Layer['tasks'] {
  const counts = new Map<string, { task: Task; times: number }>();
  for (const task of tasks) {
    const key = JSON.stringify(task);
    const entry = counts.get(key);
    if (entry === undefined) counts.set(key, { task, times: 1 });
    else entry.times++;
  }
  return [...counts.values()];
}

function bestGrid(surroundings: Surroundings, cores: number, { tasks }: Layer, pipelined: boolean): Placed {
  const placed: Placed[] = [];
  let fewestCycles = Number.POSITIVE_INFINITY;
  for (const grid of gridsOf(cores)) {
    const least = tasks.reduce(
      (sum, { task, times }) => sum + times * taskLeastCycles(surroundings.timing, task, grid),
      0,
    );
    const found = isNear(least, fewestCycles) ? placedOn(surroundings, grid, tasks, pipelined) : null;
    if (found === null) continue;
    placed.push(found);
    fewestCycles = Math.min(fewestCycles, found.cycles);
  }
  return choose(
    placed,
    ({ cycles }) => cycles,
    ({ memoryWords }) => memoryWords,
  );
}

function placedOn(surroundings: Surroundings, grid: Grid, tasks: Layer['tasks'], pipelined: boolean): Placed | null {
  let [cycles, memoryWords] = [0, 0];
  for (const { task, times } of tasks) {
    const candidate = bestOn(surroundings, task, grid);
    if (candidate === null) return null;
    cycles += times * (pipelined ? candidate.occupiesCycles : candidate.deliversCycles);
    memoryWords += times * candidate.memoryWords;
  }
  return { grid, cycles, memoryWords };
}

/** Cores of a layer's own, and how it runs on them. */
interface LayerPool {
  readonly count: number;
  readonly placed: Placed;
}

/**
 * A core for each layer, and each further one for the layer that takes longest, which uses as many of those it was given as are fastest:
 * some numbers divide badly. Null if weights would not fit their cores.
 */
function poolsOf(
  spec: CaterpillarSpec,
  layers: readonly Layer[],
  place: (layer: Layer, count: number) => Placed,
): LayerPool[] | null {
  const cores = coreCount(spec);
  if (layers.length < 2 || layers.length > cores) return null;
  if (layers.some(({ tasks }) => tasks.some(({ task }) => !task.resident))) return null;
  const words = layers.map(({ tasks }) => Math.max(...tasks.map(({ task }) => weightWords(task))));
  const fits = ({ count }: LayerPool, index: number): boolean =>
    words[index]! <= count * spec.core.size ** 2 * wordsA(spec);
  const given = layers.map(() => 1);
  const pools = layers.map((layer): LayerPool => ({ count: 1, placed: place(layer, 1) }));
  for (let total = layers.length; total < cores; total++) {
    const cycles = pools.map(({ placed }) => placed.cycles);
    const longest = cycles.indexOf(Math.max(...cycles));
    const count = given[longest]! + 1;
    given[longest] = count;
    const before = pools[longest]!;
    const placed = place(layers[longest]!, count);
    if (placed.cycles < before.placed.cycles || !fits(before, longest)) pools[longest] = { count, placed };
  }
  return pools.every(fits) ? pools : null;
}

function weightWords({ contraction: { path, count, rows, depth, columns } }: Task): number {
  return count * rows * (path === 'weight-gradient' ? columns : depth);
}
