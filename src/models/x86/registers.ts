import { Register, RegisterExt } from 'iced-x86';
import { type Operand, UNIT } from './instruction.ts';

/** Facts of a register: its unit (what dependences are tracked by), its class and width in bits. */
export interface RegisterFacts {
  readonly unit: number;
  readonly kind: Operand['kind'];
  readonly bits: number;
  readonly high: boolean;
}
const registers = new Map<number, RegisterFacts | null>();
export function registerFacts(register: number): RegisterFacts | null {
  let facts = registers.get(register);
  if (facts === undefined) {
    facts = readRegister(register);
    registers.set(register, facts);
  }
  return facts;
}
function readRegister(register: number): RegisterFacts | null {
  if (register === Register.None || RegisterExt.isIP(register)) return null;
  const number = RegisterExt.number(register);
  const bits = RegisterExt.size(register) * 8;
  if (RegisterExt.isGPR(register)) {
    // 8-bit registers are numbered al cl dl bl, ah ch dh bh, spl bpl sil dil, r8b ...
    const high = bits === 8 && number >= 4 && number < 8;
    return { unit: UNIT.general + (bits === 8 && number >= 4 ? number - 4 : number), kind: 'r', bits, high };
  }
  if (RegisterExt.isVectorRegister(register))
    return { unit: UNIT.vector + number, kind: bits === 128 ? 'x' : bits === 256 ? 'y' : 'z', bits, high: false };
  if (RegisterExt.isK(register)) return { unit: UNIT.mask + number, kind: 'k', bits: 64, high: false };
  if (RegisterExt.isMM(register)) return { unit: UNIT.mmx + number, kind: 'mm', bits: 64, high: false };
  return null;
}
