import { InputError } from '../errors.ts';

/** A row of a CSV of measurements by column. */
export type CsvRecord = Readonly<Record<string, string>>;

/** A whole number in a column. Throws InputError naming row and column. */
export function wholeNumber(record: CsvRecord, column: string, row: number, minimum = 1, maximumLog2 = 24): number {
  const value = Number(record[column]);
  if (record[column] === '' || !Number.isInteger(value) || value < minimum || value > 2 ** maximumLog2)
    throw InputError.of(
      `row ${row + 1}: ${column}`,
      JSON.stringify(record[column]),
      `write a whole number from ${minimum} to 2^${maximumLog2}`,
    );
  return value;
}

/** A positive number in a column. Throws InputError naming row and column. */
export function measuredNumber(record: CsvRecord, column: string, row: number): number {
  const value = Number(record[column]);
  if (!(value > 0) || !Number.isFinite(value))
    throw InputError.of(`row ${row + 1}: ${column}`, JSON.stringify(record[column]), 'write a positive number');
  return value;
}

/** One of some words in a column. Throws InputError naming row and column. */
export function oneOf<const Word extends string>(
  record: CsvRecord,
  column: string,
  row: number,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === record[column]);
  if (found === undefined)
    throw InputError.of(`row ${row + 1}: ${column}`, JSON.stringify(record[column]), `write ${words.join(', ')}`);
  return found;
}
