import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { decodeBlock } from '../../src/models/x86/decode.ts';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { readRecipes } from '../../src/models/x86/recipes.ts';
import { loadCore } from '../../src/x86-core.ts';
import { accsim, buildCommand } from '../cli/accsim.ts';

function problem(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what is refused', () => {
  it.each([
    ['', /holds no bytes/],
    ['4801', /byte 0: .*cut off/],
    ['4801c00f', /byte 3: .*cut off/],
    ['4801c006909090909090909090909090909090', /byte 3: no valid instruction/],
    ['4801c0c3', /byte 3: ret changes the flow/],
    ['75fe', /byte 0: jne changes the flow/],
    ['f4', /byte 0: hlt is privileged/],
    ['f348a5', /byte 0: movsq is a string instruction/],
  ])('%s', (hex, message) => {
    expect(problem(() => decodeBlock(bytesOfHex(hex)))).toMatch(message);
  });

  it('a program in place of a block', () => {
    expect(problem(() => decodeBlock(bytesOfHex('90'.repeat(5000))))).toMatch(/5000 bytes/);
  });

  it('every bad line of a table', () => {
    const text = 'mnemonics,when,uops,kind\nadd,,p0156:1,paper\nsub,,q9:1,paper\nxor,,p0:1 px,paper\n';
    expect(problem(() => readRecipes([{ name: 't.csv', text }], 0xff, true))).toMatch(/line 3: q9:1.*\n.*line 4: px/);
  });

  it('more micro-ops in flight than the simulation keeps', () => {
    expect(problem(() => loadCore('cascadelake', ['backEnd.reorderBuffer=1024']))).toMatch(/reorderBuffer: 1024/);
  });

  it('a machine of another kind', () => {
    expect(problem(() => loadCore('tpuv1', []))).toMatch(/kind systolic/);
  });
});

describe('accsim block', () => {
  let folder = '';
  beforeAll(() => {
    buildCommand();
    folder = mkdtempSync(join(tmpdir(), 'accsim-block-'));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('counts an instruction that no table names', () => {
    // vaesenc zmm0,zmm0,zmm0: from Ice Lake on
    const { stdout } = accsim(folder, 'block', '62f27d48dcc0', '--format', 'json');
    expect(JSON.parse(stdout).unknownInstructions).toEqual(['vaesenc zmm,zmm,zmm [evex]']);
  });

  it('is the way to use such a machine: networks are refused', () => {
    // Nothing is said of its caches and memory.
    const { status, stderr } = accsim(folder, 'lenet-5', '--arch', 'icelake');
    expect(status).toBe(2);
    expect(stderr).toMatch(/accsim block/);
  });
});
