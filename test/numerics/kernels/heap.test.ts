import { describe, expect, it } from 'vitest';
import { InputError, ModelBug } from '../../../src/errors.ts';
import { Heap } from '../../../src/numerics/kernels/heap.ts';
import { createKernels } from '../../../src/numerics/kernels/kernels.ts';
import { BYTES } from './support.ts';

/** 1 MiB of a memory that could grow to more; its first 64 bytes are never dealt out. */
function smallHeap(): Heap {
  return new Heap({ memory: new Heap().memory, startByte: 0, endByte: 2 ** 20 });
}
const KIBI_FLOATS = 1024;

describe('Heap', () => {
  it('deals out aligned zeros and counts whole cache lines', () => {
    const heap = new Heap();
    const arrays = [1, 16, 17, 0, 1000].map((length) => heap.allocate(length));
    expect(arrays.map((array) => array.length)).toEqual([1, 16, 17, 0, 1000]);
    expect(arrays.every((array) => array.byteOffset % 64 === 0 && array.every((value) => value === 0))).toBe(true);
    expect(heap.usedBytes).toBe(64 + 64 + 128 + 64 + 4032);
    for (const array of arrays) heap.release(array);
    expect(heap.usedBytes).toBe(0);
  });

  it('reuses a released block of the same size, zeroed', () => {
    const heap = new Heap();
    const first = heap.allocate(100).fill(7);
    const other = heap.allocate(50).fill(8);
    heap.release(first);
    const second = heap.allocate(99);
    expect(second.byteOffset).toBe(first.byteOffset);
    expect(second.every((value) => value === 0)).toBe(true);
    expect(other.every((value) => value === 8)).toBe(true);
  });

  it('keeps arrays valid while the memory grows', () => {
    const heap = new Heap();
    const early = heap.allocate(4);
    const buffer = heap.memory.buffer;
    const late = heap.allocate(2 ** 23);
    expect(heap.memory.buffer).not.toBe(buffer);
    early.fill(3);
    expect([...heap.view(early.byteOffset, 4)]).toEqual([3, 3, 3, 3]);
    expect(heap.owns(early) && heap.owns(late)).toBe(true);
    heap.release(early);
    expect(heap.allocate(4).byteOffset).toBe(early.byteOffset);
  });

  it('joins released neighbours before it gives up', () => {
    const heap = smallHeap();
    const blocks = Array.from({ length: 255 }, () => heap.allocate(KIBI_FLOATS).fill(1));
    expect(() => heap.allocate(KIBI_FLOATS)).toThrow(InputError);
    for (const index of [10, 12, 11, 200, 100, 101]) heap.release(blocks[index]!);
    const two = heap.allocate(2 * KIBI_FLOATS);
    expect(two.byteOffset).toBe(blocks[100]!.byteOffset);
    const three = heap.allocate(2.5 * KIBI_FLOATS);
    expect(three.byteOffset).toBe(blocks[10]!.byteOffset);
    expect([...two, ...three].every((value) => value === 0)).toBe(true);
    expect(heap.allocate(KIBI_FLOATS / 2).byteOffset).toBe(three.byteOffset + three.byteLength);
    heap.release(blocks[254]!);
    heap.release(blocks[253]!);
    expect(heap.allocate(2 * KIBI_FLOATS).byteOffset).toBe(blocks[253]!.byteOffset);
    expect(heap.usedBytes).toBe((255 - 1) * 4096 - 2048 + 2048);
  });

  it('says what does not fit, and still serves what does', () => {
    const heap = smallHeap();
    heap.allocate(2 ** 17);
    expect(() => heap.allocate(2 ** 17)).toThrow(
      'memory: an array of 0.5 MiB does not fit beside the 0.5 MiB in use; use a smaller batch or network',
    );
    expect(heap.allocate(2 ** 16).length).toBe(2 ** 16);
    expect(() => new Heap().allocate(3 * 2 ** 28)).toThrow(InputError);
  });

  it('refuses what it does not hold', () => {
    const heap = new Heap();
    const array = heap.allocate(8);
    heap.release(array);
    expect(() => heap.release(array)).toThrow(ModelBug);
    expect(() => heap.release(new Float32Array(8))).toThrow(ModelBug);
    expect(() => heap.release(heap.allocate(8).subarray(1))).toThrow(ModelBug);
    expect(() => heap.allocate(1.5)).toThrow(ModelBug);
    expect(() => heap.allocate(-1)).toThrow(ModelBug);
  });

  it('serves a second set of kernels from a range of the same memory, as a worker would', () => {
    const heap = new Heap();
    const [left, right, result] = [heap.allocate(4).fill(2), heap.allocate(4).fill(3), heap.allocate(4)];
    const range = heap.allocate(2 ** 20).fill(9);
    const [startByte, endByte] = [range.byteOffset, range.byteOffset + range.byteLength];
    const workers = createKernels(BYTES, new Heap({ memory: heap.memory, startByte, endByte }));
    const view = (array: Float32Array) => workers.heap.view(array.byteOffset, array.length);
    workers.gemm({ m: 2, n: 2, k: 2, left: view(left), right: view(right), result: view(result) });
    expect([...result]).toEqual([12, 12, 12, 12]);
    const own = workers.heap.allocate(16);
    expect(own.byteOffset >= startByte && own.byteOffset < endByte && own.every((value) => value === 0)).toBe(true);
  });
});
