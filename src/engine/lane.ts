/**
 * An in-order stream of work for one unit: items are issued into a bounded queue, started in order, and their start and
 * completion cycles stay known for a while, so that other units can wait for "the item issued d before the last one".
 * Completion cycles are known as soon as an item starts.
 */
export class Lane<Item> {
  /** Items issued so far; the next item gets this sequence number. */
  issued = 0;
  /** Items started so far. */
  started = 0;
  /** Latest completion cycle of any started item. */
  lastDoneCycle = 0;

  private readonly items: (Item | undefined)[];
  private readonly waits: Int32Array;
  private readonly visibleCycles: Float64Array;
  private readonly startCycles: Float64Array;
  private readonly doneCycles: Float64Array;

  constructor(
    readonly name: string,
    readonly queueDepth: number,
    private readonly waitsPerItem: number,
  ) {
    // Completed items are remembered for as long as an item that waits for them can still sit in another queue.
    this.items = new Array<Item | undefined>(queueDepth * 4);
    this.waits = new Int32Array(this.items.length * waitsPerItem);
    this.visibleCycles = new Float64Array(this.items.length);
    this.startCycles = new Float64Array(this.items.length);
    this.doneCycles = new Float64Array(this.items.length);
  }

  get full(): boolean {
    return this.issued - this.started >= this.queueDepth;
  }

  get pending(): boolean {
    return this.issued > this.started;
  }

  /** Issues an item in `cycle`; the unit sees it in the next. Returns the slot for its wait list. */
  push(item: Item, cycle: number): void {
    const slot = this.issued % this.items.length;
    this.items[slot] = item;
    this.visibleCycles[slot] = cycle + 1;
    this.issued++;
  }

  /** Notes on the item issued last that it waits for sequence number `sequence` (negative: nothing) in wait `index`. */
  setWait(index: number, sequence: number): void {
    this.waits[((this.issued - 1) % this.items.length) * this.waitsPerItem + index] = sequence;
  }

  item(sequence: number): Item {
    return this.items[sequence % this.items.length] as Item;
  }

  waitOf(sequence: number, index: number): number {
    return this.waits[(sequence % this.items.length) * this.waitsPerItem + index]!;
  }

  visibleCycle(sequence: number): number {
    return this.visibleCycles[sequence % this.items.length]!;
  }

  /** Starts the item at the head of the queue. */
  start(startCycle: number, doneCycle: number): void {
    const slot = this.started % this.items.length;
    this.startCycles[slot] = startCycle;
    this.doneCycles[slot] = doneCycle;
    if (doneCycle > this.lastDoneCycle) this.lastDoneCycle = doneCycle;
    this.started++;
  }

  /** Whether start and completion of this item are still remembered; what is forgotten completed long ago. */
  remembers(sequence: number): boolean {
    return sequence >= 0 && sequence < this.started && sequence > this.issued - this.items.length;
  }

  startOf(sequence: number): number {
    return this.startCycles[sequence % this.items.length]!;
  }

  /** Cycle at which an item is complete: 0 if there is none or it is long past, Infinity if it has not started. */
  doneOf(sequence: number): number {
    if (sequence >= this.started) return Number.POSITIVE_INFINITY;
    return this.remembers(sequence) ? this.doneCycles[sequence % this.items.length]! : 0;
  }

  /** Appends everything that future behaviour depends on, relative to `cycle`; what was complete by `floor` is all alike. */
  snapshot(out: number[], cycle: number, floor: number): void {
    out.push(this.issued - this.started, Math.max(this.lastDoneCycle, floor) - cycle);
    for (let sequence = this.started - 1; this.remembers(sequence); sequence--) {
      const done = this.doneOf(sequence);
      if (done <= floor) break;
      out.push(Math.max(this.startOf(sequence), floor) - cycle, done - cycle);
    }
  }

  /** Appends the queued items themselves, by identity number, and what they still wait for in the lanes given. */
  snapshotQueue(
    out: number[],
    identity: (item: Item) => number,
    lanes: readonly Lane<Item>[],
    cycle: number,
    floor: number,
  ): void {
    for (let sequence = this.started; sequence < this.issued; sequence++) {
      out.push(identity(this.item(sequence)), Math.max(this.visibleCycle(sequence), floor) - cycle);
      for (let index = 0; index < this.waitsPerItem; index++) {
        const lane = lanes[index]!;
        const waited = this.waitOf(sequence, index);
        const open = waited >= 0 && lane.doneOf(waited) > floor;
        out.push(open ? lane.issued - waited : 0);
      }
    }
  }

  /** Moves all remembered cycles `cycles` later: that much time has been folded away. */
  shift(cycles: number): void {
    for (let slot = 0; slot < this.items.length; slot++) {
      this.visibleCycles[slot]! += cycles;
      this.startCycles[slot]! += cycles;
      this.doneCycles[slot]! += cycles;
    }
    this.lastDoneCycle += cycles;
  }
}
