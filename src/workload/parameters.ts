import type { Data } from '../data.ts';
import { InputError, type Problem } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import type { Layer } from './layer.ts';
import { MAX_LENGTH } from './network.ts';

/** Reads a layer's parameters one by one and remembers which were asked for. */
export class Parameters {
  private readonly asked = new Set<string>(['precision', 'act', 'norm']);

  constructor(readonly layer: Layer) {}

  private fail(key: string, value: Data | undefined, remedy: string): InputError {
    const where = `${this.layer.where}.${this.layer.type}.${key}`;
    return InputError.of(where, value === undefined ? 'missing' : JSON.stringify(value), remedy);
  }

  private value(key: string): Data | undefined {
    this.asked.add(key);
    return this.layer.parameters[key];
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  /** A whole number of at least `least`. */
  integer(key: string, fallback?: number, least = 1): number {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > MAX_LENGTH)
      throw this.fail(key, value, `write a whole number from ${least} to ${MAX_LENGTH}`);
    return value;
  }

  /** A number of at least 0 and less than 1. */
  share(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'number' || !(value >= 0 && value < 1))
      throw this.fail(key, value, 'write a number from 0, less than 1');
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.value(key) ?? fallback;
    if (typeof value !== 'boolean' && value !== 0 && value !== 1) throw this.fail(key, value, 'write true or false');
    return Boolean(value);
  }

  choice<const Name extends string>(key: string, names: readonly Name[], fallback?: Name): Name {
    const value = this.value(key) ?? fallback;
    const name = names.find((one) => one === value);
    if (name === undefined) throw this.fail(key, value, didYouMean(String(value ?? ''), names));
    return name;
  }

  text(key: string): string | null {
    const value = this.value(key);
    if (value === undefined) return null;
    if (typeof value !== 'string') throw this.fail(key, value, 'write a name');
    return value;
  }

  /** Name of the layer's weights: its own, or that of the layer in the same block whose weights it shares. */
  weightName(): string {
    const shared = this.text('share');
    return shared === null ? this.layer.name : `${this.layer.scope}${shared}`;
  }

  integers(key: string): number[] {
    const value = this.value(key);
    if (!Array.isArray(value) || !value.every((one) => Number.isInteger(one) && (one as number) > 0))
      throw this.fail(key, value, 'write a list of positive whole numbers');
    return value as number[];
  }

  /** One number for both axes, or [vertical, horizontal]. */
  pair(key: string, fallback?: number): readonly [number, number] {
    const value = this.value(key) ?? fallback;
    const list = Array.isArray(value) ? (value as Data[]) : [value, value];
    if (
      list.length !== 2 ||
      !list.every((one) => typeof one === 'number' && Number.isInteger(one) && one >= 1 && one <= MAX_LENGTH)
    )
      throw this.fail(key, value, 'write one positive whole number or two');
    return [list[0] as number, list[1] as number];
  }

  /** Padding as top, left, bottom, right: a number, [vertical, horizontal], four numbers, or `same`. */
  padding(
    kernel: readonly [number, number],
    stride: readonly [number, number],
    dilation: readonly [number, number],
    size: readonly [number, number],
  ): readonly [number, number, number, number] {
    const value = this.value('padding') ?? 0;
    if (value === 'same') {
      const axis = (index: 0 | 1): [number, number] => {
        const out = Math.ceil(size[index] / stride[index]);
        const total = Math.max(0, (out - 1) * stride[index] + (kernel[index] - 1) * dilation[index] + 1 - size[index]);
        return [Math.floor(total / 2), Math.ceil(total / 2)];
      };
      const [vertical, horizontal] = [axis(0), axis(1)];
      return [vertical[0], horizontal[0], vertical[1], horizontal[1]];
    }
    const list = Array.isArray(value) ? (value as Data[]) : [value, value];
    if (
      ![2, 4].includes(list.length) ||
      !list.every((one) => typeof one === 'number' && Number.isInteger(one) && one >= 0 && one <= 4096)
    )
      throw this.fail('padding', value, 'write `same`, a whole number, two or four');
    const [top, left, bottom = top, right = left] = list as number[];
    return [top!, left!, bottom!, right!];
  }

  /** Parameters that nothing asked for, because the layer type does not have them. */
  unknown(): Problem[] {
    const keys = Object.keys(this.layer.parameters).filter((key) => !this.asked.has(key));
    return keys.map((key) => ({
      where: `${this.layer.where}.${this.layer.type}.${key}`,
      found: 'the layer has no such parameter',
      remedy: didYouMean(key, [...this.asked]),
    }));
  }
}
