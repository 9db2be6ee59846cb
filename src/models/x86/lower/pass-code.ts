import type { Asm } from '../assembler.ts';
import { type LoopCode, POINTER } from './code.ts';
import { advance, arithmetic, at, load, REGISTERS, store, type VectorSet, vector, WIDEST } from './isa.ts';

/** What a pass does for four vectors of elements. */
export interface PassWork {
  readonly loads: number;
  readonly stores: number;
  /** Multiplications, additions, comparisons; and divisions or roots. */
  readonly operations: number;
  readonly divisions: number;
}

const VECTORS = 4;

/** A loop that reads, computes and writes; its steps are elements of 32 bits. Four vectors are under way, so latencies overlap. */
export function passLoop(set: VectorSet, work: PassWork): LoopCode {
  const bits = WIDEST[set];
  const { loads, stores, operations, divisions } = work;
  return {
    key: `pass ${set} ${loads} ${stores} ${operations} ${divisions}`,
    steps: (VECTORS * bits) / 32,
    body: () => {
      const out: Asm[] = [];
      const registers = REGISTERS[set] - 2;
      // As many sums at a time as there are registers, so that chains of operations run side by side.
      const place = (index: number): ReturnType<typeof vector> => vector(index % registers);
      for (let index = 0; index < loads; index += 1)
        out.push(load(set, bits, place(index), at(index & 1 ? POINTER.right : POINTER.left, ((index >> 1) % 8) * 64)));
      const operation = set === 'sse' ? 'mul32' : 'fma32';
      for (let index = 0; index < operations; index += 1)
        out.push(...arithmetic(set, bits, operation, place(index), place(index), vector(registers)));
      for (let index = 0; index < divisions; index += 1)
        out.push(...arithmetic(set, bits, 'div32', place(index), place(index), vector(registers)));
      for (let index = 0; index < stores; index += 1)
        out.push(store(set, bits, at(POINTER.result, (index % 8) * 64), place(index)));
      out.push(advance(POINTER.left, 64), advance(POINTER.result, 64));
      return out;
    },
  };
}
