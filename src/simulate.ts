import { dynamicEnergyPj, machinePrices, requirePrices } from './energy/price.ts';
import type { Machine } from './machine/source.ts';
import { modelOf } from './models/registry.ts';
import { buildReport } from './report/build.ts';
import type { Report } from './report/report.ts';
import type { Trace } from './trace/trace.ts';
import { fanOut } from './views/fan-out.ts';
import { Ledger } from './views/ledger.ts';
import { Timeline } from './views/timeline.ts';
import { VERSION } from './version.ts';

export interface SimulateOptions {
  /** Also record a timeline (Chrome trace format). */
  readonly timeline?: boolean;
  /** Run every iteration of every loop: slow, the same result. */
  readonly unfolded?: boolean;
  /** Traces of all stages of a pipeline, of which the simulated one is one. */
  readonly stages?: readonly Trace[];
  /** Measured error of the machine's model, for the report. */
  readonly accuracy?: Report['accuracy'];
}

const UNKNOWN_ACCURACY: Report['accuracy'] = {
  anchors: 0,
  meanAbsErrorPct: null,
  note: 'No published or measured figure holds this machine.',
};

/** Runs a trace on a machine. Throws InputError if an op cannot run, something does not fit, or an action has no price. */
export function simulate(
  machine: Machine,
  trace: Trace,
  options: SimulateOptions = {},
): { report: Report; timeline: string | null } {
  const model = modelOf(machine);
  const price = machinePrices(model.facts.energy);
  const prepared = model.prepare(trace, options.stages);
  requirePrices(prepared.uses, price);
  const ledger = new Ledger(prepared.layout);
  const timeline = options.timeline === true ? new Timeline(prepared.layout, trace, model.facts.clockHz) : null;
  const observer = timeline === null ? ledger : fanOut([ledger, timeline]);
  const { notes, ...result } = prepared.run(observer, { unfolded: options.unfolded ?? false });
  const report = buildReport({
    version: VERSION,
    machine,
    facts: model.facts,
    peakMacsPerCycle: prepared.peakMacsPerCycle,
    trace,
    ledger,
    result: { ...result, notes: [...notes, ...priceNotes(machine.overrides)] },
    price: (counts) => dynamicEnergyPj(counts, price),
    accuracy: options.accuracy ?? UNKNOWN_ACCURACY,
  });
  return { report, timeline: timeline?.toJson(result.cycles) ?? null };
}

/** Prices per access and per shift follow from sizes; a size changed by hand leaves them as they were. */
function priceNotes(overrides: Machine['overrides']): string[] {
  const paths = Object.keys(overrides);
  const sizes = paths.filter((path) =>
    /^(array\.(rows|columns)|buffer|accumulators|weightFifoTiles|core\.size|rings|pe\.memory)/.test(path),
  );
  if (sizes.length === 0 || paths.some((path) => path.startsWith('energy'))) return [];
  return [
    `Energy prices are those of the unchanged sizes; give energy.sramKiB and energy.pricesPj for another ${sizes.join(', ')}.`,
  ];
}
