import type { Values } from '../../numerics/ops/values.ts';

/** The mean of what the ranks give, into the first one's array; the sum is taken rank by rank, in double precision. */
export function averageIntoFirst(ofRanks: readonly Values[]): void {
  const first = ofRanks[0]!;
  for (let index = 0; index < first.length; index++) {
    let sum = 0;
    for (const values of ofRanks) sum += values[index]!;
    first[index] = sum / ofRanks.length;
  }
}
