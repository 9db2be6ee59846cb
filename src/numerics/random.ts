/** State of a generator, four words of 32 bits; what a checkpoint keeps. */
export type RandomState = readonly [number, number, number, number];

/**
 * Seeded generator xoshiro128** (Blackman and Vigna 2018): period 2^128 - 1, the same numbers on every machine. One generator
 * serves one purpose: derive others by name with `named`, so that what one draws never shifts what another draws.
 */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  private constructor(state: RandomState) {
    this.state = state;
  }

  /** A generator for a whole number; its low 32 bits count. */
  static seeded(seed: number): Random {
    let mixed = seed | 0;
    // SplitMix32 fills the state, as the authors advise, so that near seeds give unrelated numbers.
    const word = (): number => {
      mixed = (mixed + 0x9e3779b9) | 0;
      let z = mixed ^ (mixed >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    return new Random([word(), word(), word(), word()]);
  }

  /** A generator for a seed and a name (FNV-1a of the name's UTF-16 units). */
  static named(seed: number, name: string): Random {
    let hash = 0x811c9dc5 ^ Math.imul(seed | 0, 0x9e3779b1);
    for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
    return Random.seeded(hash);
  }

  /** Goes on where another generator stood. */
  static restored(state: RandomState): Random {
    return new Random(state);
  }

  get state(): RandomState {
    return [this.a, this.b, this.c, this.d];
  }

  set state([a, b, c, d]: RandomState) {
    this.a = a >>> 0;
    this.b = b >>> 0;
    this.c = c >>> 0;
    this.d = d >>> 0;
    // All zeros would stay zeros for ever.
    if ((this.a | this.b | this.c | this.d) === 0) this.a = 1;
  }

  /** The next 32 bits, 0 to 2^32 - 1. */
  word(): number {
    const times5 = Math.imul(this.b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return (this.word() * 0x200000 + (this.word() >>> 11)) / 2 ** 53;
  }

  /** Whole number from 0 to `limit` - 1, `limit` up to 2^32; each with the same chance. */
  below(limit: number): number {
    const fair = 2 ** 32 - (2 ** 32 % limit);
    let word = this.word();
    while (word >= fair) word = this.word();
    return word % limit;
  }

  /** Normal with mean 0 and variance 1 (Box and Muller); the second number of a pair is let go, so that four words are all the state. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}
