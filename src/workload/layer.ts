import type { DataMap } from '../data.ts';

/** A layer with all parameters evaluated; `scope` is the path of blocks it stands in, for names. */
export interface Layer {
  readonly type: string;
  readonly name: string;
  /** Names as written; resolved from the inside out. */
  readonly from: readonly string[];
  readonly scope: string;
  readonly parameters: DataMap;
  readonly where: string;
}
