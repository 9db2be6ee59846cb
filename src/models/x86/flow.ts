import { Code, Decoder, DecoderOptions, FlowControl, Instruction as Decoded, OpKind } from 'iced-x86';

/** A straight-line part of some code. */
export interface StraightPart {
  /** From the start of the code, in bytes. */
  readonly offset: number;
  /** Its instructions, without the jump or call that ends it. */
  readonly bytes: Uint8Array;
  /** It ends in a jump back to its own start: the jump, and a compare that fuses with it, are left out too. */
  readonly isLoop: boolean;
}

interface Step {
  readonly offset: number;
  readonly end: number;
  /** Goes elsewhere than to the next instruction, or may. */
  readonly leaves: boolean;
  readonly isConditional: boolean;
  /** Where to, if that is known; from the start of the code. */
  readonly target: number | null;
  /** A compare of registers or immediates, which the decoders fuse with a conditional jump after it. */
  readonly canFuse: boolean;
}

const COMPARES: ReadonlySet<number> = new Set([
  ...[Code.Cmp_rm8_r8, Code.Cmp_rm16_r16, Code.Cmp_rm32_r32, Code.Cmp_rm64_r64],
  ...[Code.Cmp_r8_rm8, Code.Cmp_r16_rm16, Code.Cmp_r32_rm32, Code.Cmp_r64_rm64],
  ...[Code.Cmp_rm8_imm8, Code.Cmp_rm16_imm8, Code.Cmp_rm32_imm8, Code.Cmp_rm64_imm8],
  ...[Code.Cmp_AL_imm8, Code.Cmp_EAX_imm32, Code.Cmp_RAX_imm32, Code.Cmp_rm32_imm32, Code.Cmp_rm64_imm32],
  ...[Code.Test_rm8_r8, Code.Test_rm16_r16, Code.Test_rm32_r32, Code.Test_rm64_r64],
  ...[Code.Test_rm8_imm8, Code.Test_AL_imm8, Code.Test_EAX_imm32, Code.Test_RAX_imm32, Code.Test_rm32_imm32],
]);

/** Longest instruction in bytes: so much of what is no instruction is kept, to be refused where it lies. */
const LONGEST_BYTES = 15;

/** Instructions of code up to bytes that are none, which are the last step. */
function stepsOf(code: Uint8Array): Step[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const decoded = new Decoded();
  const steps: Step[] = [];
  while (decoder.canDecode) {
    const offset = decoder.position;
    decoder.decodeOut(decoded);
    const isInvalid = decoded.code === Code.INVALID;
    const flow = isInvalid ? FlowControl.Next : decoded.flowControl;
    const isDirect = flow !== FlowControl.Next && decoded.op0Kind === OpKind.NearBranch64;
    steps.push({
      offset,
      end: isInvalid ? Math.min(code.length, offset + LONGEST_BYTES) : decoder.position,
      leaves: flow !== FlowControl.Next,
      isConditional: flow === FlowControl.ConditionalBranch,
      target: isDirect ? Number(BigInt.asIntN(64, decoded.nearBranchTarget)) : null,
      canFuse: COMPARES.has(decoded.code) && decoded.op0Kind !== OpKind.Memory && decoded.op1Kind !== OpKind.Memory,
    });
    if (isInvalid) break;
  }
  decoded.free();
  decoder.free();
  return steps;
}

/**
 * Code parted at its jumps and calls and at what they jump to; parts without instructions are left out. `lead`: so many bytes
 * before the code belong to its start, as a marker at the head of a loop does.
 */
export function straightParts(code: Uint8Array, lead: number): StraightPart[] {
  const steps = stepsOf(code);
  const startOf = (target: number): number => (target < 0 && target >= -lead ? 0 : target);
  const heads = new Set(steps.flatMap(({ leaves, target }) => (leaves && target !== null ? [startOf(target)] : [])));
  const parts: StraightPart[] = [];
  let first = 0;
  steps.forEach((step, index) => {
    const isLast = index === steps.length - 1 || heads.has(step.end);
    if (!step.leaves && !isLast) return;
    const offset = steps[first]!.offset;
    const isLoop = step.isConditional && step.target !== null && startOf(step.target) === offset;
    const before = steps[index - 1];
    const body = step.leaves ? step.offset : step.end;
    const end = isLoop && before !== undefined && index > first && before.canFuse ? before.offset : body;
    if (end > offset) parts.push({ offset, bytes: code.subarray(offset, end), isLoop });
    first = index + 1;
  });
  return parts;
}
