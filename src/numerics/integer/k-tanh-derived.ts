import { decode, encode } from '../formats/bits.ts';
import { FLOAT_FORMATS } from '../formats/float-format.ts';
import { NEAREST_EVEN } from '../formats/rounding.ts';
import { kTanh } from './k-tanh.ts';

/** K-TanH of any real number: rounded to bf16 on the way in. */
export function kTanhOf(value: number): number {
  return decode(kTanh(encode(value, FLOAT_FORMATS.bf16, NEAREST_EVEN)), FLOAT_FORMATS.bf16);
}

/** sigmoid(x) = (1 + tanh(x/2)) / 2. Largest error 0.0049. */
export function kSigmoid(value: number): number {
  return (1 + kTanhOf(value / 2)) / 2;
}

/** swish(x) = x sigmoid(x). Largest error 0.0105 where |x| <= 8. */
export function kSwish(value: number): number {
  return value * kSigmoid(value);
}

const GELU_FACTOR = Math.sqrt(2 / Math.PI);
const GELU_CUBE = 0.044715;

/** GELU(x) ~ x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) (Hendrycks 2016). Largest error 0.0058. */
export function kGelu(value: number): number {
  return (value / 2) * (1 + kTanhOf(GELU_FACTOR * (value + GELU_CUBE * value * value * value)));
}
