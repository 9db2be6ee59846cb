import { describe, expect, it } from 'vitest';
import { dataPath, readInput } from '../../src/files.ts';
import { validateBlocks } from '../../src/validate/x86.ts';

/** Every so many rows of the file: the whole of it is held by `accsim validate --against`. */
const STEP = 12;

describe('blocks measured on a Cascade Lake core', () => {
  const [head, ...rows] = readInput(dataPath('reports', 'anchors', 'x86_blocks.csv'))
    .trim()
    .split('\n');
  const sample = [head, ...rows.filter((_, index) => index % STEP === 5)].join('\n');
  const { byMode, llvmMca } = validateBlocks(sample, 'x86_blocks.csv', undefined);

  it.each(['unrolled', 'loop'])('%s: close in the mean, the median and the order, where llvm-mca is not', (mode) => {
    const found = byMode[mode]!;
    expect(found.rows).toBeGreaterThan(250);
    expect(found.mapePct).toBeLessThan(3.3);
    expect(found.medianAbsErrorPct).toBeLessThan(0.6);
    expect(found.kendallTau).toBeGreaterThan(0.93);
    expect(llvmMca[mode]!.mapePct).toBeGreaterThan(4 * found.mapePct);
  });
});
