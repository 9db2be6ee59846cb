import { InputError } from '../../errors.ts';
import type { Trace } from '../../trace/trace.ts';
import { recordStep, type StepOptions } from '../step.ts';
import { cutStages } from './pipeline-cut.ts';
import { type PipelineOrder, passesOf } from './pipeline-order.ts';
import { type DividedStep, StageTrace } from './pipeline-stage.ts';

export interface PipelineOptions {
  readonly stages: number;
  readonly microBatches: number;
  readonly order: PipelineOrder;
}

/**
 * The training step of a network whose layers are spread over stages, from the forward pass of one micro-batch: one trace for each
 * stage, rank s being stage s. What one stage makes and another reads is sent right behind the op that makes it and received right
 * before the first that reads it, under one name. Weights belong to the stage that reads them first: it sums the gradients of
 * all micro-batches, updates, and sends the new values to other stages that read them. Throws InputError for networks with fewer products
 * than stages, and for feedback other than backpropagation.
 */
export function pipelineStages(forward: Trace, step: StepOptions, options: PipelineOptions): Trace[] {
  const { stages, microBatches, order } = options;
  if (step.feedback !== undefined && step.feedback !== 'backpropagation')
    throw InputError.of('--feedback', `${step.feedback} in a pipeline`, 'use backpropagation');
  if (step.propagation === 'pipelined')
    throw InputError.of('--propagation', 'pipelined, over stages', 'leave out --propagation or --parallel');
  const divided = divide(forward, step, stages, microBatches);
  return Array.from({ length: stages }, (_, stage) => {
    const trace = new StageTrace(divided, stage);
    for (const pass of passesOf(order, stage, stages, microBatches)) trace.add(pass);
    return trace.finish();
  });
}

function divide(forward: Trace, options: StepOptions, stages: number, microBatches: number): DividedStep {
  const { trace: step, originOf } = recordStep(forward, options);
  const stageOfForward = cutStages(forward, stages);
  const stageOf = step.ops.map((op, index) => {
    const origin = originOf[index];
    if (origin !== undefined) return stageOfForward[origin]!;
    // An update: where its weight is read first.
    return stageOfForward[forward.ops.findIndex(({ inputs }) => inputs.includes(op.outputs[0]!))]!;
  });
  return { step, forwardOps: forward.ops.length, stageOf, stages, microBatches };
}
