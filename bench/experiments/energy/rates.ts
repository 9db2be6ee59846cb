/** From one learning rate that is tried to the next. */
const FACTOR = 2;
/** Rates tried at most; the search ends long before where accuracy has one peak. */
const MOST = 10;

/** Validation accuracy, a share, by learning rate; null: values were no longer finite. */
export interface Rate {
  readonly learningRate: number;
  readonly accuracy: number | null;
}

/** Tries a rate and its neighbours, and goes on beyond the best one until it has worse ones on both sides. Rates in rising order. */
export function compareRates(first: number, validate: (learningRate: number) => number | null): Rate[] {
  const tried = [first / FACTOR, first, first * FACTOR].map((rate) => measured(rate, validate));
  while (tried.length < MOST) {
    const best = tried.indexOf(bestRate(tried));
    if (best === 0) tried.unshift(measured(tried[0]!.learningRate / FACTOR, validate));
    else if (best === tried.length - 1) tried.push(measured(tried[best]!.learningRate * FACTOR, validate));
    else break;
  }
  return tried;
}

/**
 * The lowest rate that is not told apart from the best one by so many samples, a standard error apart at most: in a longer run low rates
 * do no harm, but high ones do.
 */
export function pickRate(rates: readonly Rate[], samples: number): number {
  const best = bestRate(rates).accuracy ?? 0;
  const error = Math.sqrt((best * (1 - best)) / samples);
  return rates.find(({ accuracy }) => accuracy !== null && accuracy >= best - error)!.learningRate;
}

function bestRate(rates: readonly Rate[]): Rate {
  return rates.reduce((best, rate) => ((rate.accuracy ?? 0) > (best.accuracy ?? 0) ? rate : best));
}

function measured(learningRate: number, validate: (learningRate: number) => number | null): Rate {
  return { learningRate, accuracy: validate(learningRate) };
}
