/**
 * How the cores share a contraction of weights [out x in] with a batch: each has a part of the outputs, of the inputs and of the
 * columns. Weights of one part of outputs and inputs are shared by those that have different columns.
 */
export interface Grid {
  readonly outputs: number;
  readonly inputs: number;
  readonly columns: number;
}

const known = new Map<number, readonly Grid[]>();

/** All ways to cut into `cores` equal parts, along the outputs first. */
export function gridsOf(cores: number): readonly Grid[] {
  const before = known.get(cores);
  if (before !== undefined) return before;
  const divisors = Array.from({ length: cores }, (_, index) => index + 1).filter((size) => cores % size === 0);
  const grids = divisors
    .flatMap((columns) =>
      divisors
        .filter((inputs) => (cores / columns) % inputs === 0)
        .map((inputs) => ({ outputs: cores / columns / inputs, inputs, columns })),
    )
    .sort((left, right) => right.outputs - left.outputs || right.inputs - left.inputs);
  known.set(cores, grids);
  return grids;
}

export function gridName({ outputs, inputs, columns }: Grid): string {
  return `${outputs} x ${inputs} x ${columns}`;
}
