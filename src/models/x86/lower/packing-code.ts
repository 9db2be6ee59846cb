import type { Asm } from '../assembler.ts';
import { type LoopCode, POINTER } from './code.ts';
import { advance, arithmetic, at, type Bits, imm, load, store, type VectorSet, vector } from './isa.ts';

/** How an operand is brought into the order in which kernels read it. */
export type PackingStyle =
  /** Whole vectors are moved: the operand lies along the tile already. */
  | 'vectors'
  /** Blocks of 4 x 4 elements are transposed. */
  | 'transpose'
  /** Elements of several columns are brought together one by one, as compilers do with plain C. */
  | 'elements';

/** Elements that one pass of the body moves. */
const ELEMENTS: Readonly<Record<PackingStyle, (bits: Bits, elementBytes: number) => number>> = {
  vectors: (bits, elementBytes) => (4 * bits) / (8 * elementBytes),
  transpose: (_, elementBytes) => (elementBytes === 8 ? 4 : 16),
  elements: () => 16,
};

/** The loop that packs; its steps are elements. */
export function packingLoop(set: VectorSet, style: PackingStyle, elementBytes: number): LoopCode {
  // Compilers keep to 256 bits for copies.
  const bits: Bits = set === 'sse' ? 128 : 256;
  const size = bits / 8;
  return {
    key: `pack ${style} ${set}${bits} ${elementBytes}`,
    steps: ELEMENTS[style](bits, elementBytes),
    body: () => {
      const out: Asm[] = [];
      if (style === 'vectors')
        for (let part = 0; part < 4; part += 1) {
          const from = at(part < 2 ? POINTER.left : POINTER.others[0], (part & 1) * size);
          out.push(
            load(set, bits, vector(part), from),
            store(set, bits, at(POINTER.result, part * size), vector(part)),
          );
        }
      else if (style === 'transpose') transposeBody(set, elementBytes, out);
      else gatherBody(set, elementBytes, out);
      out.push(advance(POINTER.left, 64), advance(POINTER.result, 4 * size));
      return out;
    },
  };
}

/** Vectors of 128 bits put together of elements that lie apart. */
function gatherBody(set: VectorSet, elementBytes: number, out: Asm[]): void {
  const perVector = 16 / elementBytes;
  for (let element = 0; element < 16; element += 1) {
    const from = at(POINTER.others[element % 8]!, 4 * (element >> 3));
    const whole = vector(Math.floor(element / perVector));
    if (element % perVector === 0)
      out.push({ code: set === 'sse' ? 'Movss_xmm_xmmm32' : 'VEX_Vmovss_xmm_m32', operands: [whole, from] });
    else if (set === 'sse') out.push({ code: 'Insertps_xmm_xmmm32_imm8', operands: [whole, from, imm(16)] });
    else out.push({ code: 'VEX_Vinsertps_xmm_xmm_xmmm32_imm8', operands: [whole, whole, from, imm(16)] });
  }
  const narrow = set === 'avx512' ? 'avx2' : set;
  for (let part = 0; part < elementBytes; part += 1)
    out.push(store(narrow, 128, at(POINTER.result, 16 * part), vector(part)));
}

/** Four rows of 128 bits in, four columns out. */
function transposeBody(set: VectorSet, elementBytes: number, out: Asm[]): void {
  const rows = elementBytes === 8 ? 2 : 4;
  const narrow = set === 'avx512' ? 'avx2' : set;
  for (let row = 0; row < rows; row += 1)
    out.push(load(narrow, 128, vector(row), at(row === 0 ? POINTER.left : POINTER.others[row]!)));
  const rounds = elementBytes === 8 ? 1 : 2;
  for (let round = 0; round < rounds; round += 1)
    for (let row = 0; row < rows; row += 1)
      out.push(
        ...arithmetic(
          narrow,
          128,
          row & 1 ? 'unpackHigh64' : 'unpackLow32',
          vector(4 + row),
          vector(row),
          vector((row + 1) % rows),
        ),
      );
  for (let row = 0; row < rows; row += 1) out.push(store(narrow, 128, at(POINTER.result, 16 * row), vector(4 + row)));
  for (let row = 1; row < rows; row += 1) out.push(advance(POINTER.others[row]!, 16));
}

/** Stores of one value over and over; its steps are bytes. */
export function fillLoop(set: VectorSet, bits: Bits): LoopCode {
  const size = bits / 8;
  return {
    key: `fill ${set}${bits}`,
    steps: 4 * size,
    body: () => [
      ...Array.from({ length: 4 }, (_, part) => store(set, bits, at(POINTER.result, part * size), vector(0))),
      advance(POINTER.result, 4 * size),
    ],
  };
}
