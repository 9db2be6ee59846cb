import { InputError } from '../errors.ts';
import type { Pruning } from '../training/sparsity/plan.ts';

const FORMS =
  'write magnitude:SHARE[:TIMES], channels:SHARE[:TIMES], kernels:SHARE[:TIMES], nm:N:M, reallocate:SHARE, ' +
  'lottery:SHARE[:ROUNDS] or lasso:STRENGTH, SHARE being what stays, above 0 and below 1';

/** Reads what --prune says. Throws InputError. */
export function readPruning(text: string): Pruning {
  const [method, first = '', second, ...rest] = text.split(':');
  const refuse = (): never => {
    throw InputError.of('--prune', text, FORMS);
  };
  const number = (typed: string): number => (/^\d*\.?\d+(e-?\d+)?$/i.test(typed) ? Number(typed) : refuse());
  const share = (): number => {
    const value = number(first);
    return value > 0 && value < 1 ? value : refuse();
  };
  const whole = (typed: string): number => (/^[1-9]\d{0,3}$/.test(typed) ? Number(typed) : refuse());
  if (rest.length > 0) return refuse();
  switch (method) {
    case 'magnitude':
    case 'channels':
    case 'kernels':
      return { method, keep: share(), times: whole(second ?? '1') };
    case 'lottery':
      return { method, keep: share(), rounds: whole(second ?? '1') };
    case 'nm': {
      const [n, m] = [whole(first), whole(second ?? '')];
      return n < m ? { method, n, m } : refuse();
    }
  }
  if (second !== undefined) return refuse();
  if (method === 'reallocate') return { method, keep: share() };
  return method === 'lasso' ? { method, strength: number(first) } : refuse();
}

/** Times that all epochs are trained: a lottery ticket is looked for in rounds, and then trained itself. */
export function roundsOf(pruning: Pruning | null): number {
  return pruning?.method === 'lottery' ? pruning.rounds + 1 : 1;
}
