import { InputError, ModelBug } from '../errors.ts';
import type { ConvShape } from '../models/x86/conv-cycles.ts';

/** What predicts kernels on one core of an x86 machine, in core cycles. */
export interface X86Kernels {
  /** A product by BLAS's arguments. */
  readonly product: (
    format: 'fp32' | 'fp64',
    sizes: { m: number; n: number; k: number; transA: boolean; transB: boolean },
  ) => number;
  /** A forward convolution in fp32. */
  readonly convolution: (shape: ConvShape) => number;
}

let kernelsOfMachine: ((arch: string, sets: readonly string[]) => X86Kernels) | null = null;

/** Loads what predicts kernels on x86, which comes with an instruction decoder; to be awaited before such rows are predicted. */
export async function loadX86Kernels(): Promise<void> {
  if (kernelsOfMachine !== null) return;
  const [{ loadCore }, { productCycles }, { convCycles }, { pipelineOf }] = await Promise.all([
    import('../x86-core.ts'),
    import('../models/x86/product-cycles.ts'),
    import('../models/x86/conv-cycles.ts'),
    import('../models/x86/units/pipeline.ts'),
  ]);
  kernelsOfMachine = (arch, sets) => {
    const core = loadCore(arch, sets);
    const { system } = core.spec;
    if (system === undefined)
      throw InputError.of('--arch', `${arch} describes a core without caches`, 'name a machine such as cascadelake');
    const pipeline = pipelineOf(core);
    return {
      product: (format, sizes) => {
        const elementBytes = format === 'fp32' ? 4 : 8;
        return productCycles(system, pipeline, format, { ...sizes, elementBytes, sumBytes: elementBytes });
      },
      convolution: (shape) => convCycles(system, pipeline, shape),
    };
  };
}

/** Kernels on a machine with some of its values set. Throws InputError. */
export function x86Kernels(arch: string, sets: readonly string[] = []): X86Kernels {
  if (kernelsOfMachine === null) throw new ModelBug('what predicts kernels on x86 was not loaded');
  return kernelsOfMachine(arch, sets);
}
