import type { z } from 'zod';
import { InputError, type Problem } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { checkTrace } from './check.ts';
import { OP_SCHEMAS, TENSOR_SCHEMA, TRACE_SCHEMA } from './schema.ts';
import type { Op, Tensor, Trace } from './trace.ts';

/** Ops and tensors a trace file may have. */
export const MAX_OPS = 200_000;
export const MAX_TENSORS = 2_000_000;
/** Problems listed; a file with more has one cause, and nobody reads on. */
const MAX_PROBLEMS = 100;

const FORMAT = 'see "Traces" in workloads/README.md';

/** Reads and checks a trace. Throws InputError listing the faults. */
export function readTrace(text: string, file: string): Trace {
  const data = parseJson(text, file);
  const head = TRACE_SCHEMA.safeParse(data);
  if (!head.success) throw new InputError(problemsOf(head.error, file, data));
  const { tensors, ops } = head.data;
  if (ops.length > MAX_OPS) throw InputError.of(file, `has ${ops.length} ops`, `a trace may have at most ${MAX_OPS}`);
  if (tensors.length > MAX_TENSORS)
    throw InputError.of(file, `has ${tensors.length} tensors`, `a trace may have at most ${MAX_TENSORS}`);
  const problems: Problem[] = [];
  tensors.forEach((tensor, id) => {
    const result = TENSOR_SCHEMA.safeParse(tensor);
    if (!result.success && problems.length < MAX_PROBLEMS)
      problems.push(...problemsOf(result.error, `${file}: tensors[${id}]`, tensor));
  });
  ops.forEach((op, index) => {
    if (problems.length < MAX_PROBLEMS) problems.push(...opProblems(op, `${file}: ops[${index}]`));
  });
  if (problems.length === 0) problems.push(...checkTrace(tensors as Tensor[], ops as Op[], file));
  if (problems.length > MAX_PROBLEMS) {
    const more = problems.length - MAX_PROBLEMS;
    throw new InputError([
      ...problems.slice(0, MAX_PROBLEMS),
      { where: file, found: `${more} more fault${more === 1 ? '' : 's'}`, remedy: 'mend these first' },
    ]);
  }
  if (problems.length > 0) throw new InputError(problems);
  return head.data as Trace;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const cut =
      text.trim() === ''
        ? 'is empty'
        : `is no complete JSON (${error instanceof Error ? error.message.slice(0, 100) : 'unreadable'})`;
    throw InputError.of(file, cut, 'write the trace again; the file may be cut short');
  }
}

function opProblems(op: unknown, where: string): Problem[] {
  const kind = typeof op === 'object' && op !== null && 'kind' in op ? op.kind : undefined;
  const schema = typeof kind === 'string' ? OP_SCHEMAS.get(kind) : undefined;
  if (schema === undefined)
    return [
      {
        where: `${where}.kind`,
        found: kind === undefined ? 'missing' : JSON.stringify(kind),
        remedy: didYouMean(String(kind ?? ''), [...OP_SCHEMAS.keys()]),
      },
    ];
  const result = schema.safeParse(op);
  return result.success ? [] : problemsOf(result.error, where, op);
}

function problemsOf(error: z.ZodError, where: string, data: unknown): Problem[] {
  return error.issues.map((issue) => {
    const path = issue.path.join('.');
    const value = issue.path.reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
      data,
    );
    const found =
      issue.code === 'unrecognized_keys'
        ? `unknown field ${issue.keys.join(', ')}`
        : value === undefined
          ? 'missing'
          : JSON.stringify(value).slice(0, 80);
    return { where: path === '' ? where : `${where}.${path}`, found, remedy: `${issue.message}; ${FORMAT}` };
  });
}
