import type { TensorId } from '../../../trace/trace.ts';
import { WAIT_HOST, WAIT_RESULT, WAIT_STORE, type Waits, withWait } from '../program.ts';
import type { Builder } from './builder.ts';

/** Until when part of a result is missing: all but its last chunk of samples is there first. */
export interface Progress {
  /** Vector instructions, since the start of the program, after which all but the last chunk is in the buffer. */
  readonly allButLastVectors: number;
  /** Share of the samples that covers; 0 when the result becomes available as a whole. */
  readonly allButLastShare: number;
}

export const AS_A_WHOLE: Progress = { allButLastVectors: 0, allButLastShare: 0 };

/** When one result is there. */
export interface Availability extends Progress {
  /** Vector instructions, since the start of the program, after which all of it is in the buffer. */
  readonly vectors: number;
  /** It went on to off-chip memory. */
  readonly stored: boolean;
}

/** When all operands of an op are there. */
export interface Readiness extends Availability {
  readonly fromHost: boolean;
}

/** When all of several tensors are there; those nobody has made yet are weights or inputs. */
export function readinessOf(
  ids: readonly TensorId[],
  available: ReadonlyMap<TensorId, Availability>,
  fromHost: ReadonlySet<TensorId>,
): Readiness {
  let vectors = 0;
  let progress = AS_A_WHOLE;
  let stored = false;
  for (const id of ids) {
    const operand = available.get(id);
    if (operand === undefined) continue;
    stored ||= operand.stored;
    if (operand.vectors <= vectors) continue;
    // Only the producer that ends last can still be under way when its reader starts.
    progress = operand.allButLastVectors >= vectors ? operand : AS_A_WHOLE;
    vectors = operand.vectors;
  }
  const { allButLastVectors, allButLastShare } = progress;
  return { vectors, allButLastVectors, allButLastShare, stored, fromHost: ids.some((id) => fromHost.has(id)) };
}

/** Waits for `vectors` vector instructions of other layers, for the host, and for what was stored. */
export function operandWaits(builder: Builder, readiness: Readiness, vectors: number): Waits {
  let waits: Waits = [];
  if (vectors > 0) waits = withWait(waits, WAIT_RESULT, builder.vectorsIssued - vectors);
  if (readiness.fromHost) waits = withWait(waits, WAIT_HOST, 0);
  if (readiness.stored) waits = withWait(waits, WAIT_STORE, 0);
  return waits;
}
