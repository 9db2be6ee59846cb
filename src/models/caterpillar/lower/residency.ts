import { elements } from '../../../trace/facts.ts';
import type { TensorId, Trace } from '../../../trace/trace.ts';
import { contractionOf } from './contraction.ts';
import type { Group } from './groups.ts';
import { roomOf } from './room.ts';
import { touchedWords } from './touched.ts';

/** What lies in the PEs' memories; all else goes through off-chip memory. */
export interface Residency {
  /** Share of a tensor that is there, 0 to 1; of what is not listed, nothing. */
  readonly shares: ReadonlyMap<TensorId, number>;
  /** Most words that are there at a time. */
  readonly peakWords: number;
  /** Words of lasting tensors (weights, what updates keep) and of passing ones that find no room. */
  readonly lastingSpilled: number;
  readonly passingSpilled: number;
}

/** Tensors that are there from one op to another; an input from the first op that reads it. */
const PASSING: ReadonlySet<string> = new Set(['input', 'activation', 'gradient']);

/** Tensors of a step that are never stored: what is handed on within a group, and gradients that change a weight in place. */
function transientOf(trace: Trace, groups: readonly Group[]): ReadonlySet<TensorId> {
  const outside = new Set<TensorId>();
  const within = new Set<TensorId>();
  groups.forEach(({ members }) => {
    const made = new Set(members.flatMap((index) => trace.ops[index]!.outputs));
    for (const index of members) for (const id of trace.ops[index]!.inputs) (made.has(id) ? within : outside).add(id);
  });
  return new Set([...within].filter((id) => !outside.has(id) && trace.tensors[id]!.role !== 'output'));
}

/** A tensor that may lie in the PEs. */
interface Item {
  readonly id: TensorId;
  readonly words: number;
  readonly lasts: boolean;
  /** Groups from which until which it is needed. */
  readonly first: number;
  readonly last: number;
  /** Words that go over the off-chip memory in its place if it does not lie in the PEs. */
  readonly movedWords: number;
  /** Parts of it that stay are so many words, or a multiple. */
  readonly unitWords: number;
}

/** What a run would keep in the PEs, whatever room there is. */
export interface Demand {
  /** What room goes to first comes first. */
  readonly items: readonly Item[];
  readonly transient: ReadonlySet<TensorId>;
  readonly groups: number;
}

/**
 * Room goes first to what moves most words for each of its own and for each group that it stays: operands that are soon done with, then
 * weights, last tables of which a step reads a few rows. Of weights, as many outputs stay as fill rows of PEs (`coreSize` of them), since
 * others would leave PEs without work in both parts.
 */
export function demandOf(trace: Trace, groups: readonly Group[], coreSize: number): Demand {
  const skipped = transientOf(trace, groups);
  const gain = ({ words, first, last, movedWords }: Item): number => movedWords / words / (last - first + 1);
  const items = itemsOf(trace, groups, coreSize)
    .filter(({ id }) => !skipped.has(id))
    .sort((left, right) => gain(right) - gain(left) || left.id - right.id);
  return { items, transient: skipped, groups: groups.length };
}

/** What does not fit as a whole is cut: a part of it stays. */
export function placeTensors({ items, transient, groups }: Demand, capacityWords: number): Residency {
  const capacity = Math.floor(capacityWords);
  const room = roomOf(groups, capacity);
  const shares = new Map<TensorId, number>();
  let [lastingSpilled, passingSpilled] = [0, 0];
  for (const { id, words, lasts, first, last, unitWords } of items) {
    const free = room.least(first, last);
    const placed = free < words ? free - (free % unitWords) : words;
    room.take(first, last, placed);
    if (placed > 0) shares.set(id, placed / words);
    if (lasts) lastingSpilled += words - placed;
    else passingSpilled += words - placed;
  }
  const peakWords = capacity - room.least(0, groups - 1);
  for (const id of transient) shares.set(id, 1);
  return { shares, peakWords, lastingSpilled, passingSpilled };
}

function itemsOf(trace: Trace, groups: readonly Group[], coreSize: number): Item[] {
  const { tensors, ops } = trace;
  const outputs = outputsOf(trace);
  const found = new Map<TensorId, { first: number; last: number; movedWords: number }>();
  groups.forEach(({ members }, group) => {
    for (const index of members) {
      const op = ops[index]!;
      for (const id of [...op.inputs, ...op.outputs]) {
        const words = touchedWords(trace, op, id);
        const item = found.get(id);
        if (item !== undefined) {
          item.last = group;
          item.movedWords += words;
        } else found.set(id, { first: group, last: group, movedWords: tensors[id]!.role === 'input' ? 0 : words });
      }
    }
  });
  // An elementwise op writes its result over an operand that nothing else needs any more.
  groups.forEach(({ members }, group) => {
    for (const index of members) {
      const op = ops[index]!;
      if (op.kind !== 'elementwise') continue;
      const words = elements(tensors[op.outputs[0]!]!.shape);
      const over = op.inputs.find((id) => {
        const item = found.get(id)!;
        return item.first < group && item.last === group && elements(tensors[id]!.shape) === words;
      });
      if (over !== undefined) found.get(over)!.last = group - 1;
    }
  });
  return [...found].flatMap(([id, { first, last, movedWords }]): Item[] => {
    const { role, shape } = tensors[id]!;
    const words = elements(shape);
    const rows = outputs.get(id);
    const item = { id, words, movedWords, unitWords: rows === undefined ? 1 : (coreSize * words) / rows };
    if (role === 'weight' || role === 'state') return [{ ...item, lasts: true, first: 0, last: groups.length - 1 }];
    return PASSING.has(role) ? [{ ...item, lasts: false, first, last }] : [];
  });
}

/** Outputs of what products multiply by and what lasts: along these it is cut. */
function outputsOf(trace: Trace): ReadonlyMap<TensorId, number> {
  const outputs = new Map<TensorId, number>();
  for (const op of trace.ops) {
    const contraction = contractionOf(trace, op);
    if (contraction === null || contraction.weight === null || contraction.path === 'weight-gradient') continue;
    outputs.set(contraction.weight, contraction.path === 'delta' ? contraction.depth : contraction.rows);
  }
  return outputs;
}
