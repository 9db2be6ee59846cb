export interface ErrorMetrics {
  readonly mapePct: number;
  readonly medianAbsErrorPct: number;
  readonly kendallTau: number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Rank correlation tau-b of two equally long lists: 1 same order, -1 reversed; ties count for neither. NaN if one is constant. */
export function kendallTau(left: readonly number[], right: readonly number[]): number {
  let agreeing = 0;
  let leftOnly = 0;
  let rightOnly = 0;
  for (let i = 0; i < left.length; i++) {
    for (let j = i + 1; j < left.length; j++) {
      const a = Math.sign(left[i]! - left[j]!);
      const b = Math.sign(right[i]! - right[j]!);
      agreeing += a * b;
      if (a !== 0) leftOnly++;
      if (b !== 0) rightOnly++;
    }
  }
  return agreeing / Math.sqrt(leftOnly * rightOnly);
}

/** Error of predictions against measurements. */
export function errorMetrics(rows: readonly { readonly measured: number; readonly predicted: number }[]): ErrorMetrics {
  const errors = rows.map((row) => Math.abs((100 * (row.predicted - row.measured)) / row.measured));
  return {
    mapePct: mean(errors),
    medianAbsErrorPct: median(errors),
    kendallTau: kendallTau(
      rows.map((row) => row.measured),
      rows.map((row) => row.predicted),
    ),
  };
}
