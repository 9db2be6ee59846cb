import { parse } from 'csv-parse/sync';
import { InputError, type Problem } from '../errors.ts';

const MAX_ROWS = 10_000;

/** A layer of a topology file. */
export interface Row {
  readonly label: string;
  readonly numbers: readonly number[];
  /** Line of the file, from 1. */
  readonly line: number;
  readonly where: string;
}

interface Record {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

const isNumber = (field: string | undefined): boolean => field !== undefined && /^-?\d+(\.\d+)?$/.test(field);

/** Rows of a SCALE-Sim topology file without headers and blank lines. Throws InputError listing all faults. */
export function readRows(text: string, file: string): Row[] {
  const rows: Row[] = [];
  const problems: Problem[] = [];
  for (const { record, info } of parseCsv(text, file)) {
    const fields = [...record];
    // Files of this tool end their rows with a comma; sparsity columns (`2:4`) follow the sizes.
    while (fields.length > 0 && (fields.at(-1) === '' || /^\d+:\d+$/.test(fields.at(-1)!))) fields.pop();
    if (fields.length === 0) continue;
    // A header has no number at all.
    if (rows.length === 0 && problems.length === 0 && !fields.slice(1).some(isNumber)) continue;
    const where = `${file}:${info.lines}`;
    const odd = fields.slice(1).find((field) => !/^\d+$/.test(field));
    if (odd !== undefined)
      problems.push({
        where,
        found: odd === '' ? 'an empty field' : odd,
        remedy: 'write whole numbers after the name',
      });
    else
      rows.push({
        label: fields[0] === '' ? `layer ${rows.length}` : fields[0]!,
        numbers: fields.slice(1).map(Number),
        line: info.lines,
        where,
      });
  }
  if (problems.length > 0) throw new InputError(problems);
  if (rows.length === 0)
    throw InputError.of(
      file,
      'holds no layers',
      'give rows `name, M, N, K` or `name, ifmap H, ifmap W, filter H, filter W, channels, filters, stride`',
    );
  if (rows.length > MAX_ROWS) throw InputError.of(file, `has ${rows.length} rows`, `give at most ${MAX_ROWS}`);
  return rows;
}

function parseCsv(text: string, file: string): Record[] {
  try {
    return parse(text, {
      relax_column_count: true,
      trim: true,
      skip_empty_lines: true,
      bom: true,
      info: true,
    }) as unknown as Record[];
  } catch (error) {
    throw InputError.of(
      file,
      `is no CSV (${error instanceof Error ? error.message : 'unreadable'})`,
      'write comma-separated rows',
    );
  }
}
