import { InputError } from '../errors.ts';
import type { Faults } from '../training/faults/faulty-accuracy.ts';

/** Faults to test a trained network under, by what the user calls them. */
export type NamedFaults = readonly (readonly [string, Faults])[];

/** Reads `weights:RATE` and `activations:RATE`, separated by commas, and shares of sums to leave out. Throws InputError. */
export function readFaults(flips: string | undefined, perforate: string | undefined, seed: number): NamedFaults {
  return [
    ...listed(flips).map((text) => [text, { flips: readFlips(text, seed) }] as const),
    ...listed(perforate).map((text) => [`perforate:${text}`, { perforation: readPerforation(text) }] as const),
  ];
}

function listed(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',');
}

function readFlips(text: string, seed: number): NonNullable<Faults['flips']> {
  const [where, typed = '', ...rest] = text.split(':');
  const rate = Number(typed);
  const isRate = typed.trim() !== '' && rate >= 0 && rate <= 1;
  if ((where !== 'weights' && where !== 'activations') || !isRate || rest.length > 0)
    throw InputError.of('--faults', text, 'write weights:RATE or activations:RATE, RATE being the chance of each bit');
  return { where, rate, bits: 'any', seed };
}

function readPerforation(text: string): NonNullable<Faults['perforation']> {
  const every = Math.round(1 / Number(text));
  // Two digits are enough to tell 0.33 from its neighbours.
  if (!(every >= 2 && every <= 1000 && Math.abs(1 / every - Number(text)) < 0.005))
    throw InputError.of(
      '--perforate',
      text,
      'write the share of terms to leave out: 0.5, 0.33, 0.25 ... one of every n',
    );
  return { every, rescale: true };
}
