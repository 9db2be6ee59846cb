import { isZeroIdiom } from './idioms.ts';
import { type Instruction, UNIT } from './instruction.ts';
import { add64, mul64, out, shl64, shr64, sub64 } from './values.ts';

/** What every register and word of memory holds at the start (the protocol of the measurements). */
const START = 0x12345600;
const PAGE_MASK = 4095;
const REGISTERS = 64;

/** One access of an iteration. */
export interface Access {
  readonly instruction: number;
  readonly isStore: boolean;
  readonly sizeBytes: number;
}

/** Follows addresses through a block's integer arithmetic, iteration by iteration. */
export interface Evaluator {
  readonly accesses: readonly Access[];
  /** Runs one iteration; afterwards `low`/`high` hold the address of every access, `known` whether it is known. */
  readonly step: () => void;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly known: Uint8Array;
}

interface Value {
  low: number;
  high: number;
  known: boolean;
}

/**
 * Values of general registers, the low 64 bits of vector registers (moves and logic only) and of memory, where every page
 * touched is the same physical page. What is not followed becomes unknown.
 */
export function evaluator(instructions: readonly Instruction[]): Evaluator {
  const low = new Int32Array(REGISTERS);
  const high = new Int32Array(REGISTERS);
  const known = new Uint8Array(REGISTERS).fill(1);
  low.fill(START, 0, 16);
  for (let unit = UNIT.vector; unit < UNIT.vector + 32; unit += 1) {
    low[unit] = 0x3f800000;
    high[unit] = 0x3f800000;
  }
  low.fill(-1, UNIT.mask, UNIT.mask + 8);
  high.fill(-1, UNIT.mask, UNIT.mask + 8);
  const page = new Uint8Array(4096);
  const pageKnown = new Uint8Array(4096).fill(1);
  const words = new DataView(page.buffer);
  for (let at = 0; at < 4096; at += 8) words.setUint32(at, START, true);
  let zf: boolean | null = true;
  let cf: boolean | null = false;
  let sf: boolean | null = false;
  let of: boolean | null = false;

  const accesses: Access[] = [];
  instructions.forEach((one, index) => {
    if (one.mnemonic === 'lea' || one.mnemonic === 'nop') return;
    const sizeBytes = one.sizeBytes;
    if (one.memory?.reads === true || one.mnemonic === 'pop' || one.mnemonic === 'leave')
      accesses.push({
        instruction: index,
        isStore: false,
        sizeBytes: one.isStack && one.memory === null ? 8 : sizeBytes,
      });
    if (one.memory?.writes === true || one.mnemonic === 'push')
      accesses.push({ instruction: index, isStore: true, sizeBytes: one.isStack ? 8 : sizeBytes });
  });
  const addresses = {
    low: new Int32Array(accesses.length),
    high: new Int32Array(accesses.length),
    known: new Uint8Array(accesses.length),
  };

  const a: Value = { low: 0, high: 0, known: true };
  const b: Value = { low: 0, high: 0, known: true };
  const address: Value = { low: 0, high: 0, known: true };

  function readUnit(unit: number, into: Value): void {
    into.low = low[unit]!;
    into.high = high[unit]!;
    into.known = known[unit] === 1;
  }
  function effective(one: Instruction): void {
    const m = one.memory!;
    address.low = m.low;
    address.high = m.high;
    address.known = true;
    if (m.base !== null) {
      add64(address.low, address.high, low[m.base]!, high[m.base]!);
      address.low = out.low;
      address.high = out.high;
      if (known[m.base] === 0) address.known = false;
    }
    if (m.index !== null) {
      shl64(low[m.index]!, high[m.index]!, Math.log2(m.scale));
      add64(address.low, address.high, out.low, out.high);
      address.low = out.low;
      address.high = out.high;
      if (known[m.index] === 0) address.known = false;
    }
    if (m.addressBits === 32) address.high = 0;
  }
  function readMemory(from: Value, bytes: number, into: Value): void {
    into.low = 0;
    into.high = 0;
    into.known = from.known;
    if (!from.known) return;
    for (let i = Math.min(bytes, 8) - 1; i >= 0; i -= 1) {
      const at = (from.low + i) & PAGE_MASK;
      if (pageKnown[at] === 0) into.known = false;
      if (i >= 4) into.high |= page[at]! << (8 * (i - 4));
      else into.low |= page[at]! << (8 * i);
    }
  }
  function writeMemory(to: Value, bytes: number, value: Value): void {
    if (!to.known) return;
    for (let i = 0; i < bytes; i += 1) {
      const at = (to.low + i) & PAGE_MASK;
      page[at] = i >= 8 ? 0 : i >= 4 ? value.high >> (8 * (i - 4)) : value.low >> (8 * i);
      pageKnown[at] = value.known && i < 8 ? 1 : 0;
    }
  }
  /** Value of an operand, sign bits as they are; truncated to `bits`. */
  function readOperand(one: Instruction, index: number, into: Value): void {
    const operand = one.operands[index]!;
    if (operand.kind === 'i') {
      into.low = one.immediate | 0;
      into.high = Math.floor(one.immediate / 2 ** 32) | 0;
      into.known = true;
    } else if (operand.kind === 'm') readMemory(address, one.sizeBytes, into);
    else if (operand.unit !== null) {
      readUnit(operand.unit, into);
      if (operand.high) {
        into.low = (into.low >>> 8) & 0xff;
        into.high = 0;
      }
    } else into.known = false;
  }
  function truncate(value: Value, bits: number): void {
    if (bits >= 64) return;
    value.high = 0;
    if (bits === 16) value.low &= 0xffff;
    else if (bits === 8) value.low &= 0xff;
  }
  function signExtend(value: Value, bits: number): void {
    if (bits === 8) value.low = (value.low << 24) >> 24;
    else if (bits === 16) value.low = (value.low << 16) >> 16;
    if (bits < 64) value.high = value.low >> 31;
  }
  function writeOperand(one: Instruction, index: number, value: Value): void {
    const operand = one.operands[index]!;
    if (operand.kind === 'm') return writeMemory(address, one.sizeBytes, value);
    const { unit } = operand;
    if (unit === null) return;
    if (operand.kind !== 'r' || operand.bits >= 32) {
      low[unit] = value.low;
      high[unit] = operand.bits === 32 ? 0 : value.high;
      known[unit] = value.known ? 1 : 0;
      return;
    }
    const shift = operand.high ? 8 : 0;
    const mask = (operand.bits === 16 ? 0xffff : 0xff) << shift;
    low[unit] = (low[unit]! & ~mask) | ((value.low << shift) & mask);
    if (!value.known) known[unit] = 0;
  }
  function forget(one: Instruction): void {
    for (const unit of one.writes) if (unit < REGISTERS && unit !== 56 && unit !== 57) known[unit] = 0;
    if (one.memory?.writes === true) {
      a.low = 0;
      a.high = 0;
      a.known = false;
      writeMemory(address, one.sizeBytes, a);
    }
    zf = cf = sf = of = null;
  }
  function setFlags(value: Value, bits: number): void {
    if (!value.known) {
      zf = sf = null;
      return;
    }
    truncate(value, bits);
    zf = value.low === 0 && value.high === 0;
    sf = bits === 64 ? value.high < 0 : ((value.low >>> (bits - 1)) & 1) === 1;
  }
  const unsignedLess = (): boolean => a.high >>> 0 < b.high >>> 0 || (a.high === b.high && a.low >>> 0 < b.low >>> 0);
  function signOf(value: Value, bits: number): boolean {
    return bits === 64 ? value.high < 0 : ((value.low >>> (bits - 1)) & 1) === 1;
  }
  /** Whether a condition holds: null if not known. */
  function condition(name: string): boolean | null {
    const not = (value: boolean | null): boolean | null => (value === null ? null : !value);
    const or = (x: boolean | null, y: boolean | null): boolean | null =>
      x === true || y === true ? true : x === null || y === null ? null : false;
    const less = sf === null || of === null ? null : sf !== of;
    switch (name) {
      case 'e':
        return zf;
      case 'ne':
        return not(zf);
      case 'b':
        return cf;
      case 'ae':
        return not(cf);
      case 's':
        return sf;
      case 'ns':
        return not(sf);
      case 'l':
        return less;
      case 'ge':
        return not(less);
      case 'le':
        return or(zf, less);
      case 'g':
        return not(or(zf, less));
      case 'be':
        return or(cf, zf);
      case 'a':
        return not(or(cf, zf));
      case 'o':
        return of;
      case 'no':
        return not(of);
      default:
        return null;
    }
  }
  function arithmetic(one: Instruction, isStored: boolean): void {
    const { mnemonic } = one;
    const bits = one.operands[0]!.kind === 'm' ? one.sizeBytes * 8 : one.operands[0]!.bits;
    readOperand(one, 0, a);
    if (one.operands.length > 1) readOperand(one, 1, b);
    else {
      b.low = 1;
      b.high = 0;
      b.known = true;
    }
    truncate(a, bits);
    truncate(b, bits);
    const wasKnown = a.known && b.known;
    const carry = mnemonic === 'adc' || mnemonic === 'sbb' ? cf : false;
    const isKnown = wasKnown && carry !== null;
    const signA = signOf(a, bits);
    const signB = signOf(b, bits);
    const isSum = mnemonic === 'add' || mnemonic === 'adc' || mnemonic === 'inc';
    const keepsCarry = mnemonic === 'inc' || mnemonic === 'dec';
    if (mnemonic === 'neg') {
      sub64(0, 0, a.low, a.high);
      cf = isKnown ? a.low !== 0 || a.high !== 0 : null;
    } else if (isSum) {
      const [al, ah] = [a.low, a.high];
      add64(al, ah, b.low, b.high);
      if (carry === true) add64(out.low, out.high, 1, 0);
      if (!keepsCarry) {
        if (!isKnown) cf = null;
        else if (bits < 32) cf = (al >>> 0) + (b.low >>> 0) + (carry === true ? 1 : 0) >= 2 ** bits;
        else if (bits === 32) cf = (al >>> 0) + (b.low >>> 0) + (carry === true ? 1 : 0) > 0xffffffff;
        else cf = out.high >>> 0 < ah >>> 0 || (out.high === ah && out.low >>> 0 < al >>> 0);
      }
    } else {
      if (!keepsCarry) {
        const isLess = unsignedLess();
        const isEqual = a.low === b.low && a.high === b.high;
        cf = isKnown ? isLess || (carry === true && isEqual) : null;
      }
      sub64(a.low, a.high, b.low, b.high);
      if (carry === true) sub64(out.low, out.high, 1, 0);
    }
    a.low = out.low;
    a.high = out.high;
    a.known = isKnown;
    truncate(a, bits);
    const sign = signOf(a, bits);
    of = isKnown ? (isSum ? signA === signB && sign !== signA : signA !== signB && sign !== signA) : null;
    if (isStored) writeOperand(one, 0, a);
    setFlags(a, bits);
  }
  function logic(one: Instruction, isStored: boolean): void {
    const { mnemonic } = one;
    const three = one.operands.length === 3;
    const bits = one.operands[0]!.kind === 'm' ? one.sizeBytes * 8 : one.operands[0]!.bits;
    readOperand(one, three ? 1 : 0, a);
    readOperand(one, three ? 2 : 1, b);
    const isKnown = a.known && b.known;
    if (mnemonic === 'and' || mnemonic === 'test') {
      a.low &= b.low;
      a.high &= b.high;
    } else if (mnemonic === 'or') {
      a.low |= b.low;
      a.high |= b.high;
    } else if (mnemonic === 'andn') {
      a.low = ~a.low & b.low;
      a.high = ~a.high & b.high;
    } else {
      a.low ^= b.low;
      a.high ^= b.high;
    }
    a.known = isKnown;
    truncate(a, bits);
    if (isStored) writeOperand(one, 0, a);
    setFlags(a, bits);
    cf = false;
    of = false;
  }
  function shift(one: Instruction): void {
    const three = one.operands.length === 3 || /x$/.test(one.mnemonic);
    const bits = one.operands[0]!.kind === 'm' ? one.sizeBytes * 8 : one.operands[0]!.bits;
    readOperand(one, three ? 1 : 0, a);
    if (one.operands.length > 1) readOperand(one, three ? 2 : 1, b);
    else {
      b.low = 1;
      b.known = true;
    }
    const count = b.low & (bits === 64 ? 63 : 31);
    const isKnown = a.known && b.known;
    truncate(a, bits);
    if (one.mnemonic.startsWith('shl')) shl64(a.low, a.high, count);
    else if (one.mnemonic.startsWith('shr')) shr64(a.low, a.high, count, false);
    else if (one.mnemonic.startsWith('sar')) {
      signExtend(a, bits);
      shr64(a.low, a.high, count, true);
    } else {
      const by = one.mnemonic.startsWith('rol') ? count % bits : (bits - (count % bits)) % bits;
      const [al, ah] = [a.low, a.high];
      shl64(al, ah, by);
      const [sl, sh] = [out.low, out.high];
      if (by > 0) shr64(al, ah, bits - by, false);
      else out.low = out.high = 0;
      out.low |= sl;
      out.high |= sh;
    }
    a.low = out.low;
    a.high = out.high;
    a.known = isKnown;
    truncate(a, bits);
    writeOperand(one, 0, a);
    if (!/x$/.test(one.mnemonic)) {
      setFlags(a, bits);
      cf = of = null;
    }
  }
  function moveTo(one: Instruction, from: number): void {
    readOperand(one, from, a);
    const source = one.operands[from]!;
    const target = one.operands[0]!;
    if (source.kind === 'm' || target.kind === 'm') truncate(a, Math.min(64, one.sizeBytes * 8));
    if (target.kind !== 'm' && target.kind !== 'r' && source.kind === 'r') truncate(a, source.bits);
    writeOperand(one, 0, a);
  }

  function execute(one: Instruction): void {
    const { mnemonic } = one;
    if (isZeroIdiom(one)) {
      a.low = 0;
      a.high = 0;
      a.known = true;
      writeOperand(one, 0, a);
      if (one.operands[0]!.kind === 'r') {
        zf = true;
        cf = sf = of = false;
      }
      return;
    }
    if (mnemonic.startsWith('cmov')) {
      const holds = condition(mnemonic.slice(4));
      readOperand(one, 1, a);
      readOperand(one, 0, b);
      const from = holds === true ? a : b;
      from.known = from.known && holds !== null;
      writeOperand(one, 0, from);
      return;
    }
    if (mnemonic.startsWith('set')) {
      const holds = condition(mnemonic.slice(3));
      a.low = holds === true ? 1 : 0;
      a.high = 0;
      a.known = holds !== null;
      writeOperand(one, 0, a);
      return;
    }
    const handler = HANDLERS[mnemonic];
    if (handler === undefined || one.mask !== null)
      return one.writes.length === 0 && one.memory?.writes !== true ? undefined : forget(one);
    handler(one);
  }
  const HANDLERS: Readonly<Record<string, (one: Instruction) => void>> = handlers();
  function handlers(): Record<string, (one: Instruction) => void> {
    const table: Record<string, (one: Instruction) => void> = {};
    const put = (names: string, handler: (one: Instruction) => void): void => {
      for (const name of names.split(' ')) table[name] = handler;
    };
    put('add sub inc dec neg adc sbb', (one) => arithmetic(one, true));
    put('cmp', (one) => arithmetic(one, false));
    put('and or xor andn', (one) => logic(one, true));
    put('test', (one) => logic(one, false));
    put('shl shr sar rol ror shlx shrx sarx', shift);
    put('rorx', shift);
    put('not', (one) => {
      readOperand(one, 0, a);
      a.low = ~a.low;
      a.high = ~a.high;
      writeOperand(one, 0, a);
    });
    put(
      'mov movzx movss movsd movd movq vmovd vmovq movaps movapd movups movupd movdqa movdqu lddqu vmovaps vmovapd vmovups vmovupd vmovdqa vmovdqu vmovdqa32 vmovdqa64 vmovdqu8 vmovdqu16 vmovdqu32 vmovdqu64 vlddqu kmovb kmovw kmovd kmovq movlps movlpd vmovlps vmovlpd',
      (one) => {
        if (one.operands.length === 2) {
          if (mnemonicZeroExtends(one)) {
            readOperand(one, 1, a);
            truncate(a, one.operands[1]!.kind === 'm' ? one.sizeBytes * 8 : one.operands[1]!.bits);
            writeOperand(one, 0, a);
          } else moveTo(one, 1);
        } else forget(one);
      },
    );
    put('vmovss vmovsd', (one) => moveTo(one, one.operands.length - 1));
    put('movsx movsxd', (one) => {
      const source = one.operands[1]!;
      readOperand(one, 1, a);
      signExtend(a, source.kind === 'm' ? one.sizeBytes * 8 : source.bits);
      writeOperand(one, 0, a);
    });
    put('cdqe', () => {
      high[0] = low[0]! >> 31;
    });
    put('cwde', () => {
      low[0] = (low[0]! << 16) >> 16;
      high[0] = 0;
    });
    put('cdq', () => {
      low[2] = low[0]! >> 31;
      high[2] = 0;
      known[2] = known[0]!;
    });
    put('cqo', () => {
      low[2] = high[0]! >> 31;
      high[2] = low[2]!;
      known[2] = known[0]!;
    });
    put('lea', (one) => {
      a.low = address.low;
      a.high = address.high;
      a.known = address.known;
      writeOperand(one, 0, a);
    });
    put('imul', (one) => {
      if (one.operands.length === 1) return forget(one);
      const three = one.operands.length === 3;
      const bits = one.operands[0]!.bits;
      readOperand(one, three ? 1 : 0, a);
      readOperand(one, three ? 2 : 1, b);
      signExtend(a, bits);
      signExtend(b, bits);
      mul64(a.low, a.high, b.low, b.high);
      a.low = out.low;
      a.high = out.high;
      a.known = a.known && b.known;
      writeOperand(one, 0, a);
      cf = of = zf = sf = null;
    });
    put('bswap', (one) => {
      readOperand(one, 0, a);
      const swap = (x: number): number => ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
      const [l, h] = [swap(a.low), swap(a.high)];
      a.low = one.operands[0]!.bits === 64 ? h : l;
      a.high = l;
      writeOperand(one, 0, a);
    });
    put('tzcnt bsf lzcnt bsr popcnt', (one) => {
      readOperand(one, 1, a);
      const bits = one.operands[0]!.bits;
      truncate(a, bits);
      const text = BigInt.asUintN(64, (BigInt(a.high) << 32n) | BigInt(a.low >>> 0)).toString(2);
      const isZero = text === '0';
      const ones = text.replaceAll('0', '').length;
      const trailing = isZero ? bits : text.length - 1 - text.lastIndexOf('1');
      const leading = isZero ? bits : bits - text.length;
      a.low =
        one.mnemonic === 'popcnt'
          ? ones
          : one.mnemonic === 'lzcnt'
            ? leading
            : one.mnemonic === 'bsr'
              ? bits - 1 - leading
              : trailing;
      a.high = 0;
      if (isZero && one.mnemonic.startsWith('bs')) return;
      writeOperand(one, 0, a);
      zf = cf = sf = of = null;
    });
    put('div', (one) => {
      readOperand(one, 0, a);
      const bits = one.operands[0]!.kind === 'm' ? one.sizeBytes * 8 : one.operands[0]!.bits;
      if (bits < 32 || !a.known || known[0] === 0 || known[2] === 0) return forget(one);
      truncate(a, bits);
      const divisor = BigInt.asUintN(64, (BigInt(a.high) << 32n) | BigInt(a.low >>> 0));
      const word = (unit: number): bigint =>
        BigInt.asUintN(bits, (BigInt(high[unit]!) << 32n) | BigInt(low[unit]! >>> 0));
      if (divisor === 0n) return forget(one);
      const dividend = (word(2) << BigInt(bits)) | word(0);
      const set = (unit: number, value: bigint): void => {
        low[unit] = Number(value & 0xffffffffn) | 0;
        high[unit] = bits === 64 ? Number((value >> 32n) & 0xffffffffn) | 0 : 0;
      };
      set(0, dividend / divisor);
      set(2, dividend % divisor);
      zf = cf = sf = of = null;
    });
    put('nop endbr64 vzeroupper', () => undefined);
    return table;
  }
  function mnemonicZeroExtends(one: Instruction): boolean {
    return one.mnemonic === 'movzx' || one.mnemonic.startsWith('kmov');
  }
  function moveStack(step: number): void {
    add64(low[UNIT.stackPointer]!, high[UNIT.stackPointer]!, step, step >> 31);
    low[UNIT.stackPointer] = out.low;
    high[UNIT.stackPointer] = out.high;
  }

  return {
    accesses,
    ...addresses,
    step(): void {
      let access = 0;
      const note = (): void => {
        addresses.low[access] = address.low;
        addresses.high[access] = address.high;
        addresses.known[access] = address.known ? 1 : 0;
        access += 1;
      };
      for (const one of instructions) {
        const { mnemonic, memory } = one;
        if (memory !== null) effective(one);
        if (mnemonic === 'nop') continue;
        if (mnemonic === 'push') {
          if (memory !== null) {
            note();
            readMemory(address, 8, b);
          } else readOperand(one, 0, b);
          moveStack(-8);
          readUnit(UNIT.stackPointer, address);
          note();
          writeMemory(address, 8, b);
        } else if (mnemonic === 'pop') {
          readUnit(UNIT.stackPointer, address);
          note();
          readMemory(address, 8, b);
          moveStack(8);
          if (memory === null) writeOperand(one, 0, b);
        } else if (mnemonic === 'leave') {
          readUnit(UNIT.framePointer, address);
          note();
          readMemory(address, 8, b);
          readUnit(UNIT.framePointer, a);
          low[UNIT.stackPointer] = a.low;
          high[UNIT.stackPointer] = a.high;
          known[UNIT.stackPointer] = a.known ? 1 : 0;
          moveStack(8);
          low[UNIT.framePointer] = b.low;
          high[UNIT.framePointer] = b.high;
          known[UNIT.framePointer] = b.known ? 1 : 0;
        } else {
          if (memory !== null && mnemonic !== 'lea') {
            if (memory.reads) note();
            if (memory.writes) note();
          }
          execute(one);
        }
      }
    },
  };
}
