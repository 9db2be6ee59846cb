import { parse } from 'csv-parse/sync';
import { InputError, type Problem } from '../../errors.ts';
import type { Samples } from './dataset.ts';

const LISTED = 10;
/** Labels are below it: results of so many classes are a mistake. */
const MOST_CLASSES = 65536;

function parseRows(text: string, where: string): string[][] {
  try {
    return parse(text, { bom: true, trim: true, skip_empty_lines: true, relax_column_count: true }) as string[][];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw InputError.of(where, `is no CSV (${reason})`, 'write rows `label, value, value ...`');
  }
}

/** NaN for an empty cell and for what single precision cannot hold. */
function numberOf(cell: string): number {
  const number = cell === '' ? Number.NaN : Math.fround(Number(cell));
  return Number.isFinite(number) ? number : Number.NaN;
}

/** Rows `label, value, value ...`; a first row that holds no numbers is a header. Throws InputError listing bad rows. */
export function parseCsvSamples(text: string, where: string): { samples: Samples; features: number } {
  const rows = parseRows(text, where);
  const start = rows[0]?.every((cell) => Number.isNaN(Number(cell))) === true ? 1 : 0;
  const features = (rows[start]?.length ?? 0) - 1;
  if (features < 1)
    throw InputError.of(where, 'has no rows of a label and values', 'write rows `label, value, value ...`');
  const count = rows.length - start;
  const values = new Float32Array(count * features);
  const labels = new Int32Array(count);
  const problems: Problem[] = [];
  for (let index = 0; index < count; index++) {
    const row = rows[start + index]!;
    const [label, ...numbers] = row.map(numberOf) as [number, ...number[]];
    const good = numbers.length === features && Number.isInteger(label) && label >= 0 && label < MOST_CLASSES;
    if (!good || numbers.some(Number.isNaN)) {
      const remedy = `write a whole label from 0 to ${MOST_CLASSES - 1} and ${features} numbers`;
      problems.push({ where: `${where}: row ${start + index + 1}`, found: row.join(', ').slice(0, 60), remedy });
      if (problems.length === LISTED) break;
      continue;
    }
    labels[index] = label;
    values.set(numbers, index * features);
  }
  if (problems.length > 0) throw new InputError(problems);
  return { samples: { count, values, labels }, features };
}
