import type { StallCause } from '../events/events.ts';

/** What each cause means, for people. */
export const CAUSE_TEXT: Readonly<Record<StallCause, string>> = {
  'weight-stall': 'waiting for weights from off-chip memory',
  'weight-shift': 'shifting weights into the array',
  input: 'waiting for inputs from the host',
  'operand-stall':
    'waiting for operands from off-chip memory (activations, optimizer state), or for a tile from the buffer',
  fill: 'filling and emptying the array between passes',
  drain: 'last results leaving the array',
  activation: 'results passing the activation unit before a dependent layer',
  raw: 'synchronising with the layer before (read after write)',
  vector: 'pooling, normalisation, adds: the vector unit works alone',
  accumulator: 'waiting for free accumulators',
  writeback: 'off-chip memory is busy taking results',
  output: 'results leaving for the host',
  issue: 'waiting for the next instruction, its operands or a barrier',
  launch: 'kernels being launched',
  tail: 'processors without work while others finish',
  packing: 'bringing operands into the order in which a kernel reads them',
  padding: 'tiles reaching beyond the edges of the operands',
  communication: 'data on its way between ranks, or its transfer slowing down what runs',
  pipeline: 'waiting for other stages of the pipeline',
};

/** Groups of causes as the bars show them. */
export type CauseGroup = 'active' | 'weights' | 'data' | 'other';

const WEIGHTS: ReadonlySet<string> = new Set(['weight-stall', 'weight-shift']);
const DATA: ReadonlySet<string> = new Set(['input', 'operand-stall', 'output', 'writeback', 'communication']);

export function groupOf(cause: string): CauseGroup {
  if (WEIGHTS.has(cause)) return 'weights';
  return DATA.has(cause) ? 'data' : 'other';
}
