import { ModelBug } from '../../errors.ts';
import type { TensorId } from '../../trace/trace.ts';
import type { TraceBuilder } from '../../trace/builder.ts';

export type CellKind = 'lstm' | 'gru' | 'rnn';

/** Pre-activation values of all gates of one step, [n, gates * hidden]. */
export interface Gates {
  /** Part that comes from the input, if the input was projected ahead; else null. */
  readonly fromInput: TensorId | null;
  readonly times: ((state: TensorId) => TensorId) | null;
  /** Both parts in one product, if the products are joined; else null. */
  readonly together: ((state: TensorId) => TensorId) | null;
}

export interface Step {
  readonly builder: TraceBuilder;
  readonly name: string;
  readonly n: number;
  readonly hidden: number;
  readonly gates: Gates;
  readonly previous: TensorId;
  readonly state: TensorId | null;
}

interface Cell {
  readonly gates: number;
  readonly step: (step: Step) => { readonly output: TensorId; readonly state: TensorId | null };
}

function binary(step: Step, label: string, fn: 'add' | 'mul' | 'sub', inputs: TensorId[]): TensorId {
  return step.builder.op(
    { kind: 'elementwise', function: fn, name: `${step.name}.${label}`, inputs },
    step.builder.shape(inputs[0]!),
  );
}

function unary(step: Step, label: string, fn: 'tanh' | 'sigmoid', input: TensorId): TensorId {
  return step.builder.op(
    { kind: 'elementwise', function: fn, name: `${step.name}.${label}`, inputs: [input] },
    step.builder.shape(input),
  );
}

function summed(step: Step): TensorId {
  const { gates, previous } = step;
  if (gates.together !== null) return gates.together(previous);
  if (gates.times === null || gates.fromInput === null) throw new ModelBug('a recurrent step has no product');
  return binary(step, 'sum', 'add', [gates.times(previous), gates.fromInput]);
}

function parts(step: Step, label: string, from: TensorId, widths: readonly number[]): TensorId[] {
  return step.builder.split(
    `${step.name}.${label}`,
    from,
    1,
    widths.map((width) => [step.n, width]),
  );
}

/** Hochreiter and Schmidhuber 1997 with a forget gate; input, forget and output gate share one sigmoid op. */
function lstm(step: Step): { output: TensorId; state: TensorId | null } {
  const { hidden } = step;
  const [sigmoids, candidate] = parts(step, 'gates', summed(step), [3 * hidden, hidden]) as [TensorId, TensorId];
  const opened = unary(step, 'sigmoid', 'sigmoid', sigmoids);
  const [input, forget, output] = parts(step, 'opened', opened, [hidden, hidden, hidden]) as [
    TensorId,
    TensorId,
    TensorId,
  ];
  const added = binary(step, 'input', 'mul', [unary(step, 'candidate', 'tanh', candidate), input]);
  const kept = binary(step, 'forget', 'mul', [step.state!, forget]);
  const next = binary(step, 'cell', 'add', [kept, added]);
  return { output: binary(step, 'output', 'mul', [unary(step, 'squash', 'tanh', next), output]), state: next };
}

/**
 * Cho 2014 with the reset gate applied to the state's product (the form cuDNN and PyTorch run):
 * candidate = tanh(x W + reset * (h U)); h' = candidate + update * (h - candidate).
 */
function gru(step: Step): { output: TensorId; state: TensorId | null } {
  const { hidden, gates, previous } = step;
  if (gates.times === null || gates.fromInput === null) throw new ModelBug('a GRU step needs its products apart');
  const [inputGates, inputCandidate] = parts(step, 'input-parts', gates.fromInput, [2 * hidden, hidden]) as [
    TensorId,
    TensorId,
  ];
  const [stateGates, stateCandidate] = parts(step, 'state-parts', gates.times(previous), [2 * hidden, hidden]) as [
    TensorId,
    TensorId,
  ];
  const opened = unary(step, 'sigmoid', 'sigmoid', binary(step, 'sum', 'add', [stateGates, inputGates]));
  const [reset, update] = parts(step, 'opened', opened, [hidden, hidden]) as [TensorId, TensorId];
  const candidate = unary(
    step,
    'candidate',
    'tanh',
    binary(step, 'candidate-sum', 'add', [binary(step, 'reset', 'mul', [stateCandidate, reset]), inputCandidate]),
  );
  const kept = binary(step, 'update', 'mul', [binary(step, 'change', 'sub', [previous, candidate]), update]);
  return { output: binary(step, 'output', 'add', [kept, candidate]), state: null };
}

export const CELLS: Readonly<Record<CellKind, Cell>> = {
  lstm: { gates: 4, step: lstm },
  gru: { gates: 3, step: gru },
  rnn: { gates: 1, step: (step) => ({ output: unary(step, 'tanh', 'tanh', summed(step)), state: null }) },
};
