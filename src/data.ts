/** Plain data as YAML gives it. */
export type Data = null | boolean | number | string | readonly Data[] | { readonly [key: string]: Data };
export type DataMap = { readonly [key: string]: Data };

export function isMap(data: Data | undefined): data is DataMap {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

/** Short form of a value for messages. */
export function show(value: unknown): string {
  const text =
    value === undefined
      ? 'nothing'
      : typeof value === 'number'
        ? String(value)
        : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
