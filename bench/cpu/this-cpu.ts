import { existsSync, readFileSync } from 'node:fs';

/** Machines of this project by Intel's model number of family 6; Cascade Lake is the later stepping of Skylake server. */
const KNOWN: Readonly<Record<string, (stepping: number) => string>> = {
  '63': () => 'haswell-e5-2699v3',
  '85': (stepping) => (stepping >= 5 ? 'cascadelake' : 'xeon-8180'),
};

/** A CPU and the machine of this project that it is held against. */
export interface Cpu {
  readonly name: string;
  readonly arch: string;
  readonly isSame: boolean;
  readonly vectors: 'avx512' | 'avx2';
  readonly l2KiB: number;
  readonly l3KiB: number;
}

/** This CPU, and the machine that stands for it: itself, or the Cascade Lake core with its vectors and caches. null: no x86 with AVX2 and three levels. */
export function thisCpu(): Cpu | null {
  const cachePath = (index: number): string => `/sys/devices/system/cpu/cpu0/cache/index${index}/size`;
  if (!existsSync('/proc/cpuinfo') || !existsSync(cachePath(3))) return null;
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (key: string): string => new RegExp(`^${key}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  const flags = field('flags').split(' ');
  if (!flags.includes('avx2')) return null;
  const cache = (index: number): number => Number.parseInt(readFileSync(cachePath(index), 'utf8'), 10);
  const isIntel = field('vendor_id') === 'GenuineIntel' && field('cpu family') === '6';
  const known = isIntel ? KNOWN[field('model')] : undefined;
  const arch = known?.(Number(field('stepping'))) ?? 'cascadelake';
  return {
    name: `${field('model name')} (${field('vendor_id')} family ${field('cpu family')} model ${field('model')})`,
    arch,
    isSame: known !== undefined,
    vectors: flags.includes('avx512dq') ? 'avx512' : 'avx2',
    l2KiB: cache(2),
    l3KiB: cache(3),
  };
}
