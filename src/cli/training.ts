import { InputError } from '../errors.ts';
import { dataPath, fileExists, readInputBytes, writeOutput } from '../files.ts';
import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import { createKernels } from '../numerics/kernels/kernels.ts';
import type { TrainingCost } from '../report/training.ts';
import { simulate } from '../simulate.ts';
import type { Trace } from '../trace/trace.ts';
import { decodeCheckpoint, encodeCheckpoint, type RunIdentity } from '../training/checkpoint-file.ts';
import { fastContractions } from '../training/fast-contractions.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import type { Trainer } from '../training/trainer.ts';

/** The WebAssembly kernels that come with the package. */
export function kernels(): Contractions {
  return fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
}

/** Goes on from a checkpoint, if asked to and there is one. Returns whether it did. */
export function resume(trainer: Trainer, path: string | undefined, identity: RunIdentity, wanted: boolean): boolean {
  if (!wanted) return false;
  if (path === undefined) throw InputError.of('--resume', 'no --checkpoint', 'name the checkpoint file');
  if (!fileExists(path)) return false;
  trainer.restore(decodeCheckpoint(readInputBytes(path), path, identity));
  return true;
}

export function save(trainer: Trainer, path: string | undefined, identity: RunIdentity): void {
  if (path !== undefined) writeOutput(path, encodeCheckpoint(identity, trainer.state()));
}

/** What one step of a trace costs on each machine. */
export function stepCosts(
  step: Trace,
  machines: readonly string[],
  sets: readonly string[],
): Record<string, TrainingCost> {
  return Object.fromEntries(
    machines.map((name) => {
      const machine = loadMachine(name, sets, SCHEMAS);
      const { cycles, seconds, energyPj } = simulate(machine, step).report.totals;
      return [machine.name, { cycles, seconds, energyPj }];
    }),
  );
}
