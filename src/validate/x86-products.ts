import { type CsvRecord, measuredNumber, oneOf, wholeNumber } from './fields.ts';
import type { Kind } from './kind.ts';
import { x86Kernels } from './x86-kernels.ts';

/** Products of a BLAS library on one x86 core, measured in core cycles; cascadelake unless another machine is named. */
export const X86_PRODUCTS: Kind = {
  name: 'matrix products on an x86 core',
  unit: 'cycles',
  columns: ['precision', 'm', 'n', 'k', 'trans_a', 'trans_b', 'cycles'],
  predictor: (arch = 'cascadelake') => {
    const { product } = x86Kernels(arch);
    return (record: CsvRecord, row: number) => {
      const format = oneOf(record, 'precision', row, ['fp32', 'fp64']);
      const [m, n, k] = (['m', 'n', 'k'] as const).map((column) => wholeNumber(record, column, row, 1, 20)) as [
        number,
        number,
        number,
      ];
      const transposition = (column: string): 'N' | 'T' => oneOf(record, column, row, ['N', 'T']);
      const [a, b] = [transposition('trans_a'), transposition('trans_b')];
      return {
        id: record['id'] ?? `${arch}:${format}:${m}x${n}x${k} ${a}${b}`,
        measured: measuredNumber(record, 'cycles', row),
        predicted: product(format, { m, n, k, transA: a === 'T', transB: b === 'T' }),
      };
    };
  },
};
