import type { DType } from '../../../trace/trace.ts';
import { DTYPES, type ConvOp, type Layout, type MatmulOp } from '../../../trace/trace.ts';
import type { GpuSpec } from '../spec.ts';
import { convCandidates } from './conv.ts';
import type { Convolution } from './convolution.ts';
import { type Candidate, exchanged, gemmCandidates, type Product } from './gemm.ts';

/** Formats of a contraction: of its operands, of what is stored, and the math that multiplies. */
export interface Formats {
  readonly operand: DType;
  readonly result: DType;
  readonly math: string;
  /** Operand of a product that has a pattern of zeros which the math leaves out; null: neither. */
  readonly sparse: 'left' | 'right' | null;
}

/** Tensor cores take operands whose sizes are multiples of so many elements of 16 bits; libraries pad to them. */
const TENSOR_BITS = 128;

/** Ways to compute a matrix product; `readsResult`: something as large as the result is read as it is stored. */
export function matmulCandidates(spec: GpuSpec, op: MatmulOp, formats: Formats, readsResult: boolean): Candidate[] {
  const bits = DTYPES[formats.operand];
  const { unit, sparse } = spec.math[formats.math]!;
  const multiple = unit === 'tensor' ? TENSOR_BITS / bits : 1;
  const padded = (size: number, to = multiple): number => Math.ceil(size / to) * to;
  // Of a sparse operand that many elements must be stored.
  const [m, n, k] = [padded(op.m), padded(op.n), padded(op.k, (multiple * (sparse?.m ?? 1)) / (sparse?.n ?? 1))];
  const operandBytes = bits / 8;
  const pitch = (layout: Layout | undefined): number => k * operandBytes * (layout?.heads ?? 1);
  const product: Product = {
    name: op.name,
    batch: op.batch,
    m,
    n,
    k,
    precision: formats.math,
    operandBytes,
    resultBytes: DTYPES[formats.result] / 8,
    // The left operand lies row by row, so that its reduction dimension is contiguous unless it is transposed.
    leftPitchBytes: op.left?.transposed === true ? null : pitch(op.left),
    rightPitchBytes: op.right?.transposed === true ? pitch(op.right) : null,
    readsResult,
    leftBytes: op.batch * m * k * operandBytes,
    rightBytes: op.batch * k * n * operandBytes,
    warmBytes: null,
  };
  return gemmCandidates(spec, formats.sparse === 'right' ? exchanged(product) : product);
}

/** Ways to compute a convolution or one of its gradients. */
export function convolutionCandidates(spec: GpuSpec, op: ConvOp, formats: Formats): Candidate[] {
  const pass = op.phase === 'input-gradient' || op.phase === 'weight-gradient' ? op.phase : 'forward';
  const common = {
    name: op.name,
    n: op.n,
    r: op.r,
    s: op.s,
    stride: op.stride,
    dilation: op.dilation,
    padding: [op.padding[0], op.padding[1]],
    groups: op.groups,
    precision: formats.math,
    operandBytes: DTYPES[formats.operand] / 8,
    resultBytes: DTYPES[formats.result] / 8,
    layout: spec.math[formats.math]!.unit === 'tensor' ? 'NHWC' : 'NCHW',
    tensorOnly: false,
    warm: false,
  } as const;
  const { c, h, w, k, p, q } = op;
  if (!op.transposed) return convCandidates(spec, { ...common, pass, c, h, w, k, p, q });
  // A transposed convolution is the input gradient of the one that leads from its result to its operand, and the other way round.
  const mirrored: Record<Convolution['pass'], Convolution['pass']> = {
    forward: 'input-gradient',
    'input-gradient': 'forward',
    'weight-gradient': 'weight-gradient',
  };
  return convCandidates(spec, { ...common, pass: mirrored[pass], c: k, h: p, w: q, k: c, p: h, q: w });
}
