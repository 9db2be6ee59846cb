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

const records = parse(readInput(dataPath('reports', 'anchors', 'x86_blocks.csv')), {
  columns: true,
  comment: '#',
}) as { hex: string; mode: Mode }[];
const blocks = records.filter((_, index) => index % EVERY === 0);
const core = loadCore('cascadelake', []);

/** Seconds of the fastest of several rounds, after one to warm up. */
function best(act: () => void): number {
  act();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    act();
    least = Math.min(least, (performance.now() - start) / 1e3);
  }
  return least;
}

function accsim(rows: typeof blocks): number {
  return best(() => {
    for (const { hex, mode } of rows) predict(prepare(bytesOfHex(hex), mode, core), core);
  });
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
function llvmMca(): { rows: typeof blocks; seconds: number } | null {
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

const rate = (rows: number, seconds: number): string => `${(rows / seconds).toFixed(0).padStart(7)} blocks/s`;
const mca = llvmMca();
const rows = mca?.rows ?? blocks;
const seconds = accsim(rows);
console.log(`${`accsim, one thread, warm, ${rows.length} blocks`.padEnd(52)}${rate(rows.length, seconds)}`);
if (mca === null) console.log('llvm-mca is not installed (Debian: llvm); nothing to compare with');
else {
  console.log(
    `${`llvm-mca, one process, ${ITERATIONS} iterations, the same blocks`.padEnd(52)}${rate(rows.length, mca.seconds)}`,
  );
  console.log(`accsim / llvm-mca: ${(mca.seconds / seconds).toFixed(2)}`);
}
