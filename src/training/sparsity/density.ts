import type { Values } from '../../numerics/ops/values.ts';
import type { TensorId, TensorRole, Trace } from '../../trace/trace.ts';
import type { Session } from '../execute/session.ts';

/** Tensors whose zeros are counted: what products and convolutions read and write. */
const MEASURED: ReadonlySet<TensorRole> = new Set(['input', 'weight', 'activation', 'gradient']);

/** Share of the values that is not zero. */
export function densityOf(values: Values): number {
  if (values.length === 0) return 1;
  let count = 0;
  for (const value of values) if (value !== 0) count++;
  return count / values.length;
}

/** Means of the densities seen in some steps of a run. */
export class DensityMeter {
  private readonly sums = new Map<TensorId, number>();
  private samples = 0;

  /** Counts in what a session's last step has left; the session must keep all tensors. */
  sample(session: Session): void {
    this.samples++;
    session.trace.tensors.forEach(({ role, dtype }, id) => {
      if (!MEASURED.has(role) || dtype === 'int32') return;
      this.sums.set(id, (this.sums.get(id) ?? 0) + densityOf(session.values(id)));
    });
  }

  /** Empty before the first sample. */
  get densities(): ReadonlyMap<TensorId, number> {
    return new Map([...this.sums].map(([id, sum]) => [id, sum / this.samples]));
  }
}

/** The trace with measured densities in its tensors; nothing else changes. */
export function withDensities(trace: Trace, densities: ReadonlyMap<TensorId, number>): Trace {
  const tensors = trace.tensors.map((tensor, id) => {
    const density = densities.get(id);
    return density === undefined ? tensor : { ...tensor, density };
  });
  return { ...trace, tensors };
}
