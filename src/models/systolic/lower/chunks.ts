import type { SystolicSpec } from '../spec.ts';
import { balancedRuns, type Gemm, type Run } from './gemm.ts';
import type { Readiness } from './readiness.ts';

/** Rows of results that can be gathered before they must leave. */
export function chunkCapacity(spec: SystolicSpec): number {
  if (spec.accumulators !== null) return Math.floor(spec.accumulators.rows / spec.accumulators.buffers);
  const rowBytes = spec.array.columns * (spec.array.accumulatorBits / 8);
  return Math.max(1, Math.floor(resultBytes(spec) / rowBytes));
}

/** Double-buffered share of the buffer that results, or streamed operands, may take at a time. */
function resultBytes({ buffer }: SystolicSpec): number {
  return (buffer.kind === 'unified' ? buffer.sizeKiB / 4 : buffer.outputKiB / 2) * 1024;
}

export function inputBytes({ buffer }: SystolicSpec): number {
  return (buffer.kind === 'unified' ? buffer.sizeKiB / 4 : buffer.inputKiB / 2) * 1024;
}

/** Cuts the rows of one array into chunks of at most `capacity`, between samples where it can. */
export function chunkRuns(gemm: Gemm, rows: number, capacity: number): Run[] {
  const perSample = gemm.rowsPerSample;
  if (perSample === 0 || rows % perSample !== 0 || perSample > capacity) return balancedRuns(rows, capacity);
  const samples = balancedRuns(rows / perSample, Math.floor(capacity / perSample));
  return samples.map((run) => ({ size: run.size * perSample, times: run.times }));
}

/** Equal chunks in a row, of which the first waits for part of the operands, or all, or has them already. */
export interface Segment extends Run {
  readonly needs: 'part' | 'all' | 'nothing';
}

/**
 * Groups chunks by what they wait for: the first for the samples it reads, where the operand comes in chunks itself; the first
 * that reads the operand's last chunk for that. The last chunk stands alone, since readers may start before it.
 */
export function segments(chunks: readonly Run[], rows: number, readiness: Readiness): Segment[] {
  const result: Segment[] = [];
  const earlyRows = readiness.allButLastShare * rows;
  let done = 0;
  let waited: Segment['needs'] = 'nothing';
  const add = (size: number, times: number, needs: Segment['needs']): void => {
    if (times > 0) result.push({ size, times, needs });
    done += size * times;
  };
  for (const { size, times } of chunks) {
    let left = times;
    if (waited === 'nothing' && done + size <= earlyRows) {
      waited = 'part';
      add(size, 1, 'part');
      left--;
    }
    if (waited === 'part') {
      const early = Math.min(left, Math.floor((earlyRows - done) / size));
      add(size, early, 'nothing');
      left -= early;
    }
    if (waited !== 'all' && left > 0) {
      waited = 'all';
      add(size, 1, 'all');
      left--;
    }
    add(size, left, 'nothing');
  }
  return lastAlone(result);
}

function lastAlone(all: readonly Segment[]): Segment[] {
  const last = all[all.length - 1]!;
  if (last.times === 1) return [...all];
  return [...all.slice(0, -1), { ...last, times: last.times - 1 }, { ...last, times: 1, needs: 'nothing' }];
}
