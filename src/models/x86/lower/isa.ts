import { ModelBug } from '../../../errors.ts';
import type { Asm, AsmOperand, Immediate, Memory, VectorRegister } from '../assembler.ts';

/** Instruction sets that kernels are written for, by the widest vectors they have. */
export const VECTOR_SETS = ['sse', 'avx2', 'avx512'] as const;
export type VectorSet = (typeof VECTOR_SETS)[number];

/** Width of a vector operation in bits. */
export type Bits = 128 | 256 | 512;

export const WIDEST: Readonly<Record<VectorSet, Bits>> = { sse: 128, avx2: 256, avx512: 512 };

/** Vector registers that kernels of a set may use. */
export const REGISTERS: Readonly<Record<VectorSet, number>> = { sse: 16, avx2: 16, avx512: 32 };

type Code = Asm['code'];
type Width = 'x' | 'y' | 'z';
const WIDTH: Readonly<Record<Bits, Width>> = { 128: 'x', 256: 'y', 512: 'z' };

/** Three-operand arithmetic on vectors: mnemonic as encodings spell it, element width of an embedded broadcast, rounding suffix. */
const ARITHMETIC = {
  fma32: ['Vfmadd231ps', 'b32', '_er'],
  fma64: ['Vfmadd231pd', 'b64', '_er'],
  add32: ['Vaddps', 'b32', '_er'],
  sub32: ['Vsubps', 'b32', '_er'],
  mul32: ['Vmulps', 'b32', '_er'],
  max32: ['Vmaxps', 'b32', '_sae'],
  min32: ['Vminps', 'b32', '_sae'],
  div32: ['Vdivps', 'b32', '_er'],
  unpackLow32: ['Vunpcklps', 'b32', ''],
  unpackHigh32: ['Vunpckhps', 'b32', ''],
  unpackLow64: ['Vunpcklpd', 'b64', ''],
  unpackHigh64: ['Vunpckhpd', 'b64', ''],
  dotBytes: ['Vpdpbusd', 'b32', ''],
  dotWords: ['Vpdpwssd', 'b32', ''],
  multiplyBytes: ['Vpmaddubsw', '', ''],
  multiplyWords: ['Vpmaddwd', '', ''],
  addWords32: ['Vpaddd', 'b32', ''],
} as const;
export type Arithmetic = keyof typeof ARITHMETIC;

/** Two-operand legacy encodings of the operations that SSE kernels use. */
const LEGACY: Readonly<Partial<Record<Arithmetic, Code>>> = {
  add32: 'Addps_xmm_xmmm128',
  sub32: 'Subps_xmm_xmmm128',
  mul32: 'Mulps_xmm_xmmm128',
  max32: 'Maxps_xmm_xmmm128',
  min32: 'Minps_xmm_xmmm128',
  div32: 'Divps_xmm_xmmm128',
  multiplyBytes: 'Pmaddubsw_xmm_xmmm128',
  multiplyWords: 'Pmaddwd_xmm_xmmm128',
  addWords32: 'Paddd_xmm_xmmm128',
  unpackLow32: 'Unpcklps_xmm_xmmm128',
  unpackHigh32: 'Unpckhps_xmm_xmmm128',
  unpackLow64: 'Unpcklpd_xmm_xmmm128',
  unpackHigh64: 'Unpckhpd_xmm_xmmm128',
};

export const vector = (number: number): VectorRegister => ({ vector: number });
export const imm = (immediate: number): Immediate => ({ immediate });
export const at = (base: number, displacement = 0, index?: number): Memory =>
  index === undefined ? { base, displacement } : { base, displacement, index };

/** `destination = destination op (left, right)`; the legacy form keeps `destination` as its left operand. */
export function arithmetic(
  set: VectorSet,
  bits: Bits,
  operation: Arithmetic,
  destination: VectorRegister,
  left: VectorRegister,
  right: VectorRegister | Memory,
): Asm[] {
  if (set === 'sse') {
    if (operation === 'fma32') {
      // Multiply into a copy, then add: the last register is kept free for it.
      const scratch = vector(REGISTERS.sse - 1);
      return [
        { code: 'Movaps_xmm_xmmm128', operands: [scratch, right] },
        { code: 'Mulps_xmm_xmmm128', operands: [scratch, left] },
        { code: 'Addps_xmm_xmmm128', operands: [destination, scratch] },
      ];
    }
    const code = LEGACY[operation];
    if (code === undefined) throw new ModelBug(`SSE has no ${operation}`);
    return [{ code, operands: [destination, right] }];
  }
  const [mnemonic, element, rounding] = ARITHMETIC[operation];
  const width = WIDTH[bits];
  const code =
    set === 'avx2'
      ? `VEX_${mnemonic}_${width}mm_${width}mm_${width}mmm${bits}`
      : `EVEX_${mnemonic}_${width}mm_k1z_${width}mm_${width}mmm${bits}${element}${bits === 512 ? rounding : ''}`;
  return [{ code: code as Code, operands: [destination, left, right] }];
}

/** A whole vector from memory. */
export function load(set: VectorSet, bits: Bits, destination: VectorRegister, from: Memory): Asm {
  const width = WIDTH[bits];
  const code =
    set === 'sse'
      ? 'Movups_xmm_xmmm128'
      : set === 'avx2'
        ? `VEX_Vmovups_${width}mm_${width}mmm${bits}`
        : `EVEX_Vmovups_${width}mm_k1z_${width}mmm${bits}`;
  return { code: code as Code, operands: [destination, from] };
}

export function store(set: VectorSet, bits: Bits, to: Memory, source: VectorRegister): Asm {
  const width = WIDTH[bits];
  const code =
    set === 'sse'
      ? 'Movups_xmmm128_xmm'
      : set === 'avx2'
        ? `VEX_Vmovups_${width}mmm${bits}_${width}mm`
        : `EVEX_Vmovups_${width}mmm${bits}_k1z_${width}mm`;
  return { code: code as Code, operands: [to, source] };
}

/** One element of `elementBits` repeated over a vector. */
export function broadcast(
  set: VectorSet,
  bits: Bits,
  elementBits: 32 | 64,
  destination: VectorRegister,
  from: Memory,
): Asm[] {
  if (set === 'sse')
    return elementBits === 64
      ? [{ code: 'Movddup_xmm_xmmm64', operands: [destination, from] }]
      : [
          { code: 'Movss_xmm_xmmm32', operands: [destination, from] },
          { code: 'Shufps_xmm_xmmm128_imm8', operands: [destination, destination, imm(0)] },
        ];
  const width = WIDTH[bits];
  const letter = elementBits === 32 ? 's' : 'd';
  if (elementBits === 64 && bits === 128)
    return [
      {
        code: set === 'avx2' ? 'VEX_Vmovddup_xmm_xmmm64' : 'EVEX_Vmovddup_xmm_k1z_xmmm64',
        operands: [destination, from],
      },
    ];
  const code =
    set === 'avx2'
      ? `VEX_Vbroadcasts${letter}_${width}mm_m${elementBits}`
      : `EVEX_Vbroadcasts${letter}_${width}mm_k1z_xmmm${elementBits}`;
  return [{ code: code as Code, operands: [destination, from] }];
}

/** Even or odd 32-bit elements of a vector in memory, each twice. */
export function duplicate(
  set: VectorSet,
  bits: Bits,
  which: 'even' | 'odd',
  destination: VectorRegister,
  from: Memory,
): Asm {
  const mnemonic = which === 'even' ? 'movsldup' : 'movshdup';
  const width = WIDTH[bits];
  const code =
    set === 'sse'
      ? `M${mnemonic.slice(1)}_xmm_xmmm128`
      : set === 'avx2'
        ? `VEX_V${mnemonic}_${width}mm_${width}mmm${bits}`
        : `EVEX_V${mnemonic}_${width}mm_k1z_${width}mmm${bits}`;
  return { code: code as Code, operands: [destination, from] };
}

export function prefetch(level: 0 | 1, from: Memory): Asm {
  return { code: level === 0 ? 'Prefetcht0_m8' : 'Prefetcht1_m8', operands: [from] };
}

/** Adds to a general register, as pointers advance. */
export function advance(general: number, by: number): Asm {
  const operands: AsmOperand[] = [{ general }, imm(by)];
  return { code: by >= -128 && by < 128 ? 'Add_rm64_imm8' : 'Add_rm64_imm32', operands };
}
