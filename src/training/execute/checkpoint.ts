import { InputError, type Problem } from '../../errors.ts';
import type { Values } from '../../numerics/ops/values.ts';
import type { RandomState } from '../../numerics/random.ts';

/** What a session needs to go on bit for bit: steps done, the state of its generator, weights and states by name. */
export interface Checkpoint {
  readonly step: number;
  readonly random: RandomState;
  readonly tensors: ReadonlyMap<string, Values>;
}

/** Copies a checkpoint's values into tensors of the same names. Throws InputError listing what is missing or of another size. */
export function restoreTensors(checkpoint: Checkpoint, into: ReadonlyMap<string, Values>): void {
  const problems: Problem[] = [];
  for (const [name, values] of into) {
    const saved = checkpoint.tensors.get(name);
    if (saved?.length === values.length) continue;
    const found = saved === undefined ? 'missing from the checkpoint' : `${saved.length} values in the checkpoint`;
    const remedy = `a checkpoint of this network and optimizer has ${values.length}`;
    problems.push({ where: name, found, remedy });
  }
  if (problems.length > 0) throw new InputError(problems);
  for (const [name, values] of into) values.set(checkpoint.tensors.get(name)!);
}
