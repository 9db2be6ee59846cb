import { tensorBytes } from '../../../trace/facts.ts';
import { type Group, groupOps } from '../../../trace/groups.ts';
import { type ConvOp, type DType, DTYPES, type MatmulOp, type TensorId, type Trace } from '../../../trace/trace.ts';
import type { SystemSpec } from '../system.ts';
import { cacheSizes, PAGE_BYTES } from '../units/caches.ts';
import { mathFormat, refuseUnsupported } from './check.ts';
import { convWays } from './conv.ts';
import { convLoops } from './convolution.ts';
import { type MathFormat, SUM_BITS } from './gemm-code.ts';
import { WIDEST } from './isa.ts';
import { gemmLibrary } from './library.ts';
import { productOf, productWays } from './matmul.ts';
import type { Level } from './nest.ts';
import { epilogueNest, passNests } from './passes.ts';
import { residences } from './residence.ts';
import { dealt, scaled, type Way } from './way.ts';
import { winogradWays } from './winograd.ts';

/** One call to a library: ways to do it, of which the fastest is taken. */
export interface Call {
  /** Index of the op that is charged, and those that run with it. */
  readonly op: number;
  readonly fused: readonly number[];
  /** Equal for calls that take equally long. */
  readonly key: string;
  readonly ways: () => readonly Way[];
  /** What is multiplied; null: nothing is. */
  readonly format: MathFormat | null;
}

/** Calls of a trace in order. Throws InputError for what the machine cannot run. */
export function lower(system: SystemSpec, trace: Trace): Call[] {
  refuseUnsupported(system, trace);
  const groups = groupOps(trace);
  const levels = residences(system, trace, groups);
  return groups.map((group, index) => callOf(system, trace, group, levels[index]!));
}

function callOf(system: SystemSpec, trace: Trace, group: Group, levels: ReadonlyMap<TensorId, Level>): Call {
  const { members, extraReads, writes } = group;
  const ops = members.map((index) => trace.ops[index]!);
  const lead = ops[0]!;
  const shape = (id: TensorId): string =>
    `${trace.tensors[id]!.shape.join('x')}${trace.tensors[id]!.dtype}@${levels.get(id)}`;
  const { id: _id, name: _name, inputs, outputs: _outputs, ...facts } = lead;
  const followers = ops.slice(1).map((op) => (op.kind === 'elementwise' ? op.function : op.kind));
  const call = {
    op: members[0]!,
    fused: members.slice(1),
    key: [
      JSON.stringify(facts),
      followers.join(),
      ...[inputs, extraReads, writes].map((ids) => ids.map(shape).join()),
    ].join(';'),
  };
  const residence = (id: TensorId): Level => levels.get(id)!;
  if (lead.kind === 'matmul' || lead.kind === 'conv') {
    const format = mathFormat(trace, lead)!;
    return {
      ...call,
      format,
      ways: () =>
        withEpilogue(
          contractionWays(
            system,
            trace,
            lead,
            { id: writes[0]!, dtype: trace.tensors[writes[0]!]!.dtype },
            format,
            residence,
          ),
        ),
    };
  }
  const grain = writes.concat(inputs).reduce((most, id) => Math.max(most, tensorBytes(trace.tensors[id]!)), 0);
  return {
    ...call,
    format: null,
    ways: () => [
      // Pages are dealt out to cores.
      dealt(
        passNests(trace, ops, extraReads, writes, residence, system.vectors),
        Math.max(1, Math.ceil(grain / PAGE_BYTES)),
        system.cores,
      ),
    ],
  };

  function withEpilogue(ways: readonly Way[]): Way[] {
    if (ops.length === 1) return [...ways];
    const nest = epilogueNest(trace, ops.slice(1), extraReads, residence, system.vectors);
    return ways.map((way) => ({ ...way, nests: [...way.nests, scaled(nest, 1 / way.share)] }));
  }
}

/** Ways to compute a product or a convolution. */
function contractionWays(
  system: SystemSpec,
  trace: Trace,
  op: MatmulOp | ConvOp,
  result: { readonly id: TensorId; readonly dtype: DType },
  format: MathFormat,
  residence: (id: TensorId) => Level,
): Way[] {
  const { vectors, dotProducts, cores } = system;
  const elementBytes = DTYPES[format] / 8;
  const sumBytes = SUM_BITS[format] / 8;
  const [left, right] = [residence(op.inputs[0]!), residence(op.inputs[1]!)];
  const written = residence(result.id);
  if (op.kind === 'conv') {
    const math = { set: vectors, bits: WIDEST[vectors], format, dotProducts };
    const origin = { operand: left, weights: right, result: written };
    const setting = {
      math,
      elementBytes,
      sumBytes,
      resultBytes: DTYPES[result.dtype] / 8,
      caches: cacheSizes(system, cores),
      origin,
      cores,
    };
    const conv = convLoops(op);
    // While weights do not change, their transforms are kept.
    const areTransformed = trace.workload.phase === 'inference';
    return [...convWays(conv, setting), ...winogradWays(conv, setting, system.winograd, areTransformed)];
  }
  const library = gemmLibrary(vectors, format, dotProducts);
  const caches = (active: number) => cacheSizes(system, active);
  return productWays(
    productOf(op, elementBytes, sumBytes),
    op.batch,
    library,
    caches,
    { left: right, right: left, result: written },
    cores,
  );
}
