import type { Exchange } from '../program.ts';
import type { Contraction } from './contraction.ts';
import { type Grid, stridesOf } from './grid.ts';

/** Weights [out x in] and a batch, whatever part they have in a contraction. */
export interface LayerSizes {
  readonly outputs: number;
  readonly inputs: number;
  readonly columns: number;
}

export function layerSizes({ path, rows, depth, columns }: Contraction): LayerSizes {
  if (path === 'forward') return { outputs: rows, inputs: depth, columns };
  if (path === 'delta') return { outputs: depth, inputs: rows, columns };
  return { outputs: rows, inputs: columns, columns: depth };
}

const part = (length: number, parts: number): number => Math.ceil(length / parts);

/**
 * What cores exchange for one of the three passes of a layer. Activations and errors lie evenly over all cores; a core needs those of its
 * part of the inputs, outputs and columns, and partial sums of those that share a result are added up. Weights of a part that several
 * cores work with are gathered too, and their gradients added up. `kept`: operands that an earlier pass has brought.
 */
export function exchangesOf(
  { path, count }: Pick<Contraction, 'path' | 'count'>,
  { outputs, inputs, columns }: LayerSizes,
  grid: Grid,
  rings: { readonly rows: number; readonly columns: number },
  kept: { readonly inputs: boolean; readonly errors: boolean },
): Exchange[] {
  const ofInputs = count * part(inputs, grid.inputs) * part(columns, grid.columns);
  const ofOutputs = count * part(outputs, grid.outputs) * part(columns, grid.columns);
  const ofWeights = count * part(outputs, grid.outputs) * part(inputs, grid.inputs);
  const exchanges: Exchange[] = [];
  const strides = stridesOf(grid, rings);
  const add = (collective: Exchange['collective'], along: keyof Grid, words: number): void => {
    if (grid[along] > 1) exchanges.push({ collective, cores: grid[along], stride: strides[along], words });
  };
  if (path === 'forward') {
    add('all-gather', 'outputs', ofInputs);
    add('all-gather', 'columns', ofWeights);
    add('reduce-scatter', 'inputs', ofOutputs);
  } else if (path === 'delta') {
    add('all-gather', 'inputs', ofOutputs);
    add('all-gather', 'columns', ofWeights);
    add('reduce-scatter', 'outputs', ofInputs);
  } else {
    if (!kept.errors) add('all-gather', 'inputs', ofOutputs);
    if (!kept.inputs) add('all-gather', 'outputs', ofInputs);
    add('reduce-scatter', 'columns', ofWeights);
  }
  return exchanges;
}
