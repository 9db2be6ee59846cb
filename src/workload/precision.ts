import { InputError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { DTYPES, type DType, type Precision } from '../trace/trace.ts';

/** Reads `int8` or `int8/int16` (weights/activations). Throws InputError. */
export function parsePrecision(text: string, where = 'precision'): Precision {
  const known = Object.keys(DTYPES);
  const parts = text.split('/');
  const read = (name: string): DType => {
    const dtype = known.find((one) => one === name.toLowerCase()) as DType | undefined;
    if (dtype === undefined)
      throw InputError.of(where, text, `${didYouMean(name, known)} (weights/activations, for example int8/int16)`);
    return dtype;
  };
  if (parts.length > 2) throw InputError.of(where, text, 'write one format, or weights/activations');
  return { weights: read(parts[0]!), activations: read(parts[1] ?? parts[0]!) };
}
