import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import { parse } from 'csv-parse/sync';
import { dataPath, readInput } from '../src/files.ts';
import { bytesOfHex } from '../src/models/x86/hex.ts';
import { type Mode, predict, prepare } from '../src/models/x86/predict.ts';
import { loadCore } from '../src/x86-core.ts';

/** Every so many of the measured rows, which come in no order of difficulty. */
const EVERY = 17;
const ROUNDS = 5;
const ITERATIONS = 100;

interface Row {
  readonly hex: string;
  readonly mode: Mode;
}

const records = parse(readInput(dataPath('reports', 'anchors', 'x86_blocks.csv')), {
  columns: true,
  comment: '#',
}) as Row[];
const sample = (first: number): Row[] => records.filter((_, index) => index % EVERY === first);
const blocks = sample(0);
/** Samples to be seen once each, and blocks that are in none of them, for the just-in-time compiler to warm up with. */
const unseen = [3, 6, 9, 12, 15].map(sample);
const measured = new Set([blocks, ...unseen].flat().map(({ hex }) => hex));
const others = records.filter(({ hex }) => !measured.has(hex));
const core = loadCore('cascadelake', []);

function seconds(act: () => void): number {
  const start = performance.now();
  act();
  return (performance.now() - start) / 1e3;
}

/** Seconds of the fastest of several rounds, after one to warm up. */
function best(act: () => void): number {
  act();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    least = Math.min(least, seconds(act));
  }
  return least;
}

function predictAll(rows: readonly Row[]): void {
  for (const { hex, mode } of rows) predict(prepare(bytesOfHex(hex), mode, core), core);
}

/** Blocks a second of the fastest of several samples, none of which has been seen before. */
function freshRate(): number {
  predictAll(others);
  return Math.max(...unseen.map((rows) => rows.length / seconds(() => predictAll(rows))));
}

/** A block as assembly, in llvm-mca's markers. */
function assembly(hex: string): string[] {
  const formatter = new Formatter(FormatterSyntax.Gas);
  const decoder = new Decoder(64, bytesOfHex(hex), DecoderOptions.None);
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    lines.push(formatter.format(instruction));
    instruction.free();
  }
  decoder.free();
  formatter.free();
  return ['# LLVM-MCA-BEGIN', ...lines, '# LLVM-MCA-END'];
}

const OPTIONS = [
  '-mcpu=cascadelake',
  `-iterations=${ITERATIONS}`,
  '-resource-pressure=false',
  '-instruction-info=false',
];

/** One process for all blocks; those whose text it does not read are left out. null: not installed. */
function llvmMca(): { rows: readonly Row[]; seconds: number } | null {
  if (spawnSync('llvm-mca', ['--version']).error !== undefined) return null;
  const folder = mkdtempSync(join(tmpdir(), 'accsim-bench-'));
  const file = join(folder, 'blocks.s');
  let rows = blocks;
  for (;;) {
    const texts = rows.map(({ hex }) => assembly(hex));
    writeFileSync(file, `${texts.flat().join('\n')}\n`);
    const { stderr } = spawnSync('llvm-mca', [...OPTIONS, file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    const bad = new Set([...stderr.matchAll(/:(\d+):\d+: error/g)].map(([, line]) => Number(line)));
    if (bad.size === 0) break;
    let first = 1;
    rows = rows.filter((_, index) => {
      const start = first;
      first += texts[index]!.length;
      for (let line = start; line < first; line += 1) if (bad.has(line)) return false;
      return true;
    });
  }
  const seconds = best(() => {
    const { status, stderr } = spawnSync('llvm-mca', [...OPTIONS, file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(stderr);
  });
  rmSync(folder, { recursive: true });
  return { rows, seconds };
}

const print = (name: string, rate: number): void =>
  console.log(`${name.padEnd(56)}${rate.toFixed(0).padStart(7)} blocks/s`);
const mca = llvmMca();
const rows = mca?.rows ?? blocks;
const fresh = freshRate();
const again = rows.length / best(() => predictAll(rows));
print('accsim, one thread, blocks never seen before', fresh);
print(`accsim, ${rows.length} blocks again and again`, again);
if (mca === null) console.log('llvm-mca is not installed (Debian: llvm); nothing to compare with');
else {
  const other = mca.rows.length / mca.seconds;
  print(`llvm-mca, one process, ${ITERATIONS} iterations, the same blocks`, other);
  console.log(`accsim / llvm-mca: ${(fresh / other).toFixed(1)}, again ${(again / other).toFixed(1)}`);
}
