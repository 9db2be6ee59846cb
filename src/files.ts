import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from './errors.ts';

/** The only file that touches the file system. */

/** Largest input file read, in bytes: beyond it a trace or table is a mistake, and reading it could exhaust memory. */
export const MAX_INPUT_BYTES = 256 * 2 ** 20;

function reason(error: unknown): string {
  return error instanceof Error
    ? error.message
        .replace(/^[A-Z]+: /, '')
        .replace(/,? (open|read|mkdir|rename|write|scandir|rm|stat|access)( .*)?$/, '')
    : String(error);
}

/** Folder of the installed package: the nearest folder above this file that holds `arch/`. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'arch')) || !existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw InputError.of('installation', 'the data folders arch/ and workloads/ are missing', 'install accsim again');
    folder = parent;
  }
  return folder;
}

let root: string | undefined;

/** Path of a file that ships with the package, e.g. `dataPath('arch', 'tpuv1.yaml')`. */
export function dataPath(...parts: string[]): string {
  root ??= packageRoot();
  return join(root, ...parts);
}

export function fileExists(path: string): boolean {
  return existsSync(path);
}

/** Bytes of an input file. Throws InputError if it cannot be read or is too large. */
export function readInputBytes(path: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw InputError.of(path, `cannot be read (${reason(error)})`, 'check the path and the permissions');
  }
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw InputError.of(path, 'is a folder', 'name a file');
    if (stat.size > MAX_INPUT_BYTES) {
      throw InputError.of(path, `has ${stat.size} bytes`, `input files may have at most ${MAX_INPUT_BYTES} bytes`);
    }
    return stat.isFile() ? readFileSync(descriptor) : readToEnd(descriptor, path);
  } finally {
    closeSync(descriptor);
  }
}

const CHUNK_BYTES = 2 ** 16;

/** All that a pipe or device gives; some, like /dev/zero, never end. */
function readToEnd(descriptor: number, path: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let bytes = 0; ; ) {
    const piece = new Uint8Array(CHUNK_BYTES);
    const length = readSync(descriptor, piece);
    if (length === 0) return Buffer.concat(pieces);
    bytes += length;
    if (bytes > MAX_INPUT_BYTES)
      throw InputError.of(path, 'does not end', `input files may have at most ${MAX_INPUT_BYTES} bytes`);
    pieces.push(piece.subarray(0, length));
  }
}

/** Bytes of an input file, piece by piece, however long it is. Throws InputError if it cannot be read. */
export function* readInputPieces(path: string): Generator<Uint8Array> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw InputError.of(path, `cannot be read (${reason(error)})`, 'check the path and the permissions');
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw InputError.of(path, 'is a folder', 'name a file');
    for (;;) {
      const piece = new Uint8Array(CHUNK_BYTES);
      const length = readSync(descriptor, piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Text of an input file (UTF-8). Throws InputError if it cannot be read or is too large. */
export function readInput(path: string): string {
  return new TextDecoder().decode(readInputBytes(path));
}

/** Path of a file in an npm package that comes with this one; null if the package is not installed. */
export function packagePath(name: string, ...parts: string[]): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), ...parts);
  } catch {
    return null;
  }
}

/** File names in a folder, sorted; empty if there is no such folder. */
export function listFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).sort() : [];
}

/** Removes what may be left of a failed write; the failure itself is what is reported. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder itself is not there.
  }
}

/** The file that a path stands for, through links; the path itself if there is none yet. */
function targetOf(path: string): { target: string; isSpecial: boolean } {
  const target = existsSync(path) ? realpathSync(path) : resolve(path);
  const status = statSync(target, { throwIfNoEntry: false });
  return { target, isSpecial: status !== undefined && !status.isFile() && !status.isDirectory() };
}

/** Makes a folder and those it lies in, one by one: Node's own way never ends where a file system refuses, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** Makes sure, before long work, that a file can be written. Throws InputError. */
export function requireWritable(path: string): void {
  try {
    const { target, isSpecial } = targetOf(path);
    if (isSpecial) return;
    makeFolder(dirname(target));
    if (existsSync(target) && statSync(target).isDirectory()) throw new Error('it is a folder');
    accessSync(dirname(target), constants.W_OK);
  } catch (error) {
    throw InputError.of(path, `cannot be written (${reason(error)})`, 'choose a folder that exists and can be written');
  }
}

/** Writes a whole file or nothing: a temporary neighbour takes the old file's place only when complete. */
export function writeOutput(path: string, data: string | Uint8Array): void {
  let temporary: string | undefined;
  try {
    const { target, isSpecial } = targetOf(path);
    // A device or pipe is written to; nothing can take its place.
    if (isSpecial) return writeFileSync(target, data);
    temporary = `${target}.partial`;
    makeFolder(dirname(target));
    writeFileSync(temporary, data);
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) removeQuietly(temporary);
    const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
    const remedy = isFull
      ? 'make room on the disk; a file that was there before is as it was'
      : 'choose a folder that exists and can be written';
    throw InputError.of(path, `cannot be written (${reason(error)})`, remedy);
  }
}
