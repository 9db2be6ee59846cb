import { scaleByDyadic, toDyadic } from './dyadic.ts';

/**
 * exp of arguments of 0 and below in integers, as I-BERT (Kim 2021, arXiv 2101.01321, section 3.5) has it: x = p - z ln 2 with
 * p in (-ln 2, 0], a second-order polynomial for exp(p), and a shift right by z. The argument is first brought to the scale
 * UNIT, so that the constants below are the same integers for every input scale and a coarse input loses nothing.
 *
 * Largest error against exp 0.0023, of which 0.0021 is the polynomial's own; tests measure both.
 */
const UNIT = 2 ** -13;
const LOG_OF_TWO = Math.round(Math.LN2 / UNIT);

/** exp(p) ~ SLOPE * (p + offset)^2 + level on (-ln 2, 0], I-BERT's fit; the integers below leave SLOPE to the scale. */
const SLOPE = 0.3585;
const OFFSET = Math.round(1.353 / UNIT);
const LEVEL = Math.round(0.344 / (SLOPE * UNIT * UNIT));

/** No exp of so small an argument has a bit left of its 28. */
const VANISHING = -28 * LOG_OF_TWO;

/** The real value of 1 in a result; results are below 2^28. */
export const EXPONENTIAL_SCALE = SLOPE * UNIT * UNIT;

/** exp(integer * inputScale) for an integer of -2^31 ... 0, in units of EXPONENTIAL_SCALE. */
export function createIntegerExponential(inputScale: number): (integer: number) => number {
  const toUnit = toDyadic(inputScale / UNIT);
  return (integer) => {
    const argument = Math.max(scaleByDyadic(integer, toUnit), VANISHING);
    const halvings = Math.floor(-argument / LOG_OF_TWO);
    const root = argument + halvings * LOG_OF_TWO + OFFSET;
    return (root * root + LEVEL) >> halvings;
  };
}
