/**
 * How the cores share a contraction of weights [out x in] with a batch: each has a part of the outputs, of the inputs and of the
 * columns. Weights of one part of outputs and inputs are shared by those that have different columns.
 */
export interface Grid {
  readonly outputs: number;
  readonly inputs: number;
  readonly columns: number;
}

const SIDES = ['outputs', 'inputs', 'columns'] as const;

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

/**
 * Links between neighbours along each side of a grid on rows x columns of cores. The shortest side lies within: its groups are blocks of
 * neighbours as wide as the shorter side of the machine, which close to rings. Along the next one, neighbours are a block apart, and as
 * many groups share the links between them. Of one row alone, a block is a part that does not close, and a ring goes there and back.
 */
export function stridesOf(grid: Grid, { rows, columns }: { readonly rows: number; readonly columns: number }): Grid {
  const width = Math.min(rows, columns);
  const strides = { outputs: 1, inputs: 1, columns: 1 };
  let block = 1;
  for (const side of [...SIDES].sort((left, right) => grid[left] - grid[right])) {
    if (grid[side] === 1) continue;
    const closes = width > 1 || grid[side] === 2 || grid[side] === columns * rows;
    strides[side] = block === 1 && !closes ? 2 : Math.ceil(block / width);
    block *= grid[side];
  }
  return strides;
}

export function gridName({ outputs, inputs, columns }: Grid): string {
  return `${outputs} x ${inputs} x ${columns}`;
}
