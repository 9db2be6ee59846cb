import type { Trace } from '../../../trace/trace.ts';
import type { Job } from '../program.ts';
import { type CaterpillarSpec, coreCount, peCount, wordsA } from '../spec.ts';
import { foreignFormats } from './checks.ts';
import { gridName } from './grid.ts';
import { withoutMasters } from './masters.ts';
import type { Residency } from './residency.ts';

/** Grids and kernels that are worth naming. */
const LISTED = 4;

/** What a reader must know of how a trace was mapped. */
export function noteMapping(spec: CaterpillarSpec, trace: Trace, jobs: readonly Job[], residency: Residency): string[] {
  const notes: string[] = [];
  const kernels = counted(jobs.flatMap(({ kernels }) => kernels.map(({ name }) => name)));
  if (kernels.length > 0)
    notes.push(`Products by kernel: ${kernels.map(([name, times]) => `${times} ${name}`).join(', ')}.`);
  const grids = counted(jobs.flatMap(({ grid }) => (grid === null ? [] : [gridName(grid)])));
  if (grids.length > 0 && coreCount(spec) > 1)
    notes.push(
      `Cores by outputs x inputs x columns, for each weight those that take the least time: ${grids.slice(0, LISTED).map(productsOn).join(', ')}${grids.length > LISTED ? ' and others' : ''}.`,
    );
  const { memory } = spec;
  const { lastingSpilled, passingSpilled, peakWords } = residency;
  const share = ((100 * peakWords) / (peCount(spec) * wordsA(spec))).toFixed(0);
  if (lastingSpilled + passingSpilled > 0)
    notes.push(
      `${share} % of memories A are in use; ${spilled(lastingSpilled, passingSpilled)} do not fit and go through ${memory.name}.`,
    );
  const [memoryCycles, productCycles] = leastCycles(spec, jobs);
  if (memoryCycles > productCycles)
    notes.push(
      `${memory.name} alone takes ${grouped(memoryCycles)} cycles for what moves, products ${grouped(productCycles)} at full rate: in a larger batch, what was moved is used more often.`,
    );
  if (trace.workload.phase === 'training' && lastingSpilled === 0)
    notes.push('Weights stay in the PEs from step to step; no time is charged for loading them.');
  const foreign = new Set(
    trace.ops.flatMap((op) => (op.kind === 'matmul' || op.kind === 'conv' ? [...foreignFormats(spec, trace, op)] : [])),
  );
  if (foreign.size > 0) notes.push(`Layers fixed at ${[...foreign].join(', ')} are computed in ${spec.format}.`);
  return notes;
}

/** Cycles that off-chip memory and products need at least. */
function leastCycles({ memory, clockMHz, ...spec }: CaterpillarSpec, jobs: readonly Job[]): [number, number] {
  const sum = (of: (job: Job) => number): number => jobs.reduce((total, job) => total + of(job), 0);
  const bytes = sum(
    ({ weightReadBytes, operandReadBytes, writeBytes }) => weightReadBytes + operandReadBytes + writeBytes,
  );
  const bytesPerCycle = (memory.bandwidthGBps * 1e3) / clockMHz;
  return [Math.ceil(bytes / bytesPerCycle), Math.ceil(sum(({ macs }) => macs) / peCount(spec))];
}

/** What is not as the trace has it. */
export function noteMasters({ format }: CaterpillarSpec, trace: Trace): string[] {
  if (withoutMasters(trace) === trace) return [];
  return [`PEs add updates to the weights in ${format}; the trace's fp32 master copies are not kept.`];
}

/** How much of memory A was kept free, and what a step takes with each share tried. */
export function noteFreeShares(
  chosen: number,
  tried: readonly { readonly share: number; readonly cycles: number }[],
): string {
  const each = tried.map(({ share, cycles }) => `${grouped(cycles)} cycles with 1/${1 / share}`);
  return `1/${1 / chosen} of memories A is kept free for blocks that come and go: ${each.join(', ')}.`;
}

/** Which of two ways to run a pipeline was taken. */
export function notePools(poolCores: readonly number[], turnsCycles: number, poolsCycles: number): string {
  const both = `${grouped(turnsCycles)} cycles a step in turn on all cores, ${grouped(poolsCycles)} on ${poolCores.join(', ')} cores of their own`;
  return poolsCycles < turnsCycles
    ? `Layers take ${both}: they have their own. Cycles of ops are those of the whole machine.`
    : `Layers take ${both}: they take turns.`;
}

/** Distinct values with how often they occur, the most frequent first. */
function counted(values: readonly string[]): [value: string, times: number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((left, right) => right[1] - left[1]);
}

function productsOn([grid, times]: readonly [string, number]): string {
  return `${grid} for ${times} ${times === 1 ? 'product' : 'products'}`;
}

function spilled(lasting: number, passing: number): string {
  const parts: readonly (readonly [words: number, what: string])[] = [
    [lasting, 'weights and what updates keep'],
    [passing, 'activations and errors'],
  ];
  return parts
    .filter(([words]) => words > 0)
    .map(([words, what]) => `${grouped(words)} words of ${what}`)
    .join(' and ');
}

/** 8510563 -> `8,510,563`. */
function grouped(value: number): string {
  return Math.ceil(value).toLocaleString('en-US');
}
