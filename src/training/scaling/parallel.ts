import { InputError } from '../../errors.ts';
import type { Trace } from '../../trace/trace.ts';
import { trainingStep, type StepOptions } from '../step.ts';
import { dataParallel } from './data-parallel.ts';
import { modelParallel } from './model-parallel.ts';
import { PIPELINE_ORDERS, type PipelineOrder } from './pipeline-order.ts';
import { pipelineStages } from './pipeline.ts';
import { MAX_RANKS } from './scaling.ts';

/** How one training step is spread over ranks, as `--parallel` says it. */
export type Parallelism =
  | { readonly kind: 'data'; readonly ranks: number; readonly compressedShare?: number }
  | { readonly kind: 'model'; readonly ranks: number }
  | {
      readonly kind: 'pipeline';
      readonly ranks: number;
      readonly microBatches: number;
      readonly order: PipelineOrder;
      /** The stage whose trace is wanted, from 0. */
      readonly stage: number;
    };

const FORMS = 'write data:RANKS[:SHARE], model:RANKS or pipeline:STAGES[:MICROBATCHES[:gpipe|1f1b[:STAGE]]]';

/** Reads `data:8`, `data:8:0.01`, `model:4` or `pipeline:4:8:1f1b:0`. Throws InputError. */
export function parseParallel(text: string): Parallelism {
  const refuse = (): InputError => InputError.of('--parallel', text === '' ? 'nothing' : text, FORMS);
  const [kind, count = '', ...rest] = text.split(':');
  const whole = (part: string): number => {
    if (!/^\d{1,6}$/.test(part)) throw refuse();
    return Number(part);
  };
  const ranks = whole(count);
  if (ranks < 1 || ranks > MAX_RANKS) throw InputError.of('--parallel', text, `use from 1 to ${MAX_RANKS} ranks`);
  if (kind === 'model' && rest.length === 0) return { kind, ranks };
  if (kind === 'data' && rest.length <= 1) {
    if (rest[0] === undefined) return { kind, ranks };
    const compressedShare = Number(rest[0]);
    if (!(rest[0].trim() !== '' && compressedShare > 0 && compressedShare <= 1))
      throw InputError.of('--parallel', text, 'send a share of the gradients above 0 and at most 1');
    return { kind, ranks, compressedShare };
  }
  if (kind !== 'pipeline' || rest.length > 3) throw refuse();
  const [microBatches = count, orderText = '1f1b', stageText = '0'] = rest;
  const order = PIPELINE_ORDERS.find((one) => one === orderText);
  if (order === undefined) throw refuse();
  const stage = whole(stageText);
  if (stage >= ranks) throw InputError.of('--parallel', text, `name a stage from 0 to ${ranks - 1}`);
  const parts = whole(microBatches);
  if (parts < 1) throw InputError.of('--parallel', text, 'use at least one micro-batch');
  return { kind, ranks, microBatches: parts, order, stage };
}

/** Samples of the forward pass that `parallelStep` takes, of a mini-batch of so many. Throws InputError if it does not divide. */
export function batchOfRank(parallel: Parallelism, batch: number): number {
  const parts = parallel.kind === 'data' ? parallel.ranks : parallel.kind === 'pipeline' ? parallel.microBatches : 1;
  if (batch % parts === 0) return batch / parts;
  throw InputError.of(
    '--batch',
    `${batch} samples over ${parts} ${parallel.kind === 'data' ? 'ranks' : 'micro-batches'}`,
    `use a multiple of ${parts}`,
  );
}

/** The training step of every stage of a pipeline, or of the one rank that stands for all, from the forward pass of `batchOfRank` samples. */
export function parallelSteps(forward: Trace, options: StepOptions, parallel: Parallelism): Trace[] {
  if (parallel.kind === 'pipeline') return pipelineStages(forward, options, { ...parallel, stages: parallel.ranks });
  const step = trainingStep(forward, options);
  return [parallel.kind === 'model' ? modelParallel(step, parallel.ranks) : dataParallel(step, parallel)];
}
