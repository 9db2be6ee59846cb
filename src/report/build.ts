import type { ActionCount, Ledger } from '../views/ledger.ts';
import { STALL_CAUSES } from '../events/events.ts';
import { fittedConstants, type Machine } from '../machine/source.ts';
import type { MachineFacts, RunResult } from '../models/model.ts';
import { macs } from '../trace/facts.ts';
import type { Trace } from '../trace/trace.ts';
import type { MemoryTraffic, OpReport, Report, UnitReport } from './report.ts';

/** Energy of counted actions in pJ, by component; knows the machine's prices. */
export type PriceActions = (counts: readonly ActionCount[]) => Readonly<Record<string, number>>;

export interface ReportInputs {
  readonly version: string;
  readonly machine: Machine;
  readonly facts: MachineFacts;
  /** In the formats of the trace. */
  readonly peakMacsPerCycle: number;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly result: RunResult;
  readonly price: PriceActions;
  readonly accuracy: Report['accuracy'];
}

const LEAD = 0;

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function addInto(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(from)) into[key] = (into[key] ?? 0) + value;
}

/** Bytes read and written at every component that moves any. */
function trafficOf(counts: readonly ActionCount[]): Record<string, MemoryTraffic> {
  const traffic: Record<string, MemoryTraffic> = {};
  for (const { component, action, bytes } of counts) {
    if (action !== 'read' && action !== 'write') continue;
    const before = traffic[component] ?? { read: 0, write: 0 };
    traffic[component] = { ...before, [action]: before[action] + bytes };
  }
  return traffic;
}

/** Puts a run's events, facts and prices together. */
export function buildReport(inputs: ReportInputs): Report {
  const { machine, facts, trace, ledger, result } = inputs;
  const { cycles } = result;
  const seconds = cycles / facts.clockHz;
  const staticPjPerCycle = (facts.energy.idlePowerW / facts.clockHz) * 1e12;
  const stallTotals: Record<string, number> = {};
  const energyTotals: Record<string, number> = {};
  const traffic: Record<string, { read: number; write: number }> = {};
  const rooflineOps: Report['roofline']['ops'][number][] = [];
  let activeCycles = 0;
  let totalMacs = 0;
  let savedMacs = 0;
  let startCycle = 0;
  // Cells that hold useful weights, and those that do not, while the array is active.
  let usefulMacs = 0;
  let idleMacs = 0;
  const ops = trace.ops.map((op, index): OpReport => {
    const stallCycles: Record<string, number> = ledger.stallCycles(LEAD, index);
    const active = ledger.busyCycles(LEAD, index);
    const opCycles = active + sum(Object.values(stallCycles));
    const counts = ledger.actions(index);
    for (const { action, count } of counts) {
      if (action === 'mac.idle') idleMacs += count;
      else if (action.startsWith('mac.')) usefulMacs += count;
    }
    const energyByComponent = inputs.price(counts);
    const trafficBytes = trafficOf(counts);
    const opMacs = macs(op);
    const saved = result.savedMacs?.get(index) ?? 0;
    const multiplied = opMacs - saved;
    addInto(stallTotals, stallCycles);
    addInto(energyTotals, energyByComponent);
    for (const [name, bytes] of Object.entries(trafficBytes)) {
      const total = traffic[name] ?? { read: 0, write: 0 };
      traffic[name] = { read: total.read + bytes.read, write: total.write + bytes.write };
    }
    activeCycles += active;
    totalMacs += opMacs;
    savedMacs += saved;
    const offChip = trafficBytes[facts.offChip.name];
    if (opMacs > 0 && opCycles > 0 && offChip !== undefined) {
      rooflineOps.push({
        name: op.name,
        macsPerByte: multiplied / (offChip.read + offChip.write),
        attainedMacsPerCycle: multiplied / opCycles,
      });
    }
    const report: OpReport = {
      id: op.id,
      name: op.name,
      kind: op.kind,
      phase: op.phase,
      startCycle,
      cycles: opCycles,
      activeCycles: active,
      macs: opMacs,
      savedMacs: saved,
      utilization: opCycles === 0 ? 0 : multiplied / (opCycles * inputs.peakMacsPerCycle),
      bound: result.fusedInto.has(index)
        ? 'fused'
        : isOverlapped(ledger, index, opCycles)
          ? 'overlapped'
          : boundOf(active, stallCycles),
      stallCycles,
      trafficBytes,
      energyPj: sum(Object.values(energyByComponent)) + opCycles * staticPjPerCycle,
    };
    startCycle += opCycles;
    return report;
  });
  energyTotals.static = cycles * staticPjPerCycle;
  const energyPj = sum(Object.values(energyTotals));
  const offChip = traffic[facts.offChip.name] ?? { read: 0, write: 0 };
  const offChipBytes = offChip.read + offChip.write;
  const multipliedMacs = totalMacs - savedMacs;
  return {
    schema: 'accsim.report/1',
    version: inputs.version,
    arch: {
      name: machine.name,
      kind: machine.kind,
      overrides: machine.overrides,
      sources: countSources(machine),
      fittedConstants: fittedConstants(machine),
    },
    workload: { ...trace.workload },
    totals: {
      cycles,
      clockHz: facts.clockHz,
      seconds,
      macs: totalMacs,
      savedMacs,
      peakMacsPerCycle: inputs.peakMacsPerCycle,
      utilization: cycles === 0 ? 0 : multipliedMacs / (cycles * inputs.peakMacsPerCycle),
      samplesPerSecond: seconds === 0 ? 0 : trace.workload.batch / seconds,
      energyPj,
      averagePowerW: seconds === 0 ? 0 : energyPj / 1e12 / seconds,
      activeCycles,
      trafficBytes: traffic,
      stallCycles: ordered(stallTotals),
      energyPjByComponent: energyTotals,
      peakUseBytes: result.peakUseBytes,
    },
    // The counters are those of a systolic array.
    countersPct:
      machine.kind === 'systolic'
        ? counters(cycles, activeCycles, stallTotals, usefulMacs === 0 ? 0 : usefulMacs / (usefulMacs + idleMacs))
        : {},
    roofline: {
      memory: facts.offChip.name,
      peakMacsPerCycle: inputs.peakMacsPerCycle,
      bytesPerCycle: facts.offChip.bytesPerCycle,
      macsPerByte: offChipBytes === 0 ? 0 : multipliedMacs / offChipBytes,
      attainedMacsPerCycle: cycles === 0 ? 0 : multipliedMacs / cycles,
      ops: rooflineOps,
    },
    units: unitReports(ledger, cycles),
    ops,
    accuracy: inputs.accuracy,
    notes: [...savedNote(totalMacs, savedMacs), ...result.notes],
  };
}

function savedNote(totalMacs: number, savedMacs: number): string[] {
  if (savedMacs === 0) return [];
  const percent = ((100 * savedMacs) / totalMacs).toPrecision(2);
  return [
    `Convolutions by Winograd or Fourier transforms, or past zeros of padding, do without ${percent} % of the MACs; MAC utilization and roofline count those done.`,
  ];
}

/** Causes in the order of the closed set, so that reports are stable. */
function ordered(stalls: Readonly<Record<string, number>>): Record<string, number> {
  const result: Record<string, number> = {};
  for (const cause of STALL_CAUSES) if (stalls[cause] !== undefined) result[cause] = stalls[cause];
  return result;
}

/** Whether an op ran beside others, on units that do not lead. */
function isOverlapped(ledger: Ledger, op: number, leadCycles: number): boolean {
  return leadCycles === 0 && ledger.layout.units.some((_, unit) => ledger.busyCycles(unit, op) > 0);
}

function boundOf(active: number, stalls: Readonly<Record<string, number>>): string {
  let bound = 'compute';
  let most = active;
  for (const [cause, cycles] of Object.entries(stalls)) {
    if (cycles <= most) continue;
    most = cycles;
    bound = cause;
  }
  return bound;
}

/** Hardware counters as in Jouppi 2017, Table 3: the first, fourth, fifth and sixth add up to 100. */
function counters(
  cycles: number,
  active: number,
  stalls: Readonly<Record<string, number>>,
  useful: number,
): Record<string, number> {
  if (cycles === 0) return {};
  const pct = (value: number): number => (100 * value) / cycles;
  const at = (cause: string): number => stalls[cause] ?? 0;
  const weightStall = at('weight-stall');
  const weightShift = at('weight-shift');
  return {
    arrayActive: pct(active),
    usefulMacs: pct(active) * useful,
    unusedMacs: pct(active) * (1 - useful),
    weightStall: pct(weightStall),
    weightShift: pct(weightShift),
    nonMatrix: pct(cycles - active - weightStall - weightShift),
    rawStall: pct(at('raw') + at('activation') + at('drain')),
    inputStall: pct(at('input')),
  };
}

function countSources(machine: Machine): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { kind } of Object.values(machine.sources)) result[kind] = (result[kind] ?? 0) + 1;
  return result;
}

function unitReports(ledger: Ledger, cycles: number): UnitReport[] {
  return ledger.layout.units.map((name, unit) => {
    const { busyCycles, stallCycles } = ledger.unitTotals(unit);
    return { name, busyCycles, stallCycles, idleCycles: cycles - busyCycles - sum(Object.values(stallCycles)) };
  });
}
