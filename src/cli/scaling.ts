import type { Trace } from '../trace/trace.ts';
import { dataParallel } from '../training/scaling/data-parallel.ts';
import type { Scaling } from '../training/scaling/scaling.ts';
import { readNumber, readWhole } from './options.ts';

interface ScalingArguments {
  readonly workers: string;
  readonly staleness: string;
  readonly compress?: string | undefined;
}

/** Flags of workers; the warm-up of compression has stages of one epoch, as its authors'. Ranges are checked where they are used. */
export function readScaling(args: ScalingArguments, stepsPerEpoch: number): Scaling {
  return {
    ranks: readWhole(args.workers, 'workers')!,
    staleness: readWhole(args.staleness, 'staleness')!,
    compression:
      args.compress === undefined
        ? null
        : { share: readNumber(args.compress, 'compress'), warmupStageSteps: stepsPerEpoch },
  };
}

/** The step of one worker with what it exchanges with the others. */
export function withExchange(step: Trace, { ranks, compression }: Scaling): Trace {
  if (ranks === 1) return step;
  return dataParallel(step, { ranks, ...(compression !== null && { compressedShare: compression.share }) });
}
