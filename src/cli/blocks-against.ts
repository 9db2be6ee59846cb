import { htmlPage, htmlTable } from '../report/html.ts';
import { csvLines, markdownTable } from '../report/tables.ts';
import { validateBlocks } from '../validate/x86.ts';
import type { ErrorMetrics } from '../validate/metrics.ts';
import { readFormat } from './options.ts';
import { deliver } from './output.ts';
import { columns } from '../report/columns.ts';

interface Arguments {
  readonly arch?: string | undefined;
  readonly format: string;
  readonly out?: string | undefined;
  readonly quiet: boolean;
}

function line(name: string, { mapePct, medianAbsErrorPct, kendallTau }: ErrorMetrics): string {
  const tau = Number.isNaN(kendallTau) ? 'not defined' : kendallTau.toFixed(3);
  return `${name}: mean absolute error ${mapePct.toFixed(2)} %, median ${medianAbsErrorPct.toFixed(2)} %, Kendall tau ${tau}`;
}

/** `accsim validate --against` a file of measured basic blocks. Throws InputError. */
export function runBlocksAgainst(args: Arguments, text: string, path: string): void {
  const comparison = validateBlocks(text, path, args.arch);
  const head = ['id', 'mode', 'measured', 'predicted', 'errorPct'];
  const rows = comparison.rows.map((row) => [
    row.id,
    row.mode,
    row.measured.toFixed(3),
    row.predicted.toFixed(3),
    row.errorPct.toFixed(2),
  ]);
  const metrics = [
    ...Object.entries(comparison.byMode).map(([mode, one]) => `${line(mode, one)}, ${one.rows} rows`),
    ...Object.entries(comparison.llvmMca).map(([mode, one]) => line(`${mode}, llvm-mca`, one)),
  ].join('\n');
  const output = {
    json: () => `${JSON.stringify(comparison, null, 2)}\n`,
    csv: () => csvLines([head, ...rows]),
    md: () => `${markdownTable(head, rows)}\n\n${metrics}\n`,
    html: () => htmlPage(`Against ${path}`, `${htmlTable(head, rows)}<pre>${metrics}</pre>`),
    table: () => `${columns([head, ...rows], [0, 1])}\n${metrics}\n`,
  }[readFormat(args.format)]();
  deliver(output, args.out, args.quiet);
}
