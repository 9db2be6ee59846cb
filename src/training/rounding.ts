import { InputError } from '../errors.ts';
import { FLOAT_FORMATS, type FloatFormat } from '../numerics/formats/float-format.ts';
import { roundFloat32 } from '../numerics/formats/round-float32.ts';
import { type Overflow, type Rounding, stochastic } from '../numerics/formats/rounding.ts';
import type { Random } from '../numerics/random.ts';
import type { Trace } from '../trace/trace.ts';
import type { Round } from './execute/step-runner.ts';

export const ROUNDING_MODES = ['nearest', 'toward-zero', 'stochastic'] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

const FORMATS: Readonly<Record<string, FloatFormat>> = FLOAT_FORMATS;
/** Formats a value may have in training without being rounded: single precision, and class numbers. */
const AS_THEY_ARE: ReadonlySet<string> = new Set(['fp32', 'int32']);

/**
 * Rounds what an op has computed to the format that the trace gives its tensor; products accumulate in fp32, as tensor units do.
 * null: nothing is narrower than fp32. Throws InputError for formats that training does not know.
 */
export function rounder(trace: Trace, mode: RoundingMode, random: Random): Round | null {
  const dtypes = new Set(trace.tensors.map(({ dtype }) => dtype));
  const unknown = [...dtypes].filter((dtype) => !AS_THEY_ARE.has(dtype) && FORMATS[dtype] === undefined);
  if (unknown.length > 0)
    throw InputError.of('--precision', unknown.join(', '), `train in one of ${Object.keys(FORMATS).join(', ')}`);
  if ([...dtypes].every((dtype) => AS_THEY_ARE.has(dtype))) return null;
  const formats = trace.tensors.map(({ dtype }) => (AS_THEY_ARE.has(dtype) ? null : FORMATS[dtype]!));
  return (id, values) => {
    const format = formats[id];
    if (format !== null && format !== undefined && values instanceof Float32Array)
      roundFloat32(values, format, roundingOf(mode, random, format.hasInfinity ? 'infinity' : 'saturate'));
  };
}

/** Formats without infinity keep their largest number, as hardware converts to them; others overflow, which loss scaling looks for. */
function roundingOf(mode: RoundingMode, random: Random, overflow: Overflow): Rounding {
  if (mode === 'stochastic') return stochastic(() => random.word(), overflow);
  return { mode: mode === 'nearest' ? 'nearest-even' : 'toward-zero', overflow };
}
