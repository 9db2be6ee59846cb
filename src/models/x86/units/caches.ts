import type { Level } from '../lower/nest.ts';
import type { SystemSpec } from '../system.ts';

export const LINE_BYTES = 64;
export const PAGE_BYTES = 4096;

/** Capacities that one core can count on, in bytes, and pages. */
export interface CacheSizes {
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  readonly l3Bytes: number;
  readonly pages: number;
  readonly secondPages: number;
}

/** The caches of a core while `active` cores share the last level. */
export function cacheSizes({ l1, l2, l3, tlb }: SystemSpec, active: number): CacheSizes {
  return {
    l1Bytes: l1.sizeKiB * 1024,
    l2Bytes: l2.sizeKiB * 1024,
    l3Bytes: Math.max(l2.sizeKiB, l3.sizeKiB / active) * 1024,
    pages: tlb.entries,
    secondPages: tlb.secondEntries,
  };
}

/** Level that still holds data when so many bytes have been touched since, itself included: least recently used, fully associative. */
export function levelOf({ l2Bytes, l3Bytes }: Pick<CacheSizes, 'l2Bytes' | 'l3Bytes'>, touchedBytes: number): Level {
  return touchedBytes <= l2Bytes ? 1 : touchedBytes <= l3Bytes ? 2 : 3;
}

export function linesOf(bytes: number): number {
  return bytes / LINE_BYTES;
}
