import type { ArrayTiming } from '../models/systolic/pass-timing.ts';
import type { History } from './history.ts';
import type { Product } from './matrix.ts';
import { systolicHistory } from './systolic/systolic.ts';

/** What is run where, as plain data: the command reads it from arguments, the page from its own text. */
export interface SystolicSetup {
  readonly kind: 'systolic';
  readonly machine: string;
  readonly product: Product;
  readonly timing: ArrayTiming;
}

export type Setup = SystolicSetup;

export function runSetup({ machine, product, timing }: Setup): History {
  return systolicHistory(machine, product, timing);
}
