import type { Trace } from './trace.ts';

function lines(items: readonly unknown[]): string {
  return items.map((item) => `\n    ${JSON.stringify(item)}`).join(',');
}

/** The trace as JSON, one tensor or op a line, so that traces can be read and compared line by line. */
export function writeTrace(trace: Trace): string {
  return [
    '{',
    `  "schema": ${JSON.stringify(trace.schema)},`,
    `  "workload": ${JSON.stringify(trace.workload)},`,
    `  "tensors": [${lines(trace.tensors)}\n  ],`,
    `  "ops": [${lines(trace.ops)}\n  ]`,
    '}',
    '',
  ].join('\n');
}
