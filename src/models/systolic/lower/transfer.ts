import {
  type Instruction,
  LOAD,
  type Node,
  STORE,
  VECTOR,
  WAIT_PASS,
  WAIT_STORE,
  WAIT_VECTOR,
  type Waits,
  withWait,
} from '../program.ts';
import { access, type Builder } from './builder.ts';
import { bytesOf } from './gemm.ts';
import type { Plan } from './plan.ts';

/** Operands come from off-chip memory into a buffer. */
export function load(builder: Builder, op: number, bytes: number, into: number, waits: Waits): Instruction {
  const { components } = builder;
  return builder.instruction({
    lane: LOAD,
    op,
    cycles: builder.memoryCycles(bytes),
    fetches: true,
    waits,
    accesses: [access(components.memory, 'read', 1, bytes), access(into, 'write', 1, bytes)],
  });
}

/** Results leave the buffer for off-chip memory once the vector unit has written them. */
export function store(builder: Builder, op: number, bytes: number): Instruction {
  const { components } = builder;
  return builder.instruction({
    lane: STORE,
    op,
    cycles: builder.memoryCycles(bytes),
    fetches: true,
    waits: withWait([], WAIT_VECTOR, 0),
    accesses: [access(components.outputs, 'read', 1, bytes), access(components.memory, 'write', 1, bytes)],
  });
}

/** `elements` sums pass the activation unit into the buffer, and on to off-chip memory if they do not stay. */
export function results(builder: Builder, plan: Plan, elements: number): Node[] {
  const { spec, components } = builder;
  const { op, gemm, extraOperands } = plan;
  const bytes = bytesOf(elements, gemm.outputElementBits);
  const operandBytes = bytes * extraOperands;
  const operations = elements * (1 + extraOperands);
  const accesses = [
    access(components.vectorUnit, 'vector.op', operations),
    access(components.outputs, 'write', elements, bytes),
  ];
  // An output-stationary array hands its sums over directly.
  if (spec.array.dataflow !== 'output-stationary') {
    accesses.push(access(components.partialSums, 'read', elements, bytesOf(elements, spec.array.accumulatorBits)));
  }
  if (operandBytes > 0) accesses.push(access(components.inputs, 'read', elements, operandBytes));
  const cycles = Math.ceil(
    Math.max(operations / spec.vectorUnit.elementsPerCycle, (bytes + operandBytes) / spec.buffer.bytesPerCycle),
  );
  const activation = builder.instruction({ lane: VECTOR, op, cycles, waits: withWait([], WAIT_PASS, 0), accesses });
  return plan.outputOffChip ? [activation, store(builder, op, bytes)] : [activation];
}

/**
 * Waits of a load, given those of its reader and how many passes read one load: what was stored before must have left, and the
 * half of the buffer that it overwrites must have been read, by all passes but those of the load before.
 */
export function loadWaits(readerWaits: Waits, passesPerLoad: number): Waits {
  return withWait(withWait([], WAIT_STORE, readerWaits[WAIT_STORE]), WAIT_PASS, passesPerLoad);
}
