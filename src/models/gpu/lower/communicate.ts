import { InputError, type Problem } from '../../../errors.ts';
import { tensorBytes } from '../../../trace/facts.ts';
import type { CollectiveOp, TensorId, Trace } from '../../../trace/trace.ts';
import { simulateCollective } from '../../../units/network/collective.ts';
import { simulateMessage } from '../../../units/network/message.ts';
import type { Topology } from '../../../units/network/topology.ts';
import { isView } from '../../../trace/groups.ts';

/** Problems of one kind that are worth listing; the rest are alike. */
const LISTED = 20;

/** An exchange with other ranks, as it occupies this rank's link. */
export interface Transfer {
  readonly kind: 'transfer';
  /** Index of the op. */
  readonly op: number;
  /** Ops of exchanges whose results it gives away again. */
  readonly waitsFor: readonly number[];
  /** Name that sender and receiver of a message share; null: a collective. */
  readonly message: string | null;
  readonly receives: boolean;
  /** What it takes to give; of a received message 0, since the sender has counted it. */
  readonly seconds: number;
  readonly formulaSeconds: number;
  /** How it is done, for people. */
  readonly method: string;
  /** Thread blocks that carry it, one a channel. */
  readonly channels: number;
  readonly linkReadBytes: number;
  readonly linkWriteBytes: number;
  /** At the memory of this rank. */
  readonly memoryReadBytes: number;
  readonly memoryWriteBytes: number;
}

/**
 * The transfer that an op of rank `rank` stands for. A rank reads once what it gives and writes once what it gets; what reaches it passes
 * through a buffer in its memory, where it is written and read (NCCL's primitives). Throws InputError if the network is too small.
 */
export function transferOf(
  topology: Topology,
  trace: Trace,
  index: number,
  waitsFor: readonly number[],
  rank: number,
): Transfer {
  const op = trace.ops[index] as CollectiveOp;
  const bytesOf = (ids: readonly TensorId[]): number =>
    ids.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
  const receives = op.function === 'receive';
  const given = receives ? 0 : bytesOf(op.inputs);
  const made = op.function === 'send' ? 0 : bytesOf(op.outputs);
  const { sent, received, ...way } = travel(topology, op, { given, made }, rank);
  return {
    kind: 'transfer',
    op: index,
    waitsFor,
    message: messageName(trace, op, rank),
    receives,
    ...way,
    linkReadBytes: received,
    linkWriteBytes: sent,
    memoryReadBytes: received + given,
    memoryWriteBytes: received + made,
  };
}

type Way = Pick<Transfer, 'seconds' | 'formulaSeconds' | 'method' | 'channels'> & {
  readonly sent: number;
  readonly received: number;
};

function travel(
  topology: Topology,
  op: CollectiveOp,
  { given, made }: { readonly given: number; readonly made: number },
  rank: number,
): Way {
  const nothing = { seconds: 0, formulaSeconds: 0, channels: 0, sent: 0, received: 0 };
  if (op.function === 'receive') return { ...nothing, method: 'as sent', received: made };
  if (op.function === 'send') {
    const result = simulateMessage({ topology, from: rank, to: op.peer!, bytes: given });
    return { ...result, method: result.protocol, sent: given, received: 0 };
  }
  if (op.ranks === 1) return { ...nothing, method: 'alone' };
  // The whole vector: of an all-gather what comes out, of a reduce-scatter what goes in, of the others both.
  const bytes = Math.max(given, made);
  const result = simulateCollective({ topology, collective: op.function, ranks: op.ranks, bytes });
  const { seconds, formulaSeconds, channels, algorithm, protocol, linkBytes } = result;
  // Traces do not say which rank they are of; rank 0 stands for all of them.
  const moved = (end: 'from' | 'to'): number =>
    topology.links.reduce((sum, link, place) => sum + (link[end] === 0 ? linkBytes[place]! : 0), 0);
  const method = `${algorithm}, ${protocol}, ${channels} channel${channels === 1 ? '' : 's'}`;
  return { seconds, formulaSeconds, channels, method, sent: moved('from'), received: moved('to') };
}

function messageName(trace: Trace, op: CollectiveOp, rank: number): string | null {
  if (op.function === 'send') return `${rank} to ${op.peer}: ${trace.tensors[op.outputs[0]!]!.name}`;
  if (op.function === 'receive') return `${op.peer} to ${rank}: ${trace.tensors[op.inputs[0]!]!.name}`;
  return null;
}

/** Refuses messages that only one of the ranks knows of. Rank r has the trace at index r. */
export function refuseUnmatched(traces: readonly Trace[]): void {
  const ends = { send: new Set<string>(), receive: new Set<string>() };
  const each = (visit: (op: CollectiveOp, end: 'send' | 'receive', name: string) => void): void =>
    traces.forEach((trace, rank) => {
      for (const op of trace.ops)
        if (op.kind === 'collective' && (op.function === 'send' || op.function === 'receive'))
          visit(op, op.function, messageName(trace, op, rank)!);
    });
  each((_, end, name) => void ends[end].add(name));
  const problems: Problem[] = [];
  each((op, end, name) => {
    if (ends[end === 'send' ? 'receive' : 'send'].has(name)) return;
    problems.push({
      where: `op ${op.id}`,
      found: `${op.name} has no other end`,
      remedy: 'simulate all stages together: run NETWORK --training --parallel pipeline:STAGES',
    });
  });
  if (problems.length > 0) throw new InputError(problems.slice(0, LISTED));
}

/** For every op the exchanges whose results it reads, itself or as a view of them. */
export function exchangesRead({ ops, tensors }: Trace): readonly (readonly number[])[] {
  const madeBy: (readonly number[])[] = tensors.map(() => []);
  return ops.map((op, index) => {
    const read = [...new Set(op.inputs.flatMap((id) => madeBy[id]!))];
    const made = op.kind === 'collective' ? [index] : isView(op) ? read : [];
    for (const id of op.outputs) madeBy[id] = made;
    return read;
  });
}
