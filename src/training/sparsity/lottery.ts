import type { Values } from '../../numerics/ops/values.ts';
import type { Checkpoint } from '../execute/checkpoint.ts';
import { intersection, type Masks } from './mask.ts';
import type { Criterion } from './selection.ts';
import { readWeights, type WeightLayout } from './weight-layout.ts';

/** A checkpoint that training does not change any more: where weights are rewound to. */
export function frozen(checkpoint: Checkpoint): Checkpoint {
  const tensors = new Map([...checkpoint.tensors].map(([name, values]): [string, Values] => [name, values.slice()]));
  return { ...checkpoint, tensors };
}

/** What a training from a start with masks gives. */
export interface Trained {
  readonly end: Checkpoint;
  /** Where the next rounds start from: the start itself, or how far some first steps got (Frankle et al. 2020, rewinding). */
  readonly rewindTo: Checkpoint;
}

export interface LotteryOptions {
  readonly layouts: readonly WeightLayout[];
  readonly criterion: Criterion;
  /** Shares that stay after each round, falling; one alone is one-shot pruning. */
  readonly shares: readonly number[];
  readonly start: Checkpoint;
  /** Trains from a start with masks (none in the first round). */
  readonly train: (start: Checkpoint, masks: Masks | null, round: number) => Trained;
}

/** A subnetwork that was found by training, and the weights it is to be trained from. */
export interface Ticket {
  readonly masks: Masks;
  readonly start: Checkpoint;
}

/**
 * Looks for a winning ticket (Frankle and Carbin 2019, "The lottery ticket hypothesis"): trains, prunes, rewinds what is left to its
 * first weights, and that again for each share. The ticket itself is still to be trained.
 */
export function findTicket({ layouts, criterion, shares, start, train }: LotteryOptions): Ticket {
  let masks: Masks | null = null;
  let from = start;
  for (const [round, share] of shares.entries()) {
    const { end, rewindTo } = train(from, masks, round);
    if (round === 0) from = rewindTo;
    const weights = readWeights(layouts, (name) => end.tensors.get(name)!);
    const found = criterion(weights, share);
    masks = masks === null ? found : intersection(masks, found);
  }
  return { masks: masks ?? new Map(), start: from };
}
