import { InputError, type Problem } from '../../errors.ts';
import { updateParts } from '../execute/update-parts.ts';
import type { Trace } from '../../trace/trace.ts';
import type { Compression } from './compression.ts';

/** How many ranks a mini-batch is spread over, and how their gradients come together. */
export interface Scaling {
  /** Equal parts a mini-batch is cut into; each has a gradient of its own. */
  readonly ranks: number;
  /**
   * Steps by which the weights that gradients are taken at lag behind those they are applied to; 0: synchronous. Workers that never wait
   * for each other, n of them taking turns at a parameter server, are one rank with a staleness of n - 1.
   */
  readonly staleness: number;
  /** null: gradients travel whole. */
  readonly compression: Compression | null;
}

export const ALONE: Scaling = { ranks: 1, staleness: 0, compression: null };

export const MAX_RANKS = 1024;
/** Copies of all weights that a staleness keeps. */
export const MAX_STALENESS = 256;

/** Whether the gradients of one rank go straight to the update. */
export function isAlone({ ranks, staleness, compression }: Scaling): boolean {
  return ranks === 1 && staleness === 0 && compression === null;
}

/** Throws InputError listing what of a scaling cannot be, for the training step of one rank. */
export function checkScaling(step: Trace, scaling: Scaling): void {
  const { ranks, staleness, compression } = scaling;
  const problems: Problem[] = [];
  const within = (where: string, value: number, least: number, most: number): void => {
    if (!Number.isInteger(value) || value < least || value > most)
      problems.push({ where, found: String(value), remedy: `write a whole number from ${least} to ${most}` });
  };
  within('--workers', ranks, 1, MAX_RANKS);
  within('--staleness', staleness, 0, MAX_STALENESS);
  if (compression !== null && !(compression.share > 0 && compression.share <= 1))
    problems.push({
      where: '--compress',
      found: String(compression.share),
      remedy: 'write the share of gradients that is sent, above 0 and at most 1',
    });
  const updates = step.ops.filter((op) => op.kind === 'update');
  const optimizer = updates[0]?.optimizer;
  if (compression !== null && optimizer !== undefined && optimizer !== 'gd' && optimizer !== 'sgd')
    problems.push({
      where: '--compress',
      found: `with the optimizer ${optimizer}`,
      remedy: 'use --optimizer sgd; compression applies --momentum before gradients are sent',
    });
  if (ranks > 1 || compression !== null)
    for (const op of updates)
      if (op.sparse)
        problems.push({
          where: step.tensors[updateParts(op).weight]!.name,
          found: 'a table whose gradient holds the rows of one rank only',
          remedy: 'train networks with embedding tables on one worker, without compression',
        });
  if (problems.length > 0) throw new InputError(problems);
}
