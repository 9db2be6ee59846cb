import { checkInt32, type IntegerTensor, largestMagnitude } from './integer-tensor.ts';

/**
 * erf(x) ~ sign(x) * (1 - CURVATURE * (min(|x|, VERTEX) - VERTEX)^2): the second-order polynomial that I-BERT (Kim 2021, arXiv
 * 2101.01321, section 3.4) fits to erf; beyond its vertex it stays at 1.
 */
const CURVATURE = 0.2888;
const VERTEX = 1.769;

/** On a coarser scale the constants would be too small integers: the input is shifted left until it is this fine. */
const COARSEST_SCALE = 2 ** -6;

/**
 * GELU(x) = x/2 * (1 + erf(x / sqrt 2)) in integers only: the polynomial is evaluated on integers of scale s = scale/sqrt 2, its
 * constants rounded once for the scale. Shifts, multiplications, additions and comparisons; the output keeps all its bits.
 *
 * Largest error against GELU 0.0195, of which 0.0182 is the polynomial's own; tests measure both.
 */
export function integerGelu({ integers, scale }: IntegerTensor): IntegerTensor {
  const shift = Math.max(Math.ceil(Math.log2(scale / COARSEST_SCALE)), 0);
  const refinedScale = scale / 2 ** shift;
  const erfInputScale = refinedScale / Math.SQRT2;
  const vertex = Math.round(VERTEX / erfInputScale);
  const erfScale = CURVATURE * erfInputScale * erfInputScale;
  const one = Math.round(1 / erfScale);
  checkInt32(vertex * vertex, 'the square inside erf');
  checkInt32(largestMagnitude(integers) * 2 ** shift * 2 * one, 'the product of GELU');
  const result = Int32Array.from(integers, (coarse) => {
    const integer = coarse << shift;
    const belowVertex = vertex - Math.min(Math.abs(integer), vertex);
    const erf = Math.sign(integer) * (one - belowVertex * belowVertex);
    return integer * (one + erf);
  });
  return { integers: result, scale: (refinedScale * erfScale) / 2 };
}
