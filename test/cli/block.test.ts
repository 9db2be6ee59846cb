import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import yargs from 'yargs';
import { blockCommand } from '../../src/cli/commands/block.ts';
import { InputError } from '../../src/errors.ts';
import { buildElf } from '../binary/build-elf.ts';
import { accsim as run, buildCommand, MAIN } from './accsim.ts';

let folder = '';
const block = (...args: string[]) => run(folder, 'block', ...args);
const write = (name: string, data: string | Uint8Array): string => {
  writeFileSync(join(folder, name), data);
  return name;
};
const objects = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const START = [0xbb, 0x6f, 0, 0, 0, 0x64, 0x67, 0x90];
const END = [0xbb, 0xde, 0, 0, 0, 0x64, 0x67, 0x90];
const IMUL = [0x48, 0x0f, 0xaf, 0xc0];
/** mov eax, 1; then, marked as a loop: imul rax, rax; cmp rcx, rax; jne to the marker; ret */
const CODE = [0xb8, 1, 0, 0, 0, ...START, ...IMUL, 0x48, 0x39, 0xc1, 0x75, 0xef, ...END, 0xc3];

/** What the command says no to, without a process of its own. */
async function refused(...words: string[]): Promise<string> {
  try {
    await yargs(['block', ...words])
      .command(blockCommand)
      .fail(false)
      .parseAsync();
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

beforeAll(() => {
  buildCommand();
  folder = mkdtempSync(join(tmpdir(), 'accsim-block-'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what a block is read from', () => {
  it('hex in any spelling', () => {
    for (const hex of ['4801c0', '48 01 c0', '0x48, 0x01, 0xc0', '\\x48\\x01\\xc0']) {
      const [found] = objects(block(hex, '--format', 'json').stdout);
      expect(found).toMatchObject({ hex: '4801c0', mode: 'unrolled', cyclesPerIteration: 1, unknownInstructions: [] });
      expect(found.bottleneck).toBe('dependence chain');
      expect(Object.keys(found.ports)).toHaveLength(8);
      expect(found.instructions[0]).toMatchObject({ text: 'add rax,rax', onChain: true, latencyCycles: 1 });
    }
  });

  it('a jump back to its start makes it a loop', () => {
    const [found] = objects(block('480fafc0 4839c1 75f7', '--format', 'json').stdout);
    expect(found).toMatchObject({ hex: '480fafc0', mode: 'loop', cyclesPerIteration: 3 });
    const both = objects(block('480fafc0', '--mode', 'both', '--format', 'json').stdout);
    expect(both.map(({ mode }) => mode)).toEqual(['unrolled', 'loop']);
  });

  it('an object file: its marked region, a function, a range', () => {
    const file = write(
      'kernel.o',
      buildElf(Uint8Array.from(CODE), [{ name: 'power', offset: 0, sizeBytes: CODE.length }]),
    );
    const [region] = objects(block('--file', file, '--format', 'json').stdout);
    expect(region).toMatchObject({ id: 'region 1 of .text', hex: '480fafc0', mode: 'loop', cyclesPerIteration: 3 });
    const parts = objects(block('--file', file, '--symbol', 'power', '--format', 'json').stdout);
    expect(parts[0].id).toBe('power');
    // The loop starts at its marker, which is executed too.
    expect(parts[1]).toMatchObject({ id: 'power+0x5', hex: 'bb6f000000646790480fafc0', mode: 'loop' });
    const [range] = objects(block('--file', file, '--range', '13:17', '--format', 'json').stdout);
    expect(range).toMatchObject({ id: '13', hex: '480fafc0' });
  });

  it('what an assembler makes', ({ skip }) => {
    if (!existsSync('/usr/bin/as')) skip();
    const source = `f: xor %eax,%eax\nL: movl $111,%ebx\n.byte 0x64,0x67,0x90\nvaddps %ymm0,%ymm1,%ymm1\ndec %ecx\njnz L
movl $222,%ebx\n.byte 0x64,0x67,0x90\nret\n`;
    execFileSync('/usr/bin/as', ['-o', 'assembled.o', write('f.s', source)], { cwd: folder });
    const [found] = objects(block('--file', 'assembled.o', '--format', 'json').stdout);
    expect(found).toMatchObject({ hex: 'c5f458c8ffc9', mode: 'loop', cyclesPerIteration: 4 });
  });

  it('plain machine code and a text of digits', () => {
    const [raw] = objects(block('--file', write('code.bin', Uint8Array.from(IMUL)), '--format', 'json').stdout);
    expect(raw).toMatchObject({ hex: '480fafc0', cyclesPerIteration: 3 });
    expect(raw.id).toBeUndefined();
    const [text] = objects(block('--file', write('code.txt', '48 0f\naf c0\n'), '--format', 'json').stdout);
    expect(text).toMatchObject({ hex: '480fafc0', cyclesPerIteration: 3 });
  });

  it('a CSV, whose bad rows do not lose the others', () => {
    const csv = 'id,mode,hex\n1,loop,4801c0\n2,loop,48zz\n3,twice,90\n4,unrolled,480fafc0\n5,,\n6,"\n7,,90\n';
    const { status, stdout, stderr } = block('--file', write('blocks.csv', csv), '--format', 'json');
    expect(status).toBe(2);
    expect(objects(stdout).map(({ id, cyclesPerIteration }) => [id, cyclesPerIteration])).toEqual([
      ['1', 1],
      ['4', 3],
    ]);
    expect(stderr).toMatch(/row 2: character 3: "z"/);
    expect(stderr).toMatch(/row 3: mode: "twice"/);
    expect(stderr).toMatch(/row 5: block: holds no bytes/);
    expect(stderr).toMatch(/quote/i);
  });

  it('a CSV in every format', () => {
    const file = write('two.csv', 'hex\n4801c0\n480fafc0\n');
    expect(block('--file', file).stdout).toMatch(/^id +mode +cycles.*\n.*1\.00 {2}dependence chain.*4801c0\n.*3\.00/);
    expect(block('--file', file, '--format', 'csv').stdout).toMatch(
      /^id,mode,hex,cycles,bottleneck,unknown\n,unrolled,4801c0,1,/,
    );
    expect(block('--file', file, '--format', 'md').stdout).toMatch(/^\| id \| mode/);
    expect(block('--file', file, '--format', 'html').stdout).toMatch(/^<!doctype html>/);
    expect(block('--file', file, '--format', 'csv', '--out', 'out.csv', '--quiet').stdout).toBe('');
    expect(readFileSync(join(folder, 'out.csv'), 'utf8').split('\n')).toHaveLength(4);
  });

  it('long files with little memory', () => {
    // 80 MB: rows are read one by one, so a limit on the heap below that does no harm.
    const rows = 480;
    const file = write('long.csv', `hex,note\n${`4801c0,${'x'.repeat(170_000)}\n`.repeat(rows)}`);
    const stdout = execFileSync(
      process.execPath,
      ['--max-old-space-size=56', MAIN, 'block', '--file', file, '--format', 'csv'],
      {
        cwd: folder,
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      },
    );
    expect(stdout.trim().split('\n')).toHaveLength(rows + 1);
    rmSync(join(folder, file));
  }, 60_000);
});

describe('timelines', () => {
  it('in the terminal, with the longest chain marked', () => {
    const { stdout } = block('480fafc090', '--timeline');
    expect(stdout).toMatch(/^\* +0 .*imul rax,rax/m);
    expect(stdout).toMatch(/Dee-*R$/m);
    expect(stdout.match(/ nop \(not executed\)/g)).toHaveLength(3);
  });

  it('as a page and as a log, with as many iterations as asked for', () => {
    expect(block('480fafc0', '--timeline', 't.html', '--iterations', '5').status).toBe(0);
    expect(readFileSync(join(folder, 't.html'), 'utf8')).toContain('The first 5 iterations');
    expect(block('480fafc0', '--timeline', 't.log', '--iterations', '5').stderr).toMatch(
      /wrote t\.log \(open it with Konata\)/,
    );
    expect(readFileSync(join(folder, 't.log'), 'utf8').match(/^R\t/gm)).toHaveLength(5);
    expect(block('480fafc0', '--format', 'html').stdout).toContain('The first 16 iterations');
  });
});

describe('what is refused, with exit 2', () => {
  it.each([
    ['nothing', [], /nothing given/],
    ['both', ['90', '--file', 'x.csv'], /both HEX and --file/],
    ['HEX taken for a file', ['--timeline', '90'], /put HEX before --timeline/],
    ['no hex', ['xyz'], /character 1: "x"/],
    ['half a byte', ['480'], /3 digits/],
    ['nothing in it', [''], /holds no bytes/],
    ['a cut instruction', ['4801c0 0f'], /byte 3: an instruction that is cut off/],
    ['no instruction', ['90 06'], /byte 1: no valid instruction/],
    ['privileged', ['90 f4'], /byte 1: hlt is privileged/],
    ['privileged, in user code a fault', ['0f32'], /byte 0: rdmsr is privileged/],
    ['a jump elsewhere', ['90 7510'], /byte 1: jne changes the flow/],
    ['a symbol of nothing', ['90', '--symbol', 'main'], /--symbol: without --file/],
    ['a file that is not there', ['--file', 'none.o'], /none\.o: cannot be read/],
    ['a folder', ['--file', '.'], /is a folder/],
    ['a timeline of another kind', ['90', '--timeline', 't.svg'], /FILE\.html .* FILE\.log/s],
    ['too many iterations', ['90', '--timeline', 't.html', '--iterations', '30000'], /shows 1 to 20000/],
    ['iterations of nothing', ['90', '--iterations', '5'], /without a timeline/],
    ['a page of two modes', ['90', '--mode', 'both', '--timeline', 't.html'], /choose unrolled or loop/],
    ['a machine of another kind', ['90', '--arch', 'tpuv1'], /kind systolic/],
  ])('%s', async (_, args, message) => {
    await expect(refused(...args)).resolves.toMatch(message);
  });

  it.each([
    ['an empty file', 'empty.csv', '', /is empty/],
    ['a CSV of something else', 'other.csv', 'M,N,K\n1,2,3\n', /has no column hex \(its first line: "M,N,K"\)/],
    [
      'markers without partners',
      'half.bin',
      Uint8Array.from([...IMUL, ...START, ...IMUL]),
      /0x4: a start marker without/,
    ],
    ['a text', 'poem.txt', 'Shall I compare thee\n', /has no column hex/],
    ['nothing but jumps', 'jump.bin', Uint8Array.of(0xeb, 0xfe), /no instructions but jumps/],
    ['what is no code', 'noise.bin', new Uint8Array(9000).fill(6), /noise\.bin: byte 0: no valid instruction/],
    ['a cut ELF file', 'cut.o', buildElf(Uint8Array.from(CODE), []).slice(0, 200), /cut off or damaged/],
    [
      'no region and no name',
      'bare.o',
      buildElf(Uint8Array.from(IMUL), []),
      /no marked region[\s\S]*names no function/,
    ],
  ])('%s', async (_, name, data, message) => {
    await expect(refused('--file', join(folder, write(name, data)))).resolves.toMatch(message);
  });

  it('with nothing on standard output', () => {
    const { status, stdout, stderr } = block('4801c0 0f');
    expect(stderr).toMatch(/byte 3: an instruction that is cut off/);
    expect([status, stdout]).toEqual([2, '']);
  });
});
