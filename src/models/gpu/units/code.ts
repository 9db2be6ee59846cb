import type { WarpProgram } from '../program.ts';

/** Instructions of all three parts of a program in one row of typed columns. */
export class Code {
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly length: number;
  readonly pipe: Uint8Array;
  readonly occupies: Float64Array;
  readonly latency: Float64Array;
  readonly writes: Int32Array;
  /** Slots that instruction i reads are `readList` from readsFrom[i] until readsFrom[i + 1]. */
  readonly readsFrom: Int32Array;
  readonly readList: Int32Array;
  readonly effect: Uint8Array;
  readonly waitGroups: Uint8Array;

  constructor({ prologue, body, epilogue }: WarpProgram) {
    const all = [...prologue, ...body, ...epilogue];
    const { length } = all;
    this.bodyStart = prologue.length;
    this.bodyEnd = prologue.length + body.length;
    this.length = length;
    this.pipe = new Uint8Array(length);
    this.occupies = new Float64Array(length);
    this.latency = new Float64Array(length);
    this.writes = new Int32Array(length);
    this.readsFrom = new Int32Array(length + 1);
    this.effect = new Uint8Array(length);
    this.waitGroups = new Uint8Array(length);
    for (let at = 0; at < length; at++) this.readsFrom[at + 1] = this.readsFrom[at]! + all[at]!.reads.length;
    this.readList = new Int32Array(this.readsFrom[length]!);
    for (let at = 0; at < length; at++) {
      const one = all[at]!;
      this.pipe[at] = one.pipe;
      this.occupies[at] = one.occupiesCycles;
      this.latency[at] = one.latencyCycles;
      this.writes[at] = one.writes;
      this.effect[at] = one.effect;
      this.waitGroups[at] = one.waitGroups;
      for (let read = 0; read < one.reads.length; read++) this.readList[this.readsFrom[at]! + read] = one.reads[read]!;
    }
  }
}
