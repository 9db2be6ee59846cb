import { InputError } from '../errors.ts';
import { readInput } from '../files.ts';
import { parameters, totalMacs } from '../trace/facts.ts';
import type { Feedback } from '../training/alignment.ts';
import type { Checkpointing } from '../training/checkpointing.ts';
import type { Optimizer } from '../training/optimizers.ts';
import type { Propagation } from '../training/pipelined.ts';
import { batchOfRank, type Parallelism, parallelSteps } from '../training/scaling/parallel.ts';
import { withPattern } from '../training/sparsity/pattern.ts';
import { trainingStep } from '../training/step.ts';
import { readTrace } from '../trace/read.ts';
import type { SparsePattern, Trace } from '../trace/trace.ts';
import { buildTrace } from './build.ts';
import { aliases, catalogueNetwork, workloadNames } from './catalogue.ts';
import { MAX_BATCH, type Network } from './network.ts';
import { parsePrecision } from './precision.ts';
import { resolveWorkload, type Workload } from './resolve.ts';
import { scalesimTrace } from './scalesim.ts';

export interface TraceOptions {
  readonly batch?: number;
  readonly phase: 'inference' | 'training';
  readonly precision?: string;
  /** Of a training step; momentum if absent. */
  readonly optimizer?: Optimizer;
  /** Of a training step: what is computed again rather than kept. */
  readonly checkpointing?: Checkpointing;
  /** Of a training step: what takes errors back from layer to layer. */
  readonly feedback?: Feedback;
  /** Of a training step: how mini-batches follow each other through the layers. */
  readonly propagation?: Propagation;
  /** Of a training step: how it is spread over ranks, whose mini-batch `batch` is; the trace is that of one rank. */
  readonly parallel?: Parallelism;
  /** Of the weights of products and convolutions, as if they had been pruned so. */
  readonly sparsity?: SparsePattern;
}

const DEFAULT_OPTIMIZER: Optimizer = 'momentum';

/**
 * The trace of a workload, whatever its form. The batch defaults to the workload's own; the precision to the workload's own
 * and then to `defaultPrecision` (the machine's). Throws InputError.
 */
export function loadTrace(text: string, options: TraceOptions, defaultPrecision: string): Trace {
  return loadTraces(text, options, defaultPrecision)[stageOf(options)]!;
}

/** As `loadTrace`, but of all stages where `parallel` is a pipeline, in order. */
export function loadTraces(text: string, options: TraceOptions, defaultPrecision: string): Trace[] {
  checkBatch(options.batch);
  const { sparsity } = options;
  const traces = workloadTraces(resolveWorkload(text), options, defaultPrecision);
  return sparsity === undefined ? traces : sparse(traces, sparsity);
}

/** The traces with a pattern in all weights that it fits. Throws InputError if those are none. */
function sparse(traces: readonly Trace[], pattern: SparsePattern): Trace[] {
  const marked = traces.map((trace) => withPattern(trace, pattern));
  if (marked.some(({ tensors }) => tensors.some((tensor) => tensor.pattern !== undefined))) return marked;
  throw InputError.of(
    '--sparsity',
    `${pattern.n}:${pattern.m} fits no weight of ${marked[0]!.workload.name}`,
    `a pattern runs along the input channels of a weight, which must be a multiple of ${pattern.m}; use another one, or leave it out`,
  );
}

/** Index of the trace that is asked for among those of `loadTraces`. */
export function stageOf({ parallel }: TraceOptions): number {
  return parallel?.kind === 'pipeline' ? parallel.stage : 0;
}

/** A network by catalogue name, path of a YAML file, or inline text. Throws InputError. */
export function loadNetwork(text: string): Network {
  const workload = resolveWorkload(text);
  if (workload.kind === 'network') return workload.network;
  throw InputError.of(workload.path, 'is no network file', 'name a network of the catalogue or a .yaml file');
}

function checkBatch(batch: number | undefined): void {
  if (batch === undefined || (Number.isInteger(batch) && batch >= 1 && batch <= MAX_BATCH)) return;
  throw InputError.of('--batch', String(batch), `write a whole number from 1 to ${MAX_BATCH}`);
}

function workloadTraces(workload: Workload, options: TraceOptions, defaultPrecision: string): Trace[] {
  const { batch, phase, precision, optimizer = DEFAULT_OPTIMIZER } = options;
  if (options.parallel !== undefined && workload.kind !== 'network')
    throw InputError.of(
      '--parallel',
      `${workload.path} is no network`,
      'name a network of the catalogue or a .yaml file',
    );
  if (workload.kind === 'trace') {
    if (batch !== undefined || precision !== undefined)
      throw InputError.of(
        workload.path,
        'a trace has its batch and precision already',
        'leave out --batch and --precision',
      );
    const trace = readTrace(readInput(workload.path), workload.path);
    if (phase === 'training' && trace.workload.phase !== 'training')
      throw InputError.of(
        workload.path,
        'is a trace of inference',
        'leave out --training, or give a trace of a training step',
      );
    return [trace];
  }
  if (workload.kind === 'layers') {
    if (phase === 'training')
      throw InputError.of(
        '--training',
        `${workload.path} lists layers without a network around them`,
        'leave it out to simulate inference',
      );
    const precisionText = precision ?? defaultPrecision;
    const layers = scalesimTrace(readInput(workload.path), workload.path, {
      name: workload.name,
      batch: batch ?? 1,
      precision: parsePrecision(precisionText),
      precisionText,
    });
    return [layers];
  }
  const { network } = workload;
  if (batch !== undefined && workload.inline)
    throw InputError.of('--batch', `${network.name} has its batch in its text`, 'change the first number instead');
  const precisionText = precision ?? network.precision ?? defaultPrecision;
  const formats = parsePrecision(precisionText);
  const training = phase === 'training';
  const { parallel } = options;
  const samples = batch ?? network.batch;
  const forward = buildTrace(network, {
    batch: parallel === undefined ? samples : batchOfRank(parallel, samples),
    precision: formats,
    precisionText,
    training,
  });
  if (phase === 'inference') return [forward];
  const step = {
    optimizer,
    precision: formats,
    ...(options.checkpointing !== undefined && { checkpointing: options.checkpointing }),
    ...(options.feedback !== undefined && { feedback: options.feedback }),
    ...(options.propagation !== undefined && { propagation: options.propagation }),
  };
  if (parallel !== undefined && options.propagation === 'pipelined')
    throw InputError.of('--propagation', 'pipelined, with --parallel', 'leave out one of them');
  return parallel === undefined ? [trainingStep(forward, step)] : parallelSteps(forward, step, parallel);
}

export interface WorkloadSummary {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly batch: number;
  readonly parameters: number;
  /** Of one sample. */
  readonly macs: number;
}

/** What `accsim list workloads` shows; the figures come from the traces themselves. */
export function listWorkloads(): WorkloadSummary[] {
  const others = Object.entries(aliases());
  return workloadNames().map((name) => {
    const network = catalogueNetwork(name)!;
    const precision = parsePrecision(network.precision ?? 'int8');
    const trace = buildTrace(network, {
      batch: network.batch,
      precision,
      precisionText: network.precision ?? 'int8',
    });
    return {
      name,
      aliases: others.filter(([, target]) => target === name).map(([alias]) => alias),
      description: network.description,
      batch: network.batch,
      parameters: parameters(trace),
      macs: totalMacs(trace) / network.batch,
    };
  });
}
