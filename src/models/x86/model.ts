import { InputError } from '../../errors.ts';
import { denseNotes } from '../dense-notes.ts';
import type { Model } from '../model.ts';
import { runCalls } from './assemble.ts';
import { componentNames, usesOf } from './count.ts';
import { type MathFormat, REDUCTION_STEPS, SUM_BITS } from './lower/gemm-code.ts';
import { WIDEST } from './lower/isa.ts';
import { lower } from './lower/lower.ts';
import type { RecipeTable } from './recipes.ts';
import { X86_KIND, type X86Spec, x86Spec } from './spec.ts';
import type { SystemSpec } from './system.ts';
import { pipelineOf } from './units/pipeline.ts';

/** The model; `recipesOf` reads the micro-op tables that a core names. */
export const x86Model = (recipesOf: (spec: X86Spec) => RecipeTable): Model<X86Spec> => ({
  kind: X86_KIND,
  schema: x86Spec,
  facts: (spec) => {
    const system = systemOf(spec);
    return {
      clockHz: system.clockMHz * 1e6,
      defaultPrecision: system.defaultPrecision,
      offChip: { name: system.memory.name, bytesPerCycle: (system.memory.bandwidthGBps * 1e3) / system.clockMHz },
      energy: system.energy,
    };
  },
  prepare: (spec, trace) => {
    const system = systemOf(spec);
    const calls = lower(system, trace);
    const formats = new Set(calls.flatMap(({ format }) => (format === null ? [] : [format])));
    const peak = (format: MathFormat): number => system.cores * macsPerCycle(system, format);
    return {
      layout: { units: ['cores'], components: componentNames(system), ops: trace.ops.length },
      uses: usesOf(system, formats),
      peakMacsPerCycle: Math.max(...[...(formats.size === 0 ? (['fp32'] as const) : formats)].map(peak)),
      run: (observer) => ({
        ...runCalls(
          system,
          trace,
          calls,
          ({ format }) => (format === null ? 1 : peak(format)),
          pipelineOf({ spec, table: recipesOf(spec) }),
          observer,
        ),
        peakUseBytes: {},
        fusedInto: new Map(calls.flatMap(({ op, fused }) => fused.map((index) => [index, op] as const))),
        notes: denseNotes(trace),
      }),
    };
  },
});

/** Multiply-adds that a core does per cycle at most. Without dot products, bytes take three instructions and words two, one of which only adds and may have a port of its own. */
function macsPerCycle({ vectors, dotProducts, multiplyAddsPerCycle }: SystemSpec, format: MathFormat): number {
  const perInstruction = (WIDEST[vectors] / SUM_BITS[format]) * REDUCTION_STEPS[format];
  const slowdown = dotProducts ? 1 : format === 'int8' ? 0.5 : format === 'int16' ? 0.75 : 1;
  return multiplyAddsPerCycle * perInstruction * slowdown;
}

function systemOf({ system }: X86Spec): SystemSpec {
  if (system !== undefined) return system;
  throw InputError.of(
    'system',
    'missing: the machine describes a core only, which runs basic blocks of machine code and no networks',
    'use accsim block, a machine with caches and memory such as xeon-8180, or add the section',
  );
}
