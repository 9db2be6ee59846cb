import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPath } from '../../src/files.ts';
import { assemble } from '../../src/models/x86/assembler.ts';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { cover, cutInto } from '../../src/models/x86/lower/cover.ts';
import { type TileMath, tileEnd, tileLoop } from '../../src/models/x86/lower/gemm-code.ts';
import { gemmLibrary } from '../../src/models/x86/lower/library.ts';
import { passLoop } from '../../src/models/x86/lower/pass-code.ts';
import { fillLoop, packingLoop } from '../../src/models/x86/lower/packing-code.ts';
import { prepare } from '../../src/models/x86/predict.ts';
import { productCycles } from '../../src/models/x86/product-cycles.ts';
import { pipelineOf } from '../../src/models/x86/units/pipeline.ts';
import { validateAgainst } from '../../src/validate/against.ts';
import { loadX86Kernels } from '../../src/validate/x86-kernels.ts';
import { loadCore } from '../../src/x86-core.ts';

const CORE = loadCore('cascadelake', []);
const PIPELINE = pipelineOf(CORE);
const FP32: TileMath = { set: 'avx512', bits: 512, format: 'fp32', dotProducts: true };

function count(code: { body: () => Parameters<typeof assemble>[0] }, mnemonic: string): number {
  return decodeBlock(assemble(code.body())).filter((one) => one.mnemonic === mnemonic).length;
}

describe('kernels are machine code', () => {
  it('the AVX-512 tile of 16 x 24 is two loads, twelve broadcasts and 24 multiply-adds a step, 12 cycles on two units', () => {
    const code = tileLoop(FP32, { style: 'pairs', vectors: 1, columns: 24, unroll: 4 });
    expect(count(code, 'vfmadd231ps')).toBe(4 * 24);
    expect(count(code, 'vbroadcastsd')).toBe(4 * 12);
    expect(count(code, 'vmovsldup') + count(code, 'vmovshdup')).toBe(4 * 2);
    expect(PIPELINE(code).cycles / 4).toBeCloseTo(12, 1);
  });

  it('a tile of so few sums that each waits for the one before takes the latency of four cycles a step', () => {
    // 4 sums, two units: 2 cycles of work, 4 of latency.
    const code = tileLoop(FP32, { style: 'broadcast', vectors: 1, columns: 4, unroll: 4 });
    expect(PIPELINE(code).cycles / 4).toBeCloseTo(4, 1);
  });

  it('bytes without dot products take three instructions where VNNI takes one', () => {
    const tile = { style: 'broadcast', vectors: 2, columns: 12, unroll: 4 } as const;
    const vnni = PIPELINE(tileLoop({ ...FP32, format: 'int8' }, tile)).cycles;
    const three = PIPELINE(tileLoop({ ...FP32, format: 'int8', dotProducts: false }, tile)).cycles;
    // 24 and 72 instructions on two ports.
    expect(vnni / 4).toBeCloseTo(12, 0);
    expect(three / 4).toBeCloseTo(36, 0);
  });

  it.each(['sse', 'avx2', 'avx512'] as const)('%s: the core knows every instruction of every kernel', (set) => {
    const unknown = new Set<string>();
    const look = (code: { body: () => Parameters<typeof assemble>[0] }): void => {
      for (const form of prepare(assemble(code.body()), 'loop', CORE).program.unknown) unknown.add(form);
    };
    for (const format of ['fp32', 'int8', 'int16', ...(set === 'sse' ? [] : (['fp64'] as const))] as const)
      for (const dotProducts of set === 'avx512' ? [true, false] : [false]) {
        const { blocking, small } = gemmLibrary(set, format, dotProducts);
        for (const rows of blocking.rows)
          for (const columns of blocking.columns) {
            look(tileLoop(blocking.math, blocking.tileOf(rows, columns)));
            look(tileEnd(blocking.math, blocking.tileOf(rows, columns), true));
          }
        if (small === null) continue;
        const dot = { style: 'dot', vectors: 4, columns: 4, unroll: 1 } as const;
        look(tileLoop(blocking.math, dot));
        look(tileEnd(blocking.math, dot, false));
      }
    for (const style of ['vectors', 'transpose', 'elements'] as const) look(packingLoop(set, style, 4));
    look(fillLoop(set, 128));
    look(passLoop(set, { loads: 4, stores: 4, operations: 8, divisions: 4 }));
    expect([...unknown]).toEqual([]);
  });
});

describe('blocks', () => {
  it('of OpenBLAS: whole ones while two fit, then halves in whole units', () => {
    // 1024 = 448 + 288 + 288; 896 = 2 x 448; 700 = 352 + 348; 300 stays whole.
    expect(cutInto(1024, 448, 16)).toEqual([
      { size: 448, count: 1 },
      { size: 288, count: 1 },
      { size: 288, count: 1 },
    ]);
    expect(cutInto(896, 448, 16)).toEqual([
      { size: 448, count: 1 },
      { size: 448, count: 1 },
    ]);
    expect(cutInto(700, 448, 16)).toEqual([
      { size: 352, count: 1 },
      { size: 348, count: 1 },
    ]);
    expect(cutInto(300, 448, 16)).toEqual([{ size: 300, count: 1 }]);
  });

  it('cover a length exactly, whatever it is', () => {
    const sum = (pieces: readonly { size: number; count: number }[]): number =>
      pieces.reduce((total, { size, count: times }) => total + size * times, 0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20000 }), fc.integer({ min: 16, max: 900 }), (length, block) => {
        expect(sum(cutInto(length, block, 16))).toBe(length);
        expect(sum(cover(length, [24, 20, 16, 12, 8, 4, 2, 1]))).toBe(length);
        expect(Math.max(...cutInto(length, block, 16).map(({ size }) => size))).toBeLessThanOrEqual(
          Math.max(block, 16),
        );
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('OpenBLAS on Cascade Lake', () => {
  const text = readFileSync(dataPath('reports', 'anchors', 'x86_gemm.csv'), 'utf8');

  it('46 products to 8 % on average, no one worse than 20 %', async () => {
    await loadX86Kernels();
    const { rows, mapePct, kendallTau } = validateAgainst(text, 'x86_gemm.csv', undefined);
    expect(rows).toHaveLength(46);
    expect(mapePct).toBeLessThanOrEqual(8);
    expect(kendallTau).toBeGreaterThan(0.95);
    for (const { id, errorPct } of rows) expect(Math.abs(errorPct), id).toBeLessThan(20);
  });

  it('no product is faster than its multiply-adds at full rate, and more depth is never faster', () => {
    const system = CORE.spec.system!;
    const size = fc.integer({ min: 1, max: 1500 });
    fc.assert(
      fc.property(size, size, size, fc.boolean(), fc.boolean(), (m, n, k, transA, transB) => {
        const product = { m, n, k, transA, transB, elementBytes: 4, sumBytes: 4 };
        const cycles = productCycles(system, PIPELINE, 'fp32', product);
        expect(cycles).toBeGreaterThanOrEqual((m * n * k) / 32);
        // Twice the depth, beyond where small kernels end.
        if (m * n * k > 1e6)
          expect(productCycles(system, PIPELINE, 'fp32', { ...product, k: 2 * k })).toBeGreaterThan(cycles);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it.each([
    ['precision', 'bf16,8,8,8,N,N,100', 'write fp32, fp64'],
    ['m', 'fp32,0,8,8,N,N,100', 'write a whole number from 1'],
    ['trans_a', 'fp32,8,8,8,X,N,100', 'write N, T'],
    ['cycles', 'fp32,8,8,8,N,N,-1', 'write a positive number'],
  ])('refuses a bad %s by row', async (column, row, remedy) => {
    await loadX86Kernels();
    const bad = `precision,m,n,k,trans_a,trans_b,cycles\n${row}\n`;
    expect(() => validateAgainst(bad, 'bad.csv', undefined)).toThrow(column);
    expect(() => validateAgainst(bad, 'bad.csv', undefined)).toThrow(remedy);
  });
});
