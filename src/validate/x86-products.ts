import { InputError, ModelBug } from '../errors.ts';
import { type CsvRecord, measuredNumber, oneOf, wholeNumber } from './fields.ts';
import type { Kind } from './kind.ts';

/** Cycles of a product by BLAS's arguments on a machine of kind x86. */
type Predict = (
  format: 'fp32' | 'fp64',
  sizes: { m: number; n: number; k: number; transA: boolean; transB: boolean },
) => number;

let predictorOf: ((arch: string) => Predict) | null = null;

/** Loads what predicts products on x86, which comes with an instruction decoder; to be awaited before such rows are predicted. */
export async function loadX86Products(): Promise<void> {
  if (predictorOf !== null) return;
  const [{ loadCore }, { productCycles }, { pipelineOf }] = await Promise.all([
    import('../x86-core.ts'),
    import('../models/x86/product-cycles.ts'),
    import('../models/x86/units/pipeline.ts'),
  ]);
  predictorOf = (arch) => {
    const core = loadCore(arch, []);
    const { system } = core.spec;
    if (system === undefined)
      throw InputError.of('--arch', `${arch} describes a core without caches`, 'name a machine such as cascadelake');
    const pipeline = pipelineOf(core);
    return (format, sizes) => {
      const elementBytes = format === 'fp32' ? 4 : 8;
      return productCycles(system, pipeline, format, { ...sizes, elementBytes, sumBytes: elementBytes });
    };
  };
}

/** Products of a BLAS library on one x86 core, measured in core cycles; cascadelake unless another machine is named. */
export const X86_PRODUCTS: Kind = {
  name: 'matrix products on an x86 core',
  unit: 'cycles',
  columns: ['precision', 'm', 'n', 'k', 'trans_a', 'trans_b', 'cycles'],
  predictor: (arch = 'cascadelake') => {
    if (predictorOf === null) throw new ModelBug('what predicts products on x86 was not loaded');
    const predict = predictorOf(arch);
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
        predicted: predict(format, { m, n, k, transA: a === 'T', transB: b === 'T' }),
      };
    };
  },
};
