import { InputError, type Problem } from '../../errors.ts';
import { didYouMean } from '../../suggest.ts';
import type { Values } from '../../numerics/ops/values.ts';
import { elements } from '../../trace/facts.ts';
import type { TensorId, Trace } from '../../trace/trace.ts';

/** Values for tensors by name, row by row; whole numbers (tokens, classes) as they are, exact up to 2^24. */
export type Inputs = Readonly<Record<string, ArrayLike<number>>>;

/** What a run is given: every input, and if wanted the states that no op changes (first states of recurrent layers, else 0). */
export interface InputList {
  readonly required: ReadonlyMap<string, TensorId>;
  readonly optional: ReadonlyMap<string, TensorId>;
}

export function inputList({ tensors, ops }: Trace): InputList {
  const changed = new Set(ops.flatMap((op) => op.outputs));
  const of = (role: string): Map<string, TensorId> =>
    new Map(tensors.flatMap((tensor, id) => (tensor.role === role && !changed.has(id) ? [[tensor.name, id]] : [])));
  return { required: of('input'), optional: of('state') };
}

/** Copies what is given into its tensors. Throws InputError listing what is missing, unknown or of another size. */
export function setInputs(list: InputList, trace: Trace, inputs: Inputs, values: readonly Values[]): void {
  const problems: Problem[] = [];
  for (const name of list.required.keys())
    if (!Object.hasOwn(inputs, name)) problems.push({ where: name, found: 'missing', remedy: 'give the input values' });
  for (const [name, given] of Object.entries(inputs)) {
    const id = list.required.get(name) ?? list.optional.get(name);
    if (id === undefined) {
      const known = [...list.required.keys(), ...list.optional.keys()];
      problems.push({ where: name, found: 'no input of that name', remedy: didYouMean(name, known) });
    } else if (given.length !== values[id]!.length) {
      const { shape } = trace.tensors[id]!;
      const remedy = `give ${elements(shape)} for shape [${shape.join(', ')}]`;
      problems.push({ where: name, found: `${given.length} values`, remedy });
    } else values[id]!.set(given);
  }
  if (problems.length > 0) throw new InputError(problems);
}
