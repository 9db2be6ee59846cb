import type { Grid } from './lower/grid.ts';
import type { Kernel } from './lower/kernel.ts';
import type { RingCollective } from './units/ring.ts';

/** Cores that exchange a vector (all parts together) of so many words; all groups of so many cores do so at the same time. */
export interface Exchange {
  readonly collective: RingCollective;
  readonly cores: number;
  /** Links between neighbours of a group; as many groups share each link. */
  readonly stride: number;
  readonly words: number;
}

/** Work on elements that all PEs of a pool share evenly. */
export interface VectorWork {
  /** For each PE: cycles of its one port of memory A, or of the special functions of its core if they take longer. */
  readonly cycles: number;
  /** Over all PEs. */
  readonly operations: number;
  readonly wordsRead: number;
  readonly wordsWritten: number;
}

/** What the cores do for a group of ops. */
export interface Job {
  /** Op that is charged, and those that run with it. */
  readonly op: number;
  readonly fused: readonly number[];
  /** Cores that it runs on. */
  readonly pool: number;
  /** Jobs whose results it needs. */
  readonly after: readonly number[];
  /** Those of them of whose results something comes back from the off-chip memory. */
  readonly readsBack: readonly number[];
  readonly macs: number;
  /** Run one after the other; none where nothing is multiplied. */
  readonly kernels: readonly Kernel[];
  readonly grid: Grid | null;
  readonly vector: VectorWork | null;
  /** Operands that go to all cores that need them, and partial sums that are added up, bucket by bucket beside the computation. */
  readonly exchanges: readonly Exchange[];
  readonly weightReadBytes: number;
  readonly operandReadBytes: number;
  readonly writeBytes: number;
}

export interface CaterpillarProgram {
  readonly jobs: readonly Job[];
  /** Cores of each pool. Pools work at the same time. */
  readonly poolCores: readonly number[];
  /** Share of memory A that was kept free for blocks that come and go. */
  readonly freeShare: number;
  readonly peakUseBytes: number;
  readonly notes: readonly string[];
}
