import { createHash } from 'node:crypto';
import { InputError, named } from '../errors.ts';
import { dataPath, fileExists, readInputBytes, writeOutput } from '../files.ts';
import { loadMachine } from '../machine/load.ts';
import { loadModel, SCHEMAS } from '../models/registry.ts';
import { createKernels } from '../numerics/kernels/kernels.ts';
import type { TrainingCost } from '../report/training.ts';
import { simulate } from '../simulate.ts';
import type { Trace } from '../trace/trace.ts';
import { writeTrace } from '../trace/write.ts';
import type { Dataset } from '../training/data/dataset.ts';
import { decodeCheckpoint, encodeCheckpoint, isCheckpoint, type RunIdentity } from '../training/checkpoint-file.ts';
import type { TrainedNetwork } from '../training/evaluate.ts';
import { faultyAccuracy } from '../training/faults/faulty-accuracy.ts';
import { integerAccuracy, quantizedAccuracy } from '../training/quantized.ts';
import { fastContractions } from '../training/fast-contractions.ts';
import type { Contractions } from '../numerics/ops/contraction.ts';
import type { Trainer } from '../training/trainer.ts';
import type { NamedFaults } from './faults.ts';

/** The WebAssembly kernels that come with the package. */
export function kernels(): Contractions {
  return fastContractions(createKernels(readInputBytes(dataPath('dist', 'kernels.wasm'))));
}

/** Fingerprints of what a run trains and on what: a checkpoint of another network or data set of the same name is not its own. */
export function contentsOf(step: Trace, dataset: Dataset): { readonly networkHash: string; readonly dataHash: string } {
  const hash = (...parts: (string | Uint8Array | Float32Array | Int32Array)[]): string => {
    const sum = createHash('sha256');
    for (const part of parts) sum.update(part);
    return sum.digest('hex').slice(0, 16);
  };
  const { train, test } = dataset;
  return { networkHash: hash(writeTrace(step)), dataHash: hash(train.values, train.labels, test.values, test.labels) };
}

/** Refuses to write a checkpoint over a file that is none, or over one that could be gone on from. */
export function protect(path: string | undefined, resumes: boolean): void {
  if (path === undefined || !fileExists(path)) return;
  if (!isCheckpoint(readInputBytes(path)))
    throw InputError.of(path, 'is no checkpoint of a training run', 'name another file');
  if (!resumes) throw InputError.of(path, 'is there already', 'add --resume to go on from it, or name another file');
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
export async function stepCosts(
  step: Trace,
  machines: readonly string[],
  sets: readonly string[],
): Promise<Record<string, TrainingCost>> {
  const costs: Record<string, TrainingCost> = {};
  for (const name of machines) {
    const machine = loadMachine(name, sets, SCHEMAS);
    if (costs[machine.name] !== undefined)
      throw InputError.of('--arch', `two machines are called ${machine.name}`, 'give each a name of its own');
    await loadModel(machine.kind);
    const { cycles, seconds, energyPj } = named(machine.name, () => simulate(machine, step)).report.totals;
    costs[machine.name] = { cycles, seconds, energyPj };
  }
  return costs;
}

export interface TrainedTests {
  readonly quantized: Readonly<Record<string, number>>;
  readonly integerOnly: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

/** Test accuracies of a trained network that is run otherwise than it was trained; notes say why one cannot be. */
export function testTrained(
  network: TrainedNetwork,
  { bits, faults }: { readonly bits: 4 | 8 | null; readonly faults: NamedFaults },
): TrainedTests {
  const notes: string[] = [];
  const integerOnly = (name: string, width: 4 | 8): Record<string, number> => {
    try {
      return { [name]: integerAccuracy(network, width) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      notes.push(`not tested in integers alone: ${error.message}`);
      return {};
    }
  };
  const name = `int${bits}`;
  return {
    quantized: bits === null ? {} : { [name]: quantizedAccuracy(network, bits) },
    integerOnly: bits === null ? {} : integerOnly(name, bits),
    faults: Object.fromEntries(faults.map(([text, fault]) => [text, faultyAccuracy(network, fault)])),
    notes,
  };
}
