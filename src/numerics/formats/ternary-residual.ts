import { type TernaryTerm, ternarize } from './ternary.ts';

/** A ternary term of one block of the weights. */
export interface TernaryEdge extends TernaryTerm {
  readonly block: number;
}

/**
 * Ternary residual network (Kundu 2018): weights in blocks, each with one ternary term and, where that is too far off, more
 * terms for what is left over. Terms past the first are the residual edges; the least useful can be left out at run time.
 */
export interface TernaryResidual {
  readonly elements: number;
  readonly blockElements: number;
  /** One for each block, in order. */
  readonly base: readonly TernaryEdge[];
  /** By falling gain. */
  readonly residual: readonly TernaryEdge[];
}

export interface TernaryOptions {
  readonly blockElements: number;
  /** Edges are added to a block until the norm of what is left is at most this share of the block's norm; above 0. */
  readonly toleratedError: number;
  readonly mostEdgesPerBlock: number;
}

export function toTernaryResidual(weights: Float32Array, options: TernaryOptions): TernaryResidual {
  const { blockElements, toleratedError, mostEdgesPerBlock } = options;
  const base: TernaryEdge[] = [];
  const residual: TernaryEdge[] = [];
  for (let start = 0, block = 0; start < weights.length; start += blockElements, block++) {
    const rest = new Float64Array(weights.subarray(start, start + blockElements));
    const tolerated = toleratedError * toleratedError * squaredNorm(rest);
    base.push(takeEdge(rest, block));
    for (let edges = 0; edges < mostEdgesPerBlock && squaredNorm(rest) > tolerated; edges++) {
      residual.push(takeEdge(rest, block));
    }
  }
  // A stable sort: the edges of a block stay in the order in which they were taken.
  residual.sort((left, right) => right.gain - left.gain);
  return { elements: weights.length, blockElements, base, residual };
}

/** The weights that the base terms and the first `residualEdges` residual edges stand for. */
export function fromTernaryResidual(ternary: TernaryResidual, residualEdges = ternary.residual.length): Float32Array {
  const weights = new Float64Array(ternary.elements);
  const add = ({ block, scale, signs }: TernaryEdge): void => {
    const start = block * ternary.blockElements;
    for (let index = 0; index < signs.length; index++) weights[start + index]! += scale * signs[index]!;
  };
  ternary.base.forEach(add);
  ternary.residual.slice(0, residualEdges).forEach(add);
  return Float32Array.from(weights);
}

function takeEdge(rest: Float64Array, block: number): TernaryEdge {
  const term = ternarize(rest);
  for (let index = 0; index < rest.length; index++) rest[index]! -= term.scale * term.signs[index]!;
  return { ...term, block };
}

function squaredNorm(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
