import { InputError } from '../../errors.ts';

/** Bytes of hex digits; spaces are allowed between them. Throws InputError. */
export function bytesOfHex(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s/g, '');
  const wrong = digits.search(/[^0-9a-fA-F]/);
  if (wrong >= 0) throw InputError.of(`digit ${wrong + 1}`, JSON.stringify(digits[wrong]), 'write hex digits 0-9 a-f');
  if (digits.length % 2 === 1) throw InputError.of('hex', `${digits.length} digits`, 'write two digits a byte');
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}
