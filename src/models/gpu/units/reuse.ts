/** What of the operands stays in L2: closed expressions, since a cache of millions of lines is met by a few streams. */

/** Share of L2 that one operand may fill and still be kept while others pass through. */
const KEPT_SHARE = 0.8;

/**
 * Hit rate of data read over and over in the same order through a cache with random replacement. A line survives the misses m
 * between two of its uses with probability exp(-m / lines), which gives h = exp(-(1 - h) x footprint / capacity).
 */
export function cyclicHitRate(footprintBytes: number, capacityBytes: number): number {
  const ratio = footprintBytes / capacityBytes;
  if (ratio <= 1) return 1;
  let rate = 0;
  for (let round = 0; round < 200; round++) rate = Math.exp((rate - 1) * ratio);
  return rate;
}

/** The same with the share of L2 that data keeps while others pass through. */
export function keptRate(footprintBytes: number, capacityBytes: number): number {
  return cyclicHitRate(footprintBytes, KEPT_SHARE * capacityBytes);
}

/** Operands of a product as a grid of tiles reads them. */
export interface TiledOperands {
  /** Tiles of the result along rows and columns. */
  readonly tilesM: number;
  readonly tilesN: number;
  /** Bytes of one row of tiles of the left operand, and of one column of tiles of the right one. */
  readonly leftPanelBytes: number;
  readonly rightPanelBytes: number;
  readonly leftBytes: number;
  readonly rightBytes: number;
}

/**
 * Bytes of both operands that come from off the chip when `resident` tiles run at a time, in the order of tiles that needs fewest:
 * tiles that run together share panels, a panel stays for the next ones if what they read together fits in L2.
 */
export function offChipOperandBytes(operands: TiledOperands, resident: number, capacityBytes: number): number {
  const { tilesM, tilesN, leftBytes, rightBytes } = operands;
  const kept = KEPT_SHARE * capacityBytes;
  let fewest = Number.POSITIVE_INFINITY;
  for (let rows = 1; rows <= Math.min(tilesM, resident); rows++) {
    const columns = Math.min(tilesN, Math.ceil(resident / rows));
    const passesM = Math.ceil(tilesM / rows);
    const passesN = Math.ceil(tilesN / columns);
    const together = rows * operands.leftPanelBytes + columns * operands.rightPanelBytes <= capacityBytes;
    const alongN = leftBytes * (together ? 1 : passesN) + rightBytes * (rightBytes <= kept ? 1 : passesM);
    const alongM = rightBytes * (together ? 1 : passesM) + leftBytes * (leftBytes <= kept ? 1 : passesN);
    fewest = Math.min(fewest, alongN, alongM);
  }
  return fewest;
}
