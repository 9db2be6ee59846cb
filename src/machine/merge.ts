import { produce } from 'immer';
import { type Data, type DataMap, isMap } from '../data.ts';

/** A field of a machine's spec: its dotted path and its value, which is no map. */
export interface Leaf {
  readonly path: string;
  readonly value: Data;
}

/** Every field below `value`; an empty map is a field too. */
export function leavesOf(value: Data, path = ''): Leaf[] {
  if (!isMap(value) || Object.keys(value).length === 0) return [{ path, value }];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, path === '' ? key : `${path}.${key}`));
}

/** true: `section` is `path` or one of the sections it lies in. */
export function covers(section: string, path: string): boolean {
  return path === section || path.startsWith(`${section}.`);
}

/**
 * A machine derived from `base`: maps are merged key by key; scalars, lists and null replace. A map that names another
 * `kind` than the base's replaces it whole, because the two have different fields.
 */
export function derive(base: DataMap, changes: DataMap): DataMap {
  return produce(base as Record<string, Data>, (draft) => mergeInto(draft, changes));
}

function mergeInto(draft: Record<string, Data>, changes: DataMap): void {
  for (const [key, value] of Object.entries(changes)) {
    const present = draft[key];
    const sameKind = isMap(present) && isMap(value) && (value.kind === undefined || value.kind === present.kind);
    if (sameKind) mergeInto(present as Record<string, Data>, value);
    else draft[key] = value;
  }
}
