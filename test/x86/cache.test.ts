import { describe, expect, it } from 'vitest';
import { loadMachine } from '../../src/machine/load.ts';
import { packedProduct } from '../../src/models/x86/lower/gemm.ts';
import { gemmLibrary } from '../../src/models/x86/lower/library.ts';
import { cacheSizes, levelOf } from '../../src/models/x86/units/caches.ts';
import { lineCosts } from '../../src/models/x86/units/line-costs.ts';
import { x86Spec } from '../../src/models/x86/spec.ts';
import { SCHEMAS } from '../../src/models/registry.ts';

/** A cache of lines, set by set, least recently used. */
class Cache {
  readonly #sets: number[][];
  misses = 0;
  readonly ways: number;

  constructor(sizeBytes: number, ways: number) {
    this.ways = ways;
    this.#sets = Array.from({ length: sizeBytes / 64 / ways }, () => []);
  }

  touch(line: number): boolean {
    const set = this.#sets[line % this.#sets.length]!;
    const at = set.indexOf(line);
    if (at >= 0) set.splice(at, 1);
    else this.misses += 1;
    set.push(line);
    if (set.length > this.ways) set.shift();
    return at >= 0;
  }
}

const { system } = x86Spec.parse(loadMachine('cascadelake', [], SCHEMAS).spec);
const CACHES = cacheSizes(system!, 1);

/** Misses of the panel of B in the first level while `tiles` tiles of 16 x 24 go by, `depth` deep, after the first one. */
function panelMisses(depth: number, tiles: number): number {
  const l1 = new Cache(32768, 8);
  const [left, right, result] = [1 << 20, 2 << 20, 3 << 20].map((byte) => byte / 64) as [number, number, number];
  let missed = 0;
  for (let tile = 0; tile < tiles; tile += 1) {
    for (let step = 0; step < depth; step += 1) {
      l1.touch(left + tile * depth + step);
      // Six streams of four columns, a line of each every four steps.
      if (step % 4 === 0)
        for (let stream = 0; stream < 6; stream += 1) {
          const hit = l1.touch(right + stream * (depth / 4) + step / 4);
          if (!hit && tile > 0) missed += 1;
        }
    }
    for (let column = 0; column < 24; column += 1) l1.touch(result + column * 128 + tile);
  }
  return missed;
}

/** Lines of the panel that the model has from the second level after the first tile. */
function modelled(depth: number, tiles: number): number {
  const { blocking } = gemmLibrary('avx512', 'fp32', true);
  const product = { m: 16 * tiles, n: 24, k: depth, transA: false, transB: false, elementBytes: 4, sumBytes: 4 };
  const nests = packedProduct(product, blocking, CACHES, { left: 1, right: 1, result: 1 });
  const panel = nests
    .filter(({ role }) => role === 'multiply')
    .flatMap(({ streams }) => streams)
    .filter(({ pattern }) => pattern === 'panel');
  return panel.slice(1).reduce((sum, { lines }) => sum + lines, 0);
}

describe('what stays in the first level, against a cache simulated line by line', () => {
  // Panel, tile of A and C: 96, 64 and 24 x 64 bytes a step.
  it.each([64, 128, 160])('a panel %i deep stays', (depth) => {
    const lines = (24 * depth * 4) / 64;
    expect(panelMisses(depth, 8)).toBeLessThan(0.1 * 7 * lines);
    expect(modelled(depth, 8)).toBe(0);
  });

  it.each([256, 320, 448])('a panel %i deep comes from the second level each time', (depth) => {
    const lines = (24 * depth * 4) / 64;
    expect(panelMisses(depth, 8)).toBeGreaterThan(0.9 * 7 * lines);
    expect(modelled(depth, 8)).toBeCloseTo(7 * lines, 6);
  });
});

describe('levels and costs', () => {
  it('data come from the smallest level that held all since', () => {
    const sizes = { l2Bytes: 1 << 20, l3Bytes: 32 << 20 };
    expect([1 << 19, 1 << 20, 2 << 20, 32 << 20, 33 << 20].map((bytes) => levelOf(sizes, bytes))).toEqual([
      1, 1, 2, 2, 3,
    ]);
    // The same as an LRU cache of that size sees it: going round in 16 KiB of 32 all hits, in 48 KiB of 32 none.
    const round = (bytes: number): number => {
      const cache = new Cache(32768, 8);
      for (let pass = 0; pass < 3; pass += 1) for (let line = 0; line < bytes / 64; line += 1) cache.touch(line);
      return cache.misses;
    };
    expect(round(16384)).toBe(256);
    expect(round(49152)).toBe(3 * 768);
  });

  it('one core waits for latency, all cores for bandwidth', () => {
    const machine = x86Spec.parse(loadMachine('xeon-8180', [], SCHEMAS).spec).system!;
    const { latencyNs, bandwidthGBps } = machine.memory;
    // Line-fill buffers on their way for a latency each; 28 cores share what the channels bring in a cycle of 1/2.3 ns.
    expect(lineCosts(machine, 1).exposed(3, 'strided')).toBeCloseTo((latencyNs * 2.3) / 10, 6);
    expect(lineCosts(machine, 28).occupied(3, 'sequence')).toBeCloseTo((28 * 64 * 2.3) / bandwidthGBps, 6);
    // A written line goes both ways, a streamed one only out.
    expect(lineCosts(machine, 28).occupied(3, 'write')).toBeCloseTo(
      2 * lineCosts(machine, 28).occupied(3, 'stream'),
      6,
    );
  });
});
