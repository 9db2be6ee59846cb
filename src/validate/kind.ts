import type { CsvRecord } from './fields.ts';

/** A measurement and what the model says of it, in the same unit. */
export interface Pair {
  readonly id: string;
  readonly measured: number;
  readonly predicted: number;
}

/** A kind of file of measurements, recognised by its columns. */
export interface Kind {
  readonly name: string;
  /** Of what is measured. */
  readonly unit: string;
  readonly columns: readonly string[];
  /** Predicts rows of one file, on the machine asked for or on that of each row; throws InputError for a row that says nothing. */
  readonly predictor: (arch: string | undefined) => (record: CsvRecord, row: number) => Pair;
}
