import { Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction as Decoded } from 'iced-x86';

/** Text of every instruction of a block, in Intel's syntax. */
export function formatInstructions(bytes: Uint8Array): string[] {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Intel);
  const decoded = new Decoded();
  const texts: string[] = [];
  while (decoder.canDecode) {
    decoder.decodeOut(decoded);
    texts.push(formatter.format(decoded));
  }
  decoded.free();
  formatter.free();
  decoder.free();
  return texts;
}
