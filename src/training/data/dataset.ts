/** Samples with a class each. Values lie one sample after the other, as the bytes or numbers of the file. */
export interface Samples {
  readonly count: number;
  readonly values: Uint8Array | Float32Array;
  readonly labels: Uint8Array | Int32Array;
}

/** What a network is trained on and tested with. */
export interface Dataset {
  readonly name: string;
  /** Shape of one sample: [channels, height, width] or [features]. */
  readonly shape: readonly number[];
  readonly classes: number;
  readonly train: Samples;
  readonly test: Samples;
}

/** Mean and standard deviation of all values, by which samples are normalised. */
export function statisticsOf({ values }: Samples): { readonly mean: number; readonly deviation: number } {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  const variance = Math.max(0, squares / values.length - mean * mean);
  return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
}
