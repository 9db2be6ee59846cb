import { loadMachine } from '../machine/load.ts';
import { SCHEMAS } from '../models/registry.ts';
import { simulate } from '../simulate.ts';
import { loadTrace } from '../workload/load.ts';

export interface ScalesimRow {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly rows: number;
  readonly columns: number;
  readonly dataflow: 'ws' | 'os' | 'is';
}

const DATAFLOWS = { ws: 'weight-stationary', os: 'output-stationary', is: 'input-stationary' } as const;

/**
 * Compute cycles of one matrix product as SCALE-Sim reports them: everything but waiting for memory, and one too few, since the
 * tool reports the index of the last cycle, counted from 0.
 */
export function scalesimCycles(row: ScalesimRow): number {
  const sets = [`array.rows=${row.rows}`, `array.columns=${row.columns}`, `array.dataflow=${DATAFLOWS[row.dataflow]}`];
  const machine = loadMachine('scalesim', sets, SCHEMAS);
  const { totals } = simulate(
    machine,
    loadTrace(`matmul:${row.m}x${row.n}x${row.k}`, { phase: 'inference' }, 'int8'),
  ).report;
  const at = (cause: string): number => totals.stallCycles[cause] ?? 0;
  return totals.activeCycles + at('weight-shift') + at('fill') + at('drain') - 1;
}
