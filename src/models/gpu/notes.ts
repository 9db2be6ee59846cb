import type { Trace } from '../../trace/trace.ts';
import type { RankTimes } from './assemble.ts';
import { patternOf } from './lower/check.ts';
import type { Transfer } from './lower/communicate.ts';
import type { Call } from './lower/lower.ts';
import { type GpuSpec, operandsOf } from './spec.ts';

/** Kinds of transfers that are listed; those that take longest come first. */
const LISTED = 8;

/** Transfers by kind and size with their simulated time and the closed formula beside. */
export function transferNotes(trace: Trace, transfers: readonly Transfer[]): string[] {
  const kinds = new Map<string, { readonly times: number; readonly transfer: Transfer; readonly name: string }>();
  for (const transfer of transfers) {
    const op = trace.ops[transfer.op]!;
    if (op.kind !== 'collective' || transfer.seconds === 0) continue;
    const ends = op.function === 'send' ? `to rank ${op.peer}` : `of ${op.ranks} ranks`;
    const name = `${op.function} ${ends}, ${megabytes(transfer.linkWriteBytes)} leaving each (${transfer.method})`;
    const times = (kinds.get(name)?.times ?? 0) + 1;
    kinds.set(name, { times, transfer, name });
  }
  const byTime = [...kinds.values()].sort(
    (one, other) => other.times * other.transfer.seconds - one.times * one.transfer.seconds,
  );
  const lines = byTime
    .slice(0, LISTED)
    .map(
      ({ times, transfer: { seconds, formulaSeconds }, name }) =>
        `${times} x ${name}: ${microseconds(seconds)} each, closed formula ${microseconds(formulaSeconds)}.`,
    );
  const rest = byTime.length > LISTED ? [`... and ${byTime.length - LISTED} more sizes of transfers.`] : [];
  return [...lines, ...rest];
}

/** Patterns of zeros in weights that no math of the machine leaves out. */
export function patternNotes(spec: GpuSpec, trace: Trace, calls: readonly Call[]): string[] {
  const formats = calls.flatMap(({ op, math }) => {
    const found = patternOf(trace, trace.ops[op]!);
    return found === null || math === null || spec.math[math]!.sparse !== undefined
      ? []
      : [`${found.pattern.n}:${found.pattern.m} in ${operandsOf(math)}`];
  });
  if (formats.length === 0) return [];
  const why =
    trace.workload.phase === 'training'
      ? 'weights change with every step and would have to be compressed anew'
      : 'the machine cannot skip them';
  return [`Zeros of ${[...new Set(formats)].join(', ')} weights are multiplied like the rest: ${why}.`];
}

/** How much of the transfers' time computing does not hide, and whose figures these are. */
export function overlapNote(times: RankTimes, transfers: readonly Transfer[], clockMHz: number): string[] {
  if (transfers.length === 0) return [];
  const seconds = transfers.reduce((sum, transfer) => sum + transfer.seconds, 0);
  const exposed = times.communicationCycles / (clockMHz * 1e6);
  return [
    `Transfers keep the link busy for ${microseconds(seconds)}; computing loses ${microseconds(exposed)} to data on its way. All figures are those of one rank.`,
  ];
}

/** What the stages of a pipeline do with the time of the step. */
export function stageNotes(times: readonly RankTimes[], cycles: number, clockMHz: number): string[] {
  if (times.length < 2) return [];
  const percent = (part: number): string => `${((100 * part) / cycles).toFixed(1)} %`;
  const idle = times.map((stage) => stage.pipelineCycles + cycles - stage.cycles);
  const mean = idle.reduce((sum, stage) => sum + stage, 0) / times.length;
  return [
    `Step of ${times.length} stages: ${microseconds(cycles / (clockMHz * 1e6))}; the pipeline's bubble is ${percent(mean)} of it.`,
    ...times.map((stage, rank) => {
      const computing = stage.cycles - stage.pipelineCycles - stage.communicationCycles;
      return `Stage ${rank}: computing ${percent(computing)}, data on its way ${percent(stage.communicationCycles)}, waiting for other stages ${percent(idle[rank]!)}.`;
    }),
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 3 : 0)} MB`;
}

function microseconds(seconds: number): string {
  return `${(seconds * 1e6).toFixed(1)} us`;
}
