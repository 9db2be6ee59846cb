import type { Weight } from './weight-layout.ts';

/** How much each element of a weight is worth; what is worth least goes first. */
export type Saliency = (weight: Weight) => Float64Array;

/** The absolute value (Han et al. 2015, "Learning both weights and connections for efficient neural networks"). */
export const magnitude: Saliency = ({ values }) => Float64Array.from(values, Math.abs);

/**
 * Rise of the loss when a weight is set to zero at a minimum, h w^2 / 2 with h the diagonal of the Hessian (LeCun, Denker and Solla
 * 1989, "Optimal brain damage"). Weights without a curvature count as flat.
 */
export function optimalBrainDamage(curvature: ReadonlyMap<string, ArrayLike<number>>): Saliency {
  return ({ layout, values }) => {
    const diagonal = curvature.get(layout.name);
    return Float64Array.from(values, (value, index) => 0.5 * (diagonal?.[index] ?? 0) * value * value);
  };
}
