import type { Action } from '../../events/events.ts';

/** What a multiply-accumulate of a precision (weights/activations) counts as. */
export const MAC_ACTIONS: Readonly<Record<string, Action>> = {
  int8: 'mac.int8',
  'int8/int16': 'mac.int8x16',
  'int16/int8': 'mac.int8x16',
  int16: 'mac.int16',
  bf16: 'mac.bf16',
  fp16: 'mac.fp16',
  fp32: 'mac.fp32',
};
