import type { Asm } from '../assembler.ts';
import { type LoopCode, POINTER } from './code.ts';
import { broadcastStep, REDUCTION_STEPS, type Tile, tileLoop, type TileMath } from './gemm-code.ts';
import { at } from './isa.ts';

/** Displacements below this take one byte for repeated elements (EVEX scales them by the element). */
const SHORT = 0x200;

/**
 * One step of a convolution as JIT libraries write it: so many steps without a jump, hence without steps of pointers. Positions side by side are a vector of channels apart in the blocked layout; a register with 2 x `SHORT` keeps displacements
 * short (the kernels of oneDNN for AVX-512), at the price of an index.
 */
export function convLoop(math: TileMath, tile: Tile, writtenOut: number): LoopCode {
  const positionBytes = math.bits / 8 / REDUCTION_STEPS[math.format];
  return {
    key: `convolution ${tileLoop(math, tile).key} ${writtenOut}`,
    steps: 1,
    writtenOut,
    body: () => {
      const out: Asm[] = [];
      broadcastStep(math, tile, out, (column) => {
        const offset = column * positionBytes;
        if (math.set !== 'avx512' || offset < SHORT) return at(POINTER.right, offset);
        const steps = Math.floor((offset + SHORT) / (2 * SHORT));
        return at(POINTER.right, offset - steps * 2 * SHORT, POINTER.stride);
      });
      return out;
    },
  };
}
