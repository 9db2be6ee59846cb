import type { CacheSizes } from '../units/caches.ts';
import type { TileMath } from './gemm-code.ts';
import type { Level } from './nest.ts';

/** Where a convolution's tensors lie before the call, and where the result goes. */
export interface ConvOrigin {
  readonly operand: Level;
  readonly weights: Level;
  readonly result: Level;
}

/** What a convolution is lowered for. */
export interface ConvSetting {
  readonly math: TileMath;
  readonly elementBytes: number;
  readonly sumBytes: number;
  /** Of an element of the result as it is stored. */
  readonly resultBytes: number;
  readonly caches: CacheSizes;
  readonly origin: ConvOrigin;
  readonly cores: number;
}

/** From the last products of one kernel call to full speed in the next: latencies of the last sum, a store and the first loads (estimated). */
export const CALL_CYCLES = 20;
/** Share of a cache that one operand may fill and still be there when it is needed again. */
export const KEPT = 0.5;
