import type { Heap } from './heap.ts';

const SLOTS = ['scratch', 'left', 'planes', 'columns', 'taps', 'pixels'] as const;
type Slot = (typeof SLOTS)[number];

/** Working storage of the kernels: one block of the heap per purpose, kept from call to call and replaced when too small. */
export class Workspace {
  readonly #blocks = new Map<Slot, Float32Array>();

  constructor(readonly heap: Heap) {}

  /** At least `length` elements of unknown content. */
  reserve(slot: Slot, length: number): Float32Array {
    const held = this.#blocks.get(slot);
    if (held !== undefined && held.length >= length) return held;
    if (held !== undefined) {
      this.#blocks.delete(slot);
      this.heap.release(held);
    }
    const block = this.heap.allocate(length);
    this.#blocks.set(slot, block);
    return block;
  }

  /** Address of `length` zeros. */
  zeros(slot: Slot, length: number): number {
    const block = this.reserve(slot, length);
    block.fill(0, 0, length);
    return block.byteOffset;
  }

  /** Address of a table of 32-bit integers, filled up with zeros to a multiple of 8. */
  table(slot: Slot, values: readonly number[]): number {
    const length = Math.ceil(values.length / 8) * 8;
    const block = this.reserve(slot, length);
    const table = new Int32Array(block.buffer, block.byteOffset, length);
    table.fill(0);
    table.set(values);
    return block.byteOffset;
  }
}
