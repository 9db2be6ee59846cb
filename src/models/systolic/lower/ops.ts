import { tensorBytes } from '../../../trace/facts.ts';
import type { ConvOp, MatmulOp, TensorId, Trace } from '../../../trace/trace.ts';
import type { Node } from '../program.ts';
import { type Builder, emit } from './builder.ts';
import { toGemm } from './gemm.ts';
import type { Group } from './groups.ts';
import { receiveInputs, sendResult } from './host.ts';
import { lowerOutputStationary } from './output-stationary.ts';
import { concatParts, type Placement } from './place.ts';
import { type Plan, planContraction, type Residence } from './plan.ts';
import {
  AS_A_WHOLE,
  type Availability,
  operandWaits,
  type Progress,
  type Readiness,
  readinessOf,
} from './readiness.ts';
import { lowerStationary } from './stationary.ts';
import { load } from './transfer.ts';
import { lowerVectorOp } from './vector-op.ts';

/** Every group of ops in program order: inputs from the host, tiles and passes or vector work, results to the host. */
export function lowerOps(
  builder: Builder,
  trace: Trace,
  groups: readonly Group[],
  placement: Placement,
): readonly Node[] {
  const { spec } = builder;
  const { roots } = placement;
  // Without a host link inputs start, and results end, in off-chip memory.
  const ends = (role: 'input' | 'output', id: TensorId): boolean =>
    spec.hostLink === null && trace.tensors[id]!.role === role;
  const offChip = (id: TensorId): boolean =>
    roots(id).some((root) => placement.offChip.has(root) || ends('input', root));
  const partsOf = concatParts(trace);
  const outputs = outputRoots(trace, roots);
  const fromHost = receiveInputs(builder, trace, groups, placement);
  const available = new Map<TensorId, Availability>();
  for (const id of fromHost) available.set(id, { vectors: 0, ...AS_A_WHOLE, stored: offChip(id) });
  for (const group of groups) {
    const op = trace.ops[group.members[0]!]!;
    const readiness = readinessOf(group.inputs.flatMap(roots), available, fromHost);
    const leaves = (id: TensorId): boolean => offChip(id) || ends('output', id);
    const outputOffChip = leaves(group.outputs[0]!);
    const weightBytes = group.smallWeights.reduce((sum, id) => sum + tensorBytes(trace.tensors[id]!), 0);
    if (weightBytes > 0) emit(builder, [load(builder, group.members[0]!, weightBytes, builder.components.weights, [])]);
    let progress = AS_A_WHOLE;
    if (op.kind === 'matmul' || op.kind === 'conv') {
      const gemm = toGemm(trace, op, spec, partsOf);
      const extra = extraOperands(op, group);
      const extraOffChipBytes = extra.reduce((sum, id) => sum + (offChip(id) ? tensorBytes(trace.tensors[id]!) : 0), 0);
      const residence: Residence = {
        streamedOffChip: gemm.streamed.isWeight || offChip(gemm.streamed.tensor),
        stationaryOffChip: gemm.stationary.isWeight || offChip(gemm.stationary.tensor),
        outputOffChip,
        extraOffChipBytes,
      };
      const plan = planContraction(spec, group.members[0]!, gemm, residence, extra.length);
      progress = lowerContraction(builder, plan, readiness);
    } else {
      const waits = operandWaits(builder, readiness, readiness.vectors);
      lowerVectorOp(builder, trace, group, leaves, waits);
    }
    const { allButLastVectors, allButLastShare } = progress;
    for (const id of group.outputs) {
      available.set(id, { vectors: builder.vectorsIssued, allButLastVectors, allButLastShare, stored: leaves(id) });
      if (spec.hostLink !== null && outputs.has(id)) sendResult(builder, trace, id, group, leaves(id));
    }
  }
  return builder.nodes;
}

function lowerContraction(builder: Builder, plan: Plan, readiness: Readiness): Progress {
  if (builder.spec.array.dataflow !== 'output-stationary') return lowerStationary(builder, plan, readiness);
  lowerOutputStationary(builder, plan, readiness);
  return AS_A_WHOLE;
}

/** What is added to the results on their way out (residual operands). */
function extraOperands(op: MatmulOp | ConvOp, group: Group): TensorId[] {
  return group.inputs.filter((id) => !op.inputs.includes(id));
}

/** Every tensor whose bytes are part of an output of the network. */
function outputRoots(trace: Trace, roots: Placement['roots']): ReadonlySet<TensorId> {
  const result = new Set<TensorId>();
  trace.tensors.forEach((tensor, id) => {
    if (tensor.role !== 'output') return;
    result.add(id);
    for (const root of roots(id)) result.add(root);
  });
  return result;
}
