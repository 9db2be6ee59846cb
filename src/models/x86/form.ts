import type { Instruction } from './instruction.ts';

/** Name of an instruction's form: mnemonic and kinds of operands, as in tables of measurements. */
export function formOf(instruction: Omit<Instruction, 'form'>): string {
  const { mnemonic, operands, encoding, mask, isZeroing } = instruction;
  const kinds = operands.map((operand) => {
    switch (operand.kind) {
      case 'm':
        return mnemonic === 'lea' ? `agen ${addressParts(instruction)}` : memoryKind(instruction);
      case 'r':
        return operand.unit === 1 && operand.bits === 8 && isCount(instruction) ? 'cl' : `r${operand.bits}`;
      case 'i':
        return 'imm';
      case 'x':
      case 'y':
      case 'z':
        return `${operand.kind}mm`;
      default:
        return operand.kind;
    }
  });
  const masks = mask === null ? '' : isZeroing ? ' {k}{z}' : ' {k}';
  const name = kinds.length === 0 ? mnemonic : `${mnemonic} ${kinds.join(',')}`;
  return `${name}${masks}${encoding === 'evex' ? ' [evex]' : ''}`;
}

function isCount({ mnemonic }: { mnemonic: string }): boolean {
  return /^(sh[lr]d?|sar|ro[lr]|rc[lr])$/.test(mnemonic);
}

function memoryKind({ memory, sizeBytes }: Omit<Instruction, 'form'>): string {
  return `m${sizeBytes * 8}${memory?.isBroadcast === true ? 'bcst' : ''}`;
}

/** Parts of a lea's address: base, index, scaled index, displacement, or rip. */
function addressParts({ memory }: Omit<Instruction, 'form'>): string {
  if (memory === null) return '';
  if (memory.isRip) return 'rip';
  const parts: string[] = [];
  if (memory.base !== null) parts.push('b');
  if (memory.index !== null) parts.push(memory.scale > 1 ? 'is' : 'i');
  if (memory.hasDisplacement) parts.push('d');
  return parts.join('+');
}
