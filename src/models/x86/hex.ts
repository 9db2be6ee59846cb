import { InputError } from '../../errors.ts';

/** Longest text read as one block: several times what the longest block needs, however it is written. */
const MAX_CHARACTERS = 65_536;

const PLAIN = /^(?:[0-9a-fA-F]{2})*$/;
/** What may stand between digits: white space, and the punctuation of lists in C and Python. */
const BETWEEN = /[\s,;:"'{}[\]]/;
const NOT_HEX = /[^0-9a-fA-F\s,;:"'{}[\]]/;
const PREFIX = /0x|\\x/gi;

/** A byte order mark, and the b of Python's bytes, say nothing about the code. */
const LEAD = /^\uFEFF?(?:b(?=["']))?/;

/**
 * Bytes of hex digits, two a byte, in any of the usual spellings: `4801c0`, `48 01 c0`, `0x48, 0x01, 0xc0`, `\x48\x01\xc0`.
 * Throws InputError with the place, counted from 1.
 */
export function bytesOfHex(hex: string): Uint8Array {
  if (hex.length > MAX_CHARACTERS)
    throw InputError.of('hex', `${hex.length} characters`, `a block may have at most ${MAX_CHARACTERS}`);
  if (PLAIN.test(hex)) return Uint8Array.from(Buffer.from(hex, 'hex'));
  const text = hex.replace(LEAD, (lead) => ' '.repeat(lead.length)).replaceAll(PREFIX, '  ');
  const wrong = text.search(NOT_HEX);
  if (wrong >= 0)
    throw InputError.of(`character ${wrong + 1}`, JSON.stringify(hex[wrong]), 'write hex digits 0-9 a-f, two a byte');
  const groups = hex.replace(LEAD, '').split(/(?=0x|\\x)/i);
  const bytes: number[] = [];
  for (const group of groups) {
    const isPrefixed = /^(?:0x|\\x)/i.test(group);
    const digits = [...(isPrefixed ? group.slice(2) : group)].filter((one) => !BETWEEN.test(one)).join('');
    const odd = digits.length % 2 === 1;
    // 0x5 is the byte 05.
    if (odd && !(isPrefixed && digits.length === 1))
      throw InputError.of(
        'hex',
        `${digits.length} digits${isPrefixed ? ` in ${group.trim()}` : ''}`,
        'write two digits a byte',
      );
    const whole = odd ? `0${digits}` : digits;
    for (let at = 0; at < whole.length; at += 2) bytes.push(Number.parseInt(whole.slice(at, at + 2), 16));
  }
  return Uint8Array.from(bytes);
}

/** Digits without spaces or prefixes. */
export function hexOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
