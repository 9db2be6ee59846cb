import type { Instruction } from './instruction.ts';

const ZERO: ReadonlySet<string> = new Set(
  (
    'xor sub pxor vpxor vpxord vpxorq xorps xorpd vxorps vxorpd psubb psubw psubd psubq vpsubb vpsubw vpsubd vpsubq ' +
    'pcmpgtb pcmpgtw pcmpgtd pcmpgtq vpcmpgtb vpcmpgtw vpcmpgtd vpcmpgtq'
  ).split(' '),
);
const ONES: ReadonlySet<string> = new Set(
  'pcmpeqb pcmpeqw pcmpeqd pcmpeqq vpcmpeqb vpcmpeqw vpcmpeqd vpcmpeqq'.split(' '),
);
const MOVES: ReadonlySet<string> = new Set(
  (
    'movaps movapd movups movupd movdqa movdqu vmovaps vmovapd vmovups vmovupd vmovdqa vmovdqu vmovdqa32 vmovdqa64 ' +
    'vmovdqu8 vmovdqu16 vmovdqu32 vmovdqu64'
  ).split(' '),
);

function sourcesEqual({ operands, mask }: Instruction): boolean {
  const sources = operands.length > 2 ? operands.slice(1, 3) : operands;
  return (
    mask === null &&
    sources.length === 2 &&
    sources[0]!.unit !== null &&
    sources[0]!.unit === sources[1]!.unit &&
    sources[0]!.bits === sources[1]!.bits &&
    sources[0]!.high === sources[1]!.high &&
    operands[0]!.kind !== 'k'
  );
}

/** Zero idioms: done by the renamer, no execution (Intel's optimisation manual, 3.5.1.7). */
export function isZeroIdiom(instruction: Instruction): boolean {
  return ZERO.has(instruction.mnemonic) && sourcesEqual(instruction) && instruction.widthBits >= 32;
}

/** Ones idioms: executed, but without waiting for their sources. */
export function breaksDependence(instruction: Instruction): boolean {
  return ONES.has(instruction.mnemonic) && sourcesEqual(instruction);
}

/** Register moves that the renamer may do without execution. */
export function isMoveEliminated({ mnemonic, operands, mask }: Instruction): boolean {
  const [to, from] = operands;
  if (to === undefined || from === undefined || operands.length !== 2 || mask !== null) return false;
  if (to.unit === null || from.unit === null || to.unit === from.unit) return false;
  if (MOVES.has(mnemonic)) return true;
  if (mnemonic === 'mov') return to.kind === 'r' && from.kind === 'r' && to.bits >= 32;
  return mnemonic === 'movzx' && to.bits >= 32 && from.bits === 8 && !from.high;
}
