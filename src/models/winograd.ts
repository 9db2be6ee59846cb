/**
 * Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): a tile of m x m results of an
 * r x r filter takes (m + r - 1)^2 products instead of m^2 r^2, between transformed tiles. Returns the side of a transformed tile.
 */
export function transformedSide(results: number, filter: number): number {
  return results + filter - 1;
}

/** Tiles that cover the results of some images; the last of a row or column may reach beyond them. */
export function tilesOf(
  images: number,
  [height, width]: readonly [number, number],
  [rows, columns]: readonly [number, number],
): number {
  return images * Math.ceil(height / rows) * Math.ceil(width / columns);
}
