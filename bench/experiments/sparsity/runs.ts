import { Session } from '../../../src/training/execute/session.ts';
import { pruningGradually, withMasks } from '../../../src/training/sparsity/hooks.ts';
import { findTicket, frozen } from '../../../src/training/sparsity/lottery.ts';
import { maskDensity } from '../../../src/training/sparsity/mask.ts';
import { magnitude } from '../../../src/training/sparsity/saliency.ts';
import { roundShares } from '../../../src/training/sparsity/schedule.ts';
import { amongAll, criterion, withinEach } from '../../../src/training/sparsity/selection.ts';
import { goOn, layouts, type Point, SETTING, step, train, type TrainingResult } from './laboratory.ts';

export const TICKET_SHARE = 0.2;
export const ROUNDS = 3;
export const PRUNED_SHARE = 0.1;
/** Epochs of continued training in which weights are pruned; in the last one they only recover. */
const PRUNING_EPOCHS = 2;
const PRUNING_EVERY_STEPS = 26;

/** One training of one seed. */
export interface Run {
  readonly label: string;
  readonly seed: number;
  /** Share of the weights it ended with. */
  readonly keptShare: number;
  /** Epochs that its start had been trained before. */
  readonly epochsBefore: number;
  readonly curve: readonly Point[];
}

export const LABELS = {
  dense: 'dense',
  ticket: 'winning ticket',
  random: 'same mask, new random weights',
  pruned: 'dense, then pruned',
  longer: 'dense, trained on as long',
} as const;

export interface SeedResult {
  readonly runs: readonly Run[];
  readonly dense: TrainingResult;
  readonly pruned: TrainingResult;
}

/** All trainings of a seed: the rounds of the lottery, of which the first is the dense network, both controls, the pruned network. */
export function runsOf(seed: number): SeedResult {
  const runs: Run[] = [];
  const record = (label: string, keptShare: number, epochsBefore: number, result: TrainingResult): TrainingResult => {
    runs.push({ label, seed, keptShare, epochsBefore, curve: result.curve });
    return result;
  };
  const { epochs, learningRate } = SETTING;
  const shares = roundShares(TICKET_SHARE, ROUNDS);
  const rounds: TrainingResult[] = [];
  const ticket = findTicket({
    layouts,
    criterion: criterion(magnitude, withinEach()),
    shares,
    start: frozen(new Session(step, { seed }).checkpoint()),
    train: (start, masks, round) => {
      const label = round === 0 ? LABELS.dense : `round ${round}`;
      const hooks = masks === null ? null : withMasks(masks);
      const result = train({ label, seed, start, hooks, epochs, learningRate });
      rounds.push(record(label, masks === null ? 1 : maskDensity(masks), 0, result));
      return { end: result.end, rewindTo: result.start };
    },
  });
  const kept = maskDensity(ticket.masks);
  const shared = { seed, epochs, learningRate };
  record(
    LABELS.ticket,
    kept,
    0,
    train({ ...shared, label: LABELS.ticket, start: ticket.start, hooks: withMasks(ticket.masks) }),
  );
  // Drawn as the first weights were, with another seed; the order of the samples is the same.
  const other = frozen(new Session(step, { seed: seed + 1000 }).checkpoint());
  record(
    LABELS.random,
    kept,
    0,
    train({ ...shared, label: LABELS.random, start: other, hooks: withMasks(ticket.masks) }),
  );
  const dense = rounds[0]!;
  const hooks = pruningGradually(layouts, criterion(magnitude, amongAll), {
    ...{ initialSparsity: 0, finalSparsity: 1 - PRUNED_SHARE, firstStep: 0 },
    lastStep: PRUNING_EPOCHS * dense.trainer.stepsPerEpoch,
    everySteps: PRUNING_EVERY_STEPS,
  });
  const pruned = goOn(LABELS.pruned, seed, dense.end, hooks);
  record(LABELS.pruned, maskDensity(hooks.masks), epochs, pruned);
  record(LABELS.longer, 1, epochs, goOn(LABELS.longer, seed, dense.end, null));
  return { runs, dense, pruned };
}
