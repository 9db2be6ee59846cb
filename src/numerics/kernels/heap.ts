import { InputError, ModelBug } from '../../errors.ts';

const PAGE_BYTES = 65536;
/** Most pages the kernels' memory may have: 3 GiB. The same number stands in scripts/kernels.mjs. */
const MAXIMUM_PAGES = 49152;
/** Blocks begin and end on cache lines. */
const ALIGNMENT_BYTES = 64;
/** Memory grows by at least so much: every growth costs a system call and a new buffer object. */
const GROWTH_PAGES = 256;

interface Block {
  readonly offset: number;
  readonly bytes: number;
}

/** What a heap deals out: part of a memory, from `startByte` up to `endByte`. */
export interface HeapRange {
  readonly memory: WebAssembly.Memory;
  readonly startByte: number;
  readonly endByte: number;
}

/** A shared memory as the kernels import it. It reserves addresses, not storage: pages count when they are first written. */
function createMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw InputError.of('memory', 'the system refuses 3 GiB of address space', 'raise the limit (ulimit -v)');
  }
}

/**
 * Float32 arrays inside one WebAssembly memory. The memory is shared, so arrays stay valid when it grows and other threads can
 * work on them; a worker makes its own heap over a range that it was given.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** Bytes of all arrays that are allocated and not released, each rounded up to a cache line. */
  usedBytes = 0;
  readonly #endByte: number;
  /** Everything from here on is free. */
  #topByte: number;
  /** Nothing from here on was ever dealt out, so it still holds zeros. */
  #cleanByte: number;
  readonly #allocated = new Map<number, number>();
  /** Released blocks, by their size in bytes. */
  readonly #released = new Map<number, Block[]>();
  readonly #buffers = new WeakSet<ArrayBufferLike>();

  /** Without a range: a memory of its own that grows up to 3 GiB. */
  constructor(range: HeapRange = { memory: createMemory(), startByte: 0, endByte: MAXIMUM_PAGES * PAGE_BYTES }) {
    this.memory = range.memory;
    this.#topByte = Math.max(ALIGNMENT_BYTES, roundUp(range.startByte));
    // Memory that others share may hold anything.
    this.#cleanByte = range.startByte === 0 ? this.#topByte : range.endByte;
    this.#endByte = range.endByte;
  }

  /** An array of `length` zeros, 64-byte aligned. Throws InputError if the memory is exhausted. */
  allocate(length: number): Float32Array {
    if (!Number.isInteger(length) || length < 0) throw new ModelBug(`an array of ${length} elements`);
    const bytes = Math.max(ALIGNMENT_BYTES, roundUp(length * Float32Array.BYTES_PER_ELEMENT));
    const offset = this.#released.get(bytes)?.pop()?.offset ?? this.#fromTop(bytes) ?? this.#fromReleased(bytes);
    if (offset === null) {
      throw InputError.of(
        'memory',
        `an array of ${mebibytes(bytes)} does not fit beside the ${mebibytes(this.usedBytes)} in use`,
        'use a smaller batch or network',
      );
    }
    this.#allocated.set(offset, bytes);
    this.usedBytes += bytes;
    const view = this.view(offset, length);
    if (offset < this.#cleanByte) view.fill(0);
    this.#cleanByte = Math.max(this.#cleanByte, offset + bytes);
    return view;
  }

  /** Gives an array back, named by any view that begins where it begins. Throws ModelBug if it is not allocated. */
  release(array: Float32Array): void {
    const offset = array.byteOffset;
    const bytes = this.owns(array) ? this.#allocated.get(offset) : undefined;
    if (bytes === undefined) throw new ModelBug('an array was released that is not allocated here');
    this.#allocated.delete(offset);
    this.usedBytes -= bytes;
    this.#keep({ offset, bytes });
  }

  /** `length` elements from byte `offset` of the memory on: how a thread sees an array that another one allocated. */
  view(offset: number, length: number): Float32Array {
    this.#buffers.add(this.memory.buffer);
    return new Float32Array(this.memory.buffer, offset, length);
  }

  /** Whether a view looks into this memory. */
  owns(array: Float32Array): boolean {
    return this.#buffers.has(array.buffer);
  }

  #keep(block: Block): void {
    const same = this.#released.get(block.bytes);
    if (same === undefined) this.#released.set(block.bytes, [block]);
    else same.push(block);
  }

  /** Offset of a block above all others; null if the memory cannot grow so far. */
  #fromTop(bytes: number): number | null {
    const offset = this.#topByte;
    if (offset + bytes > this.#endByte || !this.#reach(offset + bytes)) return null;
    this.#topByte = offset + bytes;
    return offset;
  }

  #reach(endByte: number): boolean {
    const missing = Math.ceil((endByte - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (missing <= 0) return true;
    const room = MAXIMUM_PAGES - this.memory.buffer.byteLength / PAGE_BYTES;
    try {
      this.memory.grow(Math.min(room, Math.max(missing, GROWTH_PAGES)));
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    return true;
  }

  /** The last resort: joins released neighbours and takes what is needed from the smallest that is large enough. */
  #fromReleased(bytes: number): number | null {
    const joined: Block[] = [];
    const blocks = [...this.#released.values()].flat().sort((left, right) => left.offset - right.offset);
    for (const block of blocks) {
      const last = joined.at(-1);
      if (last === undefined || last.offset + last.bytes !== block.offset) joined.push(block);
      else joined[joined.length - 1] = { offset: last.offset, bytes: last.bytes + block.bytes };
    }
    this.#released.clear();
    const last = joined.at(-1);
    if (last !== undefined && last.offset + last.bytes === this.#topByte) {
      joined.pop();
      this.#topByte = last.offset;
    }
    const fitting = joined.filter((block) => block.bytes >= bytes);
    const best = fitting.reduce<Block | null>(
      (least, block) => (least !== null && least.bytes <= block.bytes ? least : block),
      null,
    );
    for (const block of joined) if (block !== best) this.#keep(block);
    if (best === null) return this.#fromTop(bytes);
    if (best.bytes > bytes) this.#keep({ offset: best.offset + bytes, bytes: best.bytes - bytes });
    return best.offset;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
