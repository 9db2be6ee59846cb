import { InputError, type Problem } from '../errors.ts';

/** A stretch of code between two markers. */
export interface MarkedRegion {
  /** First byte after the opening marker. */
  readonly start: number;
  /** First byte of the closing one. */
  readonly end: number;
}

/**
 * `mov ebx, 111` opens a region and `mov ebx, 222` closes it, each followed by the bytes 64 67 90: what Intel's IACA defined
 * and OSACA and uiCA read as well.
 */
const OPENS = Uint8Array.of(0xbb, 111, 0, 0, 0, 0x64, 0x67, 0x90);
const CLOSES = Uint8Array.of(0xbb, 222, 0, 0, 0, 0x64, 0x67, 0x90);
export const MARKER_BYTES = OPENS.length;

const MAX_MARKERS = 20_000;

function hasAt(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  for (let index = 0; index < pattern.length; index += 1) if (bytes[at + index] !== pattern[index]) return false;
  return true;
}

/** Regions between markers, in order. Throws InputError listing every marker without its partner; `where` names the code. */
export function markedRegions(bytes: Uint8Array, where: string, address: bigint): MarkedRegion[] {
  const regions: MarkedRegion[] = [];
  const problems: Problem[] = [];
  let open: number | null = null;
  let markers = 0;
  const problem = (at: number, found: string, remedy: string): void => {
    problems.push({ where: `${where}: 0x${(address + BigInt(at)).toString(16)}`, found, remedy });
  };
  const unclosed = 'a start marker without an end';
  for (let at = bytes.indexOf(OPENS[0]!); at >= 0; at = bytes.indexOf(OPENS[0]!, at + 1)) {
    const opens = hasAt(bytes, at, OPENS);
    if (!opens && !hasAt(bytes, at, CLOSES)) continue;
    markers += 1;
    if (markers > MAX_MARKERS)
      throw InputError.of(where, `more than ${MAX_MARKERS} markers`, 'name a part with --symbol or --range');
    if (opens) {
      if (open !== null) problem(open, unclosed, 'put mov ebx, 222 before the next start; regions cannot be nested');
      open = at;
    } else if (open === null) problem(at, 'an end marker without a start', 'put mov ebx, 111 before it');
    else {
      regions.push({ start: open + MARKER_BYTES, end: at });
      open = null;
    }
  }
  if (open !== null) problem(open, unclosed, 'put mov ebx, 222; .byte 0x64, 0x67, 0x90 after the code');
  if (problems.length > 0) throw new InputError(problems);
  return regions;
}
