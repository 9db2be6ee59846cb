/** Where a number in a machine file comes from. */
export const SOURCE_KINDS = ['paper', 'datasheet', 'measured', 'estimated', 'fitted'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export interface Source {
  readonly kind: SourceKind;
  readonly ref: string;
}

/** A machine after `extends`, `--set` and checks: the spec its model runs, and where it came from. */
export interface Machine<Spec = unknown> {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  readonly spec: Spec;
  /** dotted path of a field -> its source */
  readonly sources: Readonly<Record<string, Source>>;
  readonly overrides: Readonly<Record<string, unknown>>;
}

/** Fitted constants of a machine: numbers that one entry under `sources` speaks for were fitted as one. */
export function fittedConstants({ sources }: Machine): number {
  return new Set(Object.values(sources).filter(({ kind }) => kind === 'fitted')).size;
}
