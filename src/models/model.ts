import type { z } from 'zod';
import type { EnergySpec } from '../energy/spec.ts';
import type { ActionUse, EventLayout, Observer } from '../events/events.ts';
import type { Trace } from '../trace/trace.ts';

/** What a run leaves behind besides its events. */
export interface RunResult {
  readonly cycles: number;
  /** Peak use of each on-chip buffer in bytes. */
  readonly peakUseBytes: Readonly<Record<string, number>>;
  /** Ops that ran inside another one: op -> that op. */
  readonly fusedInto: ReadonlyMap<number, number>;
  /** MACs that ops ask for and their algorithms do without, as Winograd's: op -> MACs; absent: none. */
  readonly savedMacs?: ReadonlyMap<number, number>;
  /** Things a reader must know: what was split, spilled, assumed. */
  readonly notes: readonly string[];
}

/** What the report needs to know of a machine, whatever its kind. */
export interface MachineFacts {
  readonly clockHz: number;
  readonly defaultPrecision: string;
  readonly offChip: { readonly name: string; readonly bytesPerCycle: number };
  readonly energy: EnergySpec;
}

/** A trace lowered to a machine's program: everything that the user could be told is wrong has been. */
export interface PreparedRun {
  readonly layout: EventLayout;
  /** Every action that the run may count. */
  readonly uses: readonly ActionUse[];
  /** Multiply-adds per cycle that the machine can do at most in the formats of the trace. */
  readonly peakMacsPerCycle: number;
  /** Runs from cycle 0. `unfolded` runs every iteration of every loop: slow, the same result. */
  readonly run: (observer: Observer, options: { readonly unfolded: boolean }) => RunResult;
}

/** Simulates one kind of machine. */
export interface Model<Spec> {
  readonly kind: string;
  readonly schema: z.ZodType<Spec>;
  readonly facts: (spec: Spec) => MachineFacts;
  /**
   * `stages`: the traces of all stages of a pipeline in the order of their ranks, if `trace` is one of them; they are simulated together.
   * Throws InputError if an op cannot run or something does not fit.
   */
  readonly prepare: (spec: Spec, trace: Trace, stages?: readonly Trace[]) => PreparedRun;
}
