/** The result of a run as plain data (`accsim.report/1`). Keys are stable; more may be added. */
export interface MemoryTraffic {
  readonly read: number;
  readonly write: number;
}

export interface OpReport {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly phase: string;
  readonly startCycle: number;
  /** Cycles of the run charged to this op; they add up to the total. */
  readonly cycles: number;
  readonly activeCycles: number;
  readonly macs: number;
  /** MACs of those that its algorithm does without (Winograd, Fourier). */
  readonly savedMacs: number;
  /** MACs done over MACs possible in its cycles, 0..1. */
  readonly utilization: number;
  /** What bounds it: `compute`, or the stall cause that took most of its cycles, `fused`, or `overlapped` where it ran beside others only. */
  readonly bound: string;
  readonly stallCycles: Readonly<Record<string, number>>;
  readonly trafficBytes: Readonly<Record<string, MemoryTraffic>>;
  readonly energyPj: number;
}

export interface UnitReport {
  readonly name: string;
  readonly busyCycles: number;
  readonly stallCycles: Readonly<Record<string, number>>;
  readonly idleCycles: number;
}

export interface Report {
  readonly schema: 'accsim.report/1';
  readonly version: string;
  readonly arch: {
    readonly name: string;
    readonly kind: string;
    readonly overrides: Readonly<Record<string, unknown>>;
    /** How many of the machine's numbers come from each kind of source. */
    readonly sources: Readonly<Record<string, number>>;
    /** Of the fitted ones, those that were fitted together count once. */
    readonly fittedConstants: number;
  };
  readonly workload: {
    readonly name: string;
    readonly batch: number;
    readonly phase: 'inference' | 'training';
    readonly precision: string;
  };
  readonly totals: {
    readonly cycles: number;
    readonly clockHz: number;
    readonly seconds: number;
    readonly macs: number;
    /** MACs of those that algorithms do without. */
    readonly savedMacs: number;
    readonly peakMacsPerCycle: number;
    readonly utilization: number;
    readonly samplesPerSecond: number;
    readonly energyPj: number;
    readonly averagePowerW: number;
    readonly activeCycles: number;
    readonly trafficBytes: Readonly<Record<string, MemoryTraffic>>;
    readonly stallCycles: Readonly<Record<string, number>>;
    readonly energyPjByComponent: Readonly<Record<string, number>>;
    /** Peak use of each on-chip buffer in bytes. */
    readonly peakUseBytes: Readonly<Record<string, number>>;
  };
  /** Paper-style hardware counters of the lead unit, percent of cycles; empty where a kind has none. */
  readonly countersPct: Readonly<Record<string, number>>;
  /** Roofline of the machine for this run: MAC per off-chip byte, attained and possible MAC per cycle. */
  readonly roofline: {
    readonly memory: string;
    readonly peakMacsPerCycle: number;
    readonly bytesPerCycle: number;
    readonly macsPerByte: number;
    readonly attainedMacsPerCycle: number;
    readonly ops: readonly {
      readonly name: string;
      readonly macsPerByte: number;
      readonly attainedMacsPerCycle: number;
    }[];
  };
  readonly units: readonly UnitReport[];
  readonly ops: readonly OpReport[];
  readonly accuracy: { readonly anchors: number; readonly meanAbsErrorPct: number | null; readonly note: string };
  /** Things a reader must know: what was split, spilled, assumed. */
  readonly notes: readonly string[];
}
