/** A state that has been met, when, and how far each warp was. */
export interface Met {
  cycle: number;
  readonly state: Float64Array;
  readonly iterations: Int32Array;
}

/** The last states that were met, as many as it has room for; writing into a row of it allocates nothing once all are there. */
export class States {
  private readonly rows: Met[] = [];
  private count = 0;

  constructor(
    private readonly room: number,
    private readonly stateSize: number,
    private readonly warps: number,
  ) {}

  /** States remembered. */
  get size(): number {
    return Math.min(this.count, this.room);
  }

  /** The one met so many times ago: 1 is the last one remembered. */
  back(times: number): Met {
    return this.rows[(this.count - times) % (this.room + 1)]!;
  }

  /** A row that does not count yet: what it holds is older than all that is remembered. */
  draft(): Met {
    const index = this.count % (this.room + 1);
    const { stateSize, warps } = this;
    this.rows[index] ??= { cycle: 0, state: new Float64Array(stateSize), iterations: new Int32Array(warps) };
    return this.rows[index]!;
  }

  /** The oldest remembered row whose state is that of the draft. */
  same(draft: Met): Met | undefined {
    for (let times = this.size; times > 0; times--) {
      const row = this.back(times);
      if (equal(row.state, draft.state)) return row;
    }
    return undefined;
  }

  /** Remembers the draft. */
  keep(): void {
    this.count++;
  }

  forget(): void {
    this.count = 0;
  }
}

function equal(one: Float64Array, other: Float64Array): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
