import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../src/training/execute/checkpoint.ts';
import { withMasks } from '../../../src/training/sparsity/hooks.ts';
import { findTicket, frozen, type Ticket } from '../../../src/training/sparsity/lottery.ts';
import { maskDensity, type Masks } from '../../../src/training/sparsity/mask.ts';
import { magnitude } from '../../../src/training/sparsity/saliency.ts';
import { roundShares } from '../../../src/training/sparsity/schedule.ts';
import { criterion, withinEach } from '../../../src/training/sparsity/selection.ts';
import { bitsOf, layouts, train } from './training.ts';

const FIRST = train(1, null, { learningRate: 0 }).start;

interface Round {
  readonly start: Checkpoint;
  readonly masks: Masks | null;
}

/** Looks for a ticket of an eighth of the weights in three rounds; `rewindStep` 0 rewinds to the first weights. */
function ticket(rewindStep: number): { found: Ticket; rounds: Round[] } {
  const rounds: Round[] = [];
  const found = findTicket({
    layouts,
    criterion: criterion(magnitude, withinEach()),
    shares: roundShares(1 / 8, 3),
    start: FIRST,
    train: (start, masks) => {
      let early = start;
      rounds.push({ start, masks });
      const hooks = masks === null ? null : withMasks(masks);
      const { end } = train(1, hooks, {
        start,
        watch: (session) => {
          if (session.step === rewindStep) early = frozen(session.checkpoint());
        },
      });
      return { end, rewindTo: early };
    },
  });
  return { found, rounds };
}

describe('lottery tickets', () => {
  it('are rewound to the bits of the first weights, however much is trained in between', () => {
    const before = bitsOf(FIRST);
    const { found, rounds } = ticket(0);
    expect(bitsOf(found.start)).toEqual(before);
    for (const { start } of rounds) expect(bitsOf(start)).toEqual(before);
    const { start } = train(1, withMasks(found.masks), { start: found.start, epochs: 1 });
    for (const [name, mask] of found.masks)
      start.tensors.get(name)!.forEach((value, index) => {
        expect(value).toBe(mask[index] === 1 ? FIRST.tensors.get(name)![index] : 0);
      });
  });

  it('keep half of what is left in each round, out of what was left', () => {
    const { found, rounds } = ticket(0);
    expect(rounds[0]!.masks).toBeNull();
    expect(rounds.slice(1).map(({ masks }) => maskDensity(masks!))).toEqual([0.5, 0.25]);
    expect(maskDensity(found.masks)).toBe(1 / 8);
    for (const [name, mask] of found.masks)
      mask.forEach((stays, index) => {
        if (stays === 1) expect(rounds[2]!.masks!.get(name)![index]).toBe(1);
      });
  });

  it('can be rewound to an early step of the first training', () => {
    const { found, rounds } = ticket(7);
    expect(rounds[0]!.start).toBe(FIRST);
    expect(found.start.step).toBe(7);
    expect(rounds[2]!.start).toBe(found.start);
    const again: Checkpoint[] = [];
    train(1, null, {
      watch: (session) => {
        if (session.step === 7) again.push(frozen(session.checkpoint()));
      },
    });
    expect(bitsOf(found.start)).toEqual(bitsOf(again[0]!));
  });

  it('are the same for the same seed', () => {
    const [one, other] = [ticket(0).found, ticket(0).found];
    expect([...one.masks]).toEqual([...other.masks]);
    const end = ({ masks, start }: Ticket) => bitsOf(train(1, withMasks(masks), { start }).end);
    expect(end(one)).toEqual(end(other));
  });
});
