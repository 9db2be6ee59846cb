import {
  type Instruction,
  LOAD,
  type Node,
  STORE,
  VECTOR,
  WAIT_LOAD,
  WAIT_PASS,
  WAIT_STORE,
  WAIT_VECTOR,
  type Waits,
  withWait,
} from '../program.ts';
import { access, type Builder } from './builder.ts';
import { bytesOf } from './gemm.ts';
import type { Plan } from './plan.ts';

const VECTOR_DONE = withWait([], WAIT_VECTOR, 0);

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

/** What the vector unit, or as `waits` says, has written leaves the buffer for off-chip memory. */
export function store(builder: Builder, op: number, bytes: number, waits: Waits = VECTOR_DONE): Instruction {
  const { components } = builder;
  return builder.instruction({
    lane: STORE,
    op,
    cycles: builder.memoryCycles(bytes),
    fetches: true,
    waits,
    accesses: [access(components.outputs, 'read', 1, bytes), access(components.memory, 'write', 1, bytes)],
  });
}

/**
 * `sums` pass the activation unit into the buffer, and on to off-chip memory if they do not stay. What is added to them on the way
 * (residuals) is loaded first if it is off the chip; `waits` are those of the block's first pass.
 */
export function results(builder: Builder, plan: Plan, sums: number, waits: Waits): Node[] {
  const { spec, components } = builder;
  const { op, gemm, extraOperands } = plan;
  const elements = Math.round(sums * plan.resultShare);
  const bytes = bytesOf(elements, gemm.outputElementBits);
  const operandBytes = bytes * extraOperands;
  const operations = sums + elements * extraOperands;
  const loadBytes = Math.ceil((plan.extraOffChipBytes * elements) / gemm.outputElements);
  const accesses = [
    access(components.vectorUnit, 'vector.op', operations),
    access(components.outputs, 'write', elements, bytes),
  ];
  // An output-stationary array hands its sums over directly.
  if (spec.array.dataflow !== 'output-stationary') {
    accesses.push(access(components.partialSums, 'read', sums, bytesOf(sums, spec.array.accumulatorBits)));
  }
  if (operandBytes > 0) accesses.push(access(components.inputs, 'read', elements, operandBytes));
  const cycles = Math.ceil(
    Math.max(operations / spec.vectorUnit.elementsPerCycle, (bytes + operandBytes) / spec.buffer.bytesPerCycle),
  );
  const activationWaits = withWait(withWait([], WAIT_PASS, 0), WAIT_LOAD, loadBytes > 0 ? 0 : undefined);
  return [
    ...(loadBytes > 0 ? [load(builder, op, loadBytes, components.inputs, storedWait(waits))] : []),
    builder.instruction({ lane: VECTOR, op, cycles, waits: activationWaits, accesses }),
    ...(plan.outputOffChip ? [store(builder, op, bytes)] : []),
  ];
}

/**
 * Waits of a load, given those of its reader and how many passes read one load: what was stored before must have left, and the
 * half of the buffer that it overwrites must have been read, by all passes but those of the load before.
 */
export function loadWaits(readerWaits: Waits, passesPerLoad: number): Waits {
  return withWait(storedWait(readerWaits), WAIT_PASS, passesPerLoad);
}

/** Of all that a reader waits for, what a load for it must wait for too: that what it reads has been stored. */
function storedWait(readerWaits: Waits): Waits {
  return withWait([], WAIT_STORE, readerWaits[WAIT_STORE]);
}
