import { InputError } from '../errors.ts';
import { VECTOR_SETS } from '../models/x86/lower/isa.ts';
import { type CsvRecord, measuredNumber, oneOf, wholeNumber } from './fields.ts';
import type { Kind } from './kind.ts';
import { type X86Kernels, x86Kernels } from './x86-kernels.ts';

const SIZES = ['n', 'c', 'h', 'w', 'k', 'r', 's', 'stride'] as const;

/** Columns that say what a CPU has which no machine here describes: its vectors, and caches in KiB. */
const CPU = { vectors: 'vectors', l2_kib: 'l2.sizeKiB', l3_kib: 'l3.sizeKiB' } as const;

/**
 * Forward convolutions of a library in fp32 on one x86 core, measured in core cycles; cascadelake unless another machine is named. Rows
 * that name vectors and caches were measured on another CPU: the machine named stands for it with these.
 */
export const X86_CONVOLUTIONS: Kind = {
  name: 'convolutions on an x86 core',
  unit: 'cycles',
  columns: [...SIZES, 'pad', 'cycles'],
  predictor: (arch = 'cascadelake') => {
    const kernels = new Map<string, X86Kernels>();
    const kernelsFor = (sets: readonly string[]): X86Kernels => {
      const key = sets.join();
      const found = kernels.get(key) ?? x86Kernels(arch, sets);
      kernels.set(key, found);
      return found;
    };
    return (record: CsvRecord, row: number) => {
      const size = (column: string, minimum = 1): number => wholeNumber(record, column, row, minimum, 16);
      const [n, c, h, w, k, r, s, stride] = SIZES.map((column) => size(column)) as [
        ...[number, number, number, number],
        ...[number, number, number, number],
      ];
      const pad = size('pad', 0);
      if (r > h + 2 * pad || s > w + 2 * pad)
        throw InputError.of(
          `row ${row + 1}: r, s`,
          `a filter of ${r} x ${s} on ${h} x ${w} with ${pad} zeros around`,
          'write filters that fit the padded image',
        );
      const sets = (Object.keys(CPU) as (keyof typeof CPU)[])
        .filter((column) => (record[column] ?? '') !== '')
        .map((column) => {
          const value =
            column === 'vectors' ? oneOf(record, column, row, VECTOR_SETS) : wholeNumber(record, column, row, 1, 24);
          return `system.${CPU[column]}=${value}`;
        });
      return {
        id: record['id'] ?? `${arch}:fp32:${n}x${c}x${h}x${w} ${k}x${r}x${s}/${stride}`,
        measured: measuredNumber(record, 'cycles', row),
        predicted: kernelsFor(sets).convolution({ n, c, h, w, k, r, s, stride, pad }),
      };
    };
  },
};
