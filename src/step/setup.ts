import type { CoreTiming } from '../models/caterpillar/micro/program.ts';
import { type RingCollective, type RingSpec, ringTime } from '../models/caterpillar/units/ring.ts';
import type { ArrayTiming } from '../models/systolic/pass-timing.ts';
import type { CoreFormat } from './caterpillar/core.ts';
import { coreStepper } from './caterpillar/stepper.ts';
import { ringStepper } from './caterpillar/ring.ts';
import { type History, historyOf } from './history.ts';
import { dimensionsOf, type Product } from './matrix.ts';
import { systolicHistory } from './systolic/systolic.ts';

interface OnMachine {
  readonly machine: string;
}

/** A product on a systolic array. */
export interface SystolicSetup extends OnMachine {
  readonly kind: 'systolic';
  readonly product: Product;
  readonly timing: ArrayTiming;
}

/** A product on one core of PEs with buses. */
export interface CoreSetup extends OnMachine {
  readonly kind: 'core';
  readonly product: Product;
  readonly timing: CoreTiming;
  readonly format: CoreFormat;
}

/** An exchange on a ring of cores. */
export interface RingSetup extends OnMachine {
  readonly kind: 'ring';
  readonly ring: RingSpec;
  readonly collective: RingCollective;
  readonly cores: number;
  readonly words: number;
}

/** What is run where, as plain data: the command reads it from arguments, the page from its own text. */
export type Setup = SystolicSetup | CoreSetup | RingSetup;
export type ProductSetup = SystolicSetup | CoreSetup;

export function runSetup(setup: Setup): History {
  switch (setup.kind) {
    case 'systolic':
      return systolicHistory(setup.machine, setup.product, setup.timing);
    case 'core': {
      const { machine, product, timing, format } = setup;
      const { m, k, n } = dimensionsOf(product);
      const title = `${m} x ${k} times ${k} x ${n} on a core of ${machine}, ${timing.size} x ${timing.size} PEs`;
      return historyOf(coreStepper(title, product, timing, format));
    }
    case 'ring': {
      const { machine, ring, collective, cores, words } = setup;
      const { segments } = ringTime(ring, collective, cores, words);
      const title = `${collective} of ${words} ${words === 1 ? 'word' : 'words'} among ${cores} cores of ${machine}`;
      return historyOf(ringStepper(title, ring, collective, cores, words, segments));
    }
  }
}
