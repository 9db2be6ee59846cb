import { InputError } from '../errors.ts';
import { fromDynamicFixed, toDynamicFixed } from '../numerics/formats/dynamic-fixed.ts';
import { FLOAT_FORMATS, type FloatFormat } from '../numerics/formats/float-format.ts';
import { roundFloat32 } from '../numerics/formats/round-float32.ts';
import { type Overflow, type Rounding, stochastic } from '../numerics/formats/rounding.ts';
import { fromTernaryResidual, type TernaryOptions, toTernaryResidual } from '../numerics/formats/ternary-residual.ts';
import type { Values } from '../numerics/ops/values.ts';
import type { Random } from '../numerics/random.ts';
import type { DType, TensorId, Trace } from '../trace/trace.ts';
import { isFeedback } from './alignment.ts';
import { notFinite } from './execute/finite.ts';
import type { Round } from './execute/step-runner.ts';

export const ROUNDING_MODES = ['nearest', 'toward-zero', 'stochastic'] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

/** Blocks of 64 weights with one scale each and no residual edges (Kundu 2018 uses blocks of 64 and more). */
export const PLAIN_TERNARY: TernaryOptions = { blockElements: 64, toleratedError: 0.01, mostEdgesPerBlock: 0 };

const FORMATS: Readonly<Record<string, FloatFormat>> = FLOAT_FORMATS;
/** Formats a value may have in training without being rounded: single precision, and class numbers. */
const AS_THEY_ARE: ReadonlySet<string> = new Set(['fp32', 'int32']);

type RoundValues = (values: Float32Array) => void;

/**
 * Rounds what an op has computed to the format that the trace gives its tensor; products accumulate in fp32 unless their contractions
 * say otherwise. ternary is for what products read of weights: tables stay in fp32, as do master copies.
 * null: nothing is narrower than fp32. Throws InputError for formats that training does not know.
 */
export function rounder(
  trace: Trace,
  mode: RoundingMode,
  random: Random,
  ternary: TernaryOptions = PLAIN_TERNARY,
): Round | null {
  const weights = productWeights(trace);
  const problems = new Set<string>();
  const rounds = trace.tensors.map(({ dtype, role }, id): RoundValues | null => {
    if (AS_THEY_ARE.has(dtype)) return null;
    if (dtype === 'ternary' && (role === 'weight' || weights.has(id)))
      return weights.has(id) ? roundTernary(ternary) : null;
    const round = roundTo(dtype, mode, random);
    if (round === null) problems.add(role === 'weight' || dtype !== 'ternary' ? dtype : `${dtype} ${role}s`);
    return round;
  });
  if (problems.size > 0)
    throw InputError.of(
      '--precision',
      [...problems].join(', '),
      `train in one of ${[...Object.keys(FORMATS), 'dfp16'].join(', ')}, or with weights in ternary/fp32`,
    );
  if (rounds.every((round) => round === null)) return null;
  return (id, values: Values) => {
    if (values instanceof Float32Array) rounds[id]?.(values);
  };
}

/** Matrices and filters, and the random ones that stand for them in feedback alignment. */
function productWeights({ ops, tensors }: Trace): ReadonlySet<TensorId> {
  const operands = ops.flatMap((op) => (op.kind === 'matmul' || op.kind === 'conv' ? op.inputs : []));
  return new Set(operands.filter((id) => tensors[id]!.role === 'weight' || isFeedback(tensors[id]!)));
}

function roundTo(dtype: DType, mode: RoundingMode, random: Random): RoundValues | null {
  if (dtype === 'dfp16') {
    const rounding = roundingOf(mode, random, 'saturate');
    return ifFinite((values) => fromDynamicFixed(toDynamicFixed(values, rounding)));
  }
  const format = FORMATS[dtype];
  if (format === undefined) return null;
  const rounding = roundingOf(mode, random, format.hasInfinity ? 'infinity' : 'saturate');
  return (values) => roundFloat32(values, format, rounding);
}

function roundTernary(options: TernaryOptions): RoundValues {
  return ifFinite((values) => fromTernaryResidual(toTernaryResidual(values, options)));
}

/** Formats with shared scales have no place for NaN and infinity, which are left for the step's own check to find. */
function ifFinite(rounded: (values: Float32Array) => Float32Array): RoundValues {
  return (values) => {
    if (notFinite(values) === null) values.set(rounded(values));
  };
}

/** Formats without infinity keep their largest number, as hardware converts to them; others overflow, which loss scaling looks for. */
function roundingOf(mode: RoundingMode, random: Random, overflow: Overflow): Rounding {
  if (mode === 'stochastic') return stochastic(() => random.word(), overflow);
  return { mode: mode === 'nearest' ? 'nearest-even' : 'toward-zero', overflow };
}
