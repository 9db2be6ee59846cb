interface Hole {
  offset: number;
  end: number;
}

/** What is free of a buffer: holes in order, neighbours merged. Cost grows with the holes, not with what is allocated. */
export class FreeSpace {
  /** Highest byte ever in use. */
  peakBytes = 0;
  private readonly holes: Hole[];

  constructor(sizeBytes: number) {
    this.holes = [{ offset: 0, end: sizeBytes }];
  }

  /** Takes the lowest `bytes` that are free side by side; null if there is no such hole. */
  take(bytes: number): number | null {
    const index = this.holes.findIndex(({ offset, end }) => end - offset >= bytes);
    if (index < 0) return null;
    const hole = this.holes[index]!;
    const { offset } = hole;
    hole.offset += bytes;
    if (hole.offset === hole.end) this.holes.splice(index, 1);
    if (hole.offset > this.peakBytes) this.peakBytes = hole.offset;
    return offset;
  }

  /** Gives back what was taken. */
  give(offset: number, bytes: number): void {
    const end = offset + bytes;
    const found = this.holes.findIndex((hole) => hole.offset >= end);
    const next = found < 0 ? this.holes.length : found;
    const before = this.holes[next - 1];
    const after = this.holes[next];
    const joinsBefore = before?.end === offset;
    const joinsAfter = after?.offset === end;
    if (joinsBefore && joinsAfter) {
      before!.end = after!.end;
      this.holes.splice(next, 1);
    } else if (joinsBefore) before!.end = end;
    else if (joinsAfter) after!.offset = offset;
    else this.holes.splice(next, 0, { offset, end });
  }
}
