import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { readRecipes, recipeOf } from '../../src/models/x86/recipes.ts';
import { loadCore } from '../../src/x86-core.ts';

const SYSTEM = 'lar, lfs, lgs, lsl, lss, sgdt, sidt, sldt, smsw, str, verr, verw';

/** Ports as a text such as `0156`, latency and number of micro-ops of a recipe. */
function uopsOf(core: string, hex: string): string {
  const { uops, isUnknown } = recipeOf(loadCore(core, []).table, decodeBlock(bytesOfHex(hex))[0]!);
  if (isUnknown) return 'unknown';
  return uops
    .map(({ ports, latencyCycles }) => {
      const numbers = Array.from({ length: 10 }, (_, port) => port).filter((port) => (ports & (1 << port)) !== 0);
      return `${numbers.join('')}:${latencyCycles}`;
    })
    .join(' ');
}

describe('micro-op tables', () => {
  it('are what the script makes of facts and measurements', () => {
    expect(() => execFileSync(process.execPath, ['scripts/x86-table.mjs', '--check'], { stdio: 'pipe' })).not.toThrow();
  }, 60_000);

  it('know every user-mode form of their core but those of the system', () => {
    const report = readFileSync('reports/x86/tables.md', 'utf8');
    for (const core of ['ivybridge', 'haswell', 'broadwell', 'skylake', 'cascadelake']) {
      const row = report.split('\n').find((line) => line.startsWith(`| ${core} |`));
      expect(
        row
          ?.split('|')[4]
          ?.replace(/ \d+: /, '')
          .trim(),
      ).toBe(SYSTEM);
    }
  });

  it('tell short encodings from general ones', () => {
    // Fog, Skylake: rol r,1 (D1) is two micro-ops, rol r,i (C1) one; adc eax,imm32 (15) two, adc ecx,imm32 (81) one
    expect(uopsOf('cascadelake', 'd1c0')).toBe('06:1 06:1');
    expect(uopsOf('cascadelake', 'c1c001')).toBe('06:1');
    expect(uopsOf('cascadelake', '1578563412')).toBe('06:1 0156:1');
    expect(uopsOf('cascadelake', '81d178563412')).toBe('06:1');
    expect(uopsOf('cascadelake', '661d3412')).toBe('06:1 0156:1');
    expect(uopsOf('cascadelake', '6683d812')).toBe('06:1');
  });

  it('leave out what a core does not have', () => {
    // vaddps zmm0,zmm0,zmm0: AVX-512; vpaddd ymm0,ymm0,ymm0: AVX2; vaddps ymm0,ymm0,ymm0: AVX
    const vaddps512 = '62f17c4858c0';
    const vpaddd = 'c5fdfec0';
    expect(['ivybridge', 'haswell', 'broadwell'].map((core) => uopsOf(core, vaddps512))).toEqual(
      Array(3).fill('unknown'),
    );
    expect(uopsOf('skylake', vaddps512)).toBe('05:4');
    expect(uopsOf('ivybridge', vpaddd)).toBe('unknown');
    expect(uopsOf('haswell', vpaddd)).toBe('15:1');
    expect(uopsOf('ivybridge', 'c5fc58c0')).toBe('1:3');
    // vpdpbusd zmm0,zmm0,zmm0: from Cascade Lake on; vbroadcastss xmm0,xmm0: AVX2, from memory AVX
    expect(uopsOf('skylake', '62f27d4850c0')).toBe('unknown');
    expect(uopsOf('cascadelake', '62f27d4850c0')).toBe('05:5');
    expect(uopsOf('ivybridge', 'c4e27918c0')).toBe('unknown');
    expect(uopsOf('ivybridge', 'c4e2791800')).toBe('');
    // vaesenc ymm0,ymm0,ymm0: Ice Lake
    expect(uopsOf('cascadelake', 'c4e27ddcc0')).toBe('unknown');
  });

  it('read copies, flags as an operand and absence, and refuse other text with the line', () => {
    const [addition] = decodeBlock(bytesOfHex('4801c0'));
    const read = (text: string) => recipeOf(readRecipes([{ name: 'table', text }], 0xff, true), addition!);
    expect(read('add,,p01:1@f*3 >p5:2@n').uops).toEqual([
      ...Array(3).fill(expect.objectContaining({ ports: 3, operand: 'flags', waits: false })),
      expect.objectContaining({ ports: 32, latencyCycles: 2, operand: 'none', waits: true }),
    ]);
    expect(read('add,,absent').isUnknown).toBe(true);
    expect(read('*,vex,absent\nadd,,p0:1').isUnknown).toBe(false);
    expect(() => read('# head\nadd,,p0:1*\nadd,,q1')).toThrow(InputError);
    expect(() => read('# head\nadd,,p0:1*\nadd,,q1')).toThrow(/table: line 2[\s\S]*table: line 3/);
  });
});
