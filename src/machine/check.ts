import type { z } from 'zod';
import { type Data, show } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { descend, knownKeys } from './schema.ts';
import { didYouMean } from '../suggest.ts';

type Issue = z.core.$ZodIssue;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  null: 'null',
  undefined: 'nothing',
};

/**
 * Checks a machine's spec against its kind's schema. Throws InputError with every fault: dotted path, value found, remedy. `where`: the file,
 * or what a path is to be called.
 */
export function checkSpec<Spec>(
  spec: Data,
  schema: z.ZodType<Spec>,
  where: string | ((keys: readonly string[]) => string),
): Spec {
  const result = schema.safeParse(spec);
  if (result.success) return result.data;
  const placeOf = typeof where === 'string' ? (keys: readonly string[]) => `${where}: ${keys.join('.')}` : where;
  const { issues } = result.error;
  const telling = issues.filter((issue) => !isImplied(issue, issues));
  throw new InputError(telling.flatMap((issue) => problemsOf(issue, spec, schema, placeOf)));
}

/** A whole number beyond those that JavaScript holds is also beyond its field's own bound, which says more. */
function isImplied(issue: Issue, issues: readonly Issue[]): boolean {
  if ((issue.code !== 'too_big' && issue.code !== 'too_small') || issue.origin !== 'int') return false;
  return issues.some((other) => other !== issue && other.path.join('.') === issue.path.join('.'));
}

function problemsOf(
  issue: Issue,
  spec: Data,
  schema: z.ZodType,
  placeOf: (keys: readonly string[]) => string,
): Problem[] {
  const { value } = descend(schema, spec, issue.path);
  const place = (extra: readonly string[] = []): string => placeOf([...issue.path.map(String), ...extra]);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const at = descend(schema, spec, issue.path);
      const keys = at.schema === undefined ? [] : knownKeys(at.schema, at.value);
      return issue.keys.map((key) => ({ where: place([key]), found: 'unknown key', remedy: didYouMean(key, keys) }));
    }
    case 'invalid_key': {
      const at = descend(schema, spec, issue.path.slice(0, -1));
      const keys = at.schema === undefined ? [] : knownKeys(at.schema, at.value);
      return [{ where: place(), found: 'unknown key', remedy: didYouMean(String(issue.path.at(-1)), keys) }];
    }
    case 'invalid_type': {
      const expected = TYPE_NAMES[issue.expected] ?? issue.expected;
      const found = value === undefined ? 'missing' : show(value);
      return [{ where: place(), found, remedy: `${value === undefined ? 'add' : 'write'} ${expected}` }];
    }
    case 'too_small': {
      const bound = issue.inclusive === false ? 'greater than' : 'at least';
      return [{ where: place(), found: show(value), remedy: `must be ${bound} ${issue.minimum}` }];
    }
    case 'too_big': {
      const bound = issue.inclusive === false ? 'less than' : 'at most';
      return [{ where: place(), found: show(value), remedy: `must be ${bound} ${issue.maximum}` }];
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const remedy = typeof value === 'string' ? didYouMean(value, values) : `choose one of ${values.join(', ')}`;
      return [{ where: place(), found: value === undefined ? 'missing' : show(value), remedy }];
    }
    case 'invalid_union': {
      const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
      const remedy =
        options.length > 0 ? `choose one of ${options.join(', ')}` : 'see arch/README.md for the forms it may take';
      return [{ where: place(), found: value === undefined ? 'missing' : show(value), remedy }];
    }
    case 'invalid_format':
      return [{ where: place(), found: show(value), remedy: `must match ${issue.pattern ?? issue.format}` }];
    default:
      return [{ where: place(), found: show(value), remedy: issue.message }];
  }
}
