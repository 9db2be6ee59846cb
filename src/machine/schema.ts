import type { z } from 'zod';
import { type Data, isMap } from '../data.ts';

/** The parts of a zod schema's definition that naming its keys needs. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly keyType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

/** The schema under `nullable`, `optional` and `default`; of alternatives the one that the value's discriminator names. */
function unwrap(schema: z.ZodType, value: Data | undefined): Definition {
  const def = definition(schema);
  if (def.innerType !== undefined) return unwrap(def.innerType, value);
  if (def.type === 'union' && def.discriminator !== undefined && def.options !== undefined && isMap(value)) {
    const { discriminator } = def;
    const option = def.options.find((candidate) => {
      const tag = definition(candidate).shape?.[discriminator];
      return tag !== undefined && definition(tag).values?.includes(value[discriminator]);
    });
    if (option !== undefined) return unwrap(option, value);
  }
  return def;
}

/** Keys that a map may have; empty if any key will do or the schema is no map. */
export function knownKeys(schema: z.ZodType, value: Data | undefined): string[] {
  const def = unwrap(schema, value);
  if (def.shape !== undefined) return Object.keys(def.shape);
  if (def.keyType !== undefined) return Object.values(definition(def.keyType).entries ?? {});
  return [];
}

/** true: a map that takes keys of any name. */
export function takesAnyKey(schema: z.ZodType, value: Data | undefined): boolean {
  const def = unwrap(schema, value);
  return def.keyType !== undefined && definition(def.keyType).entries === undefined;
}

/** Schema of one key's value; undefined if there is none. */
export function childSchema(schema: z.ZodType, value: Data | undefined, key: string): z.ZodType | undefined {
  const def = unwrap(schema, value);
  return def.shape?.[key] ?? (def.keyType === undefined ? undefined : def.valueType);
}

/** Schema and value at a path; each undefined if there is none. */
export function descend(
  schema: z.ZodType,
  data: Data,
  path: readonly PropertyKey[],
): { schema?: z.ZodType; value?: Data } {
  let at: z.ZodType | undefined = schema;
  let value: Data | undefined = data;
  for (const key of path) {
    at = at === undefined ? undefined : childSchema(at, value, String(key));
    value = childValue(value, key);
  }
  return { ...(at === undefined ? {} : { schema: at }), ...(value === undefined ? {} : { value }) };
}

function childValue(value: Data | undefined, key: PropertyKey): Data | undefined {
  if (Array.isArray(value)) return value[Number(key)];
  return isMap(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
}
