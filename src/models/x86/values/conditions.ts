import type { Instruction } from '../instruction.ts';
import { set, type Effect } from './effect.ts';
import { type CoreState, readOperand, value, writeOperand } from './state.ts';

const a = value();

/** Whether a condition holds: null if that is not known. */
function condition({ zero, carry, sign, overflow }: CoreState['flags'], name: string): boolean | null {
  const not = (known: boolean | null): boolean | null => (known === null ? null : !known);
  const or = (x: boolean | null, y: boolean | null): boolean | null =>
    x === true || y === true ? true : x === null || y === null ? null : false;
  const less = sign === null || overflow === null ? null : sign !== overflow;
  switch (name) {
    case 'e':
      return zero;
    case 'ne':
      return not(zero);
    case 'b':
      return carry;
    case 'ae':
      return not(carry);
    case 's':
      return sign;
    case 'ns':
      return not(sign);
    case 'l':
      return less;
    case 'ge':
      return not(less);
    case 'le':
      return or(zero, less);
    case 'g':
      return not(or(zero, less));
    case 'be':
      return or(carry, zero);
    case 'a':
      return not(or(carry, zero));
    case 'o':
      return overflow;
    case 'no':
      return not(overflow);
    default:
      return null;
  }
}

function moveIf(on: CoreState, one: Instruction): void {
  const holds = condition(on.flags, one.mnemonic.slice(4));
  readOperand(on, one, holds === true ? 1 : 0, a);
  if (holds === null) set(a, 0, 0, false);
  writeOperand(on, one, 0, a);
}

function setIf(on: CoreState, one: Instruction): void {
  const holds = condition(on.flags, one.mnemonic.slice(3));
  set(a, holds === true ? 1 : 0, 0, holds !== null);
  writeOperand(on, one, 0, a);
}

const CONDITIONS = 'o no b ae e ne be a s ns p np l ge le g'.split(' ');

/** Moves and settings that depend on flags. */
export const CONDITIONAL: readonly (readonly [string, Effect])[] = CONDITIONS.flatMap((name): [string, Effect][] => [
  [`cmov${name}`, moveIf],
  [`set${name}`, setIf],
]);
