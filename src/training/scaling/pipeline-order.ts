/**
 * When a stage works on which micro-batch. gpipe: all forward passes, then all backward passes in reverse (Huang 2019). 1f1b: as few
 * forward passes as fill the pipeline, then one backward after one forward pass, so that fewer activations are kept (Narayanan 2021).
 */
export const PIPELINE_ORDERS = ['gpipe', '1f1b'] as const;
export type PipelineOrder = (typeof PIPELINE_ORDERS)[number];

/** One pass of one micro-batch through a stage. */
export interface Pass {
  readonly direction: 'forward' | 'backward';
  readonly microBatch: number;
}

/** The passes of a stage, counted from 0, in the order in which they run. */
export function passesOf(order: PipelineOrder, stage: number, stages: number, microBatches: number): Pass[] {
  const forward = (microBatch: number): Pass => ({ direction: 'forward', microBatch });
  const backward = (microBatch: number): Pass => ({ direction: 'backward', microBatch });
  const all = Array.from({ length: microBatches }, (_, index) => index);
  if (order === 'gpipe') return [...all.map(forward), ...all.toReversed().map(backward)];
  const ahead = Math.min(microBatches, stages - 1 - stage);
  return [
    ...all.slice(0, ahead).map(forward),
    ...all.flatMap((index) =>
      index + ahead < microBatches ? [forward(index + ahead), backward(index)] : [backward(index)],
    ),
  ];
}
