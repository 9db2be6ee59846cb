const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** 12345678 -> `12.3 M`: three significant digits and an SI prefix. */
export function si(value: number, unit = ''): string {
  if (value === 0) return unit === '' ? '0' : `0 ${unit}`;
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const step = Math.min(PREFIXES.length - 1, Math.max(0, Math.floor(Math.log10(size) / 3 + 1e-12)));
  const scaled = size / 10 ** (3 * step);
  const digits = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  const suffix = `${PREFIXES[step]}${unit}`;
  const number = step === 0 && Number.isInteger(size) ? String(size) : scaled.toFixed(digits);
  return `${sign}${number}${suffix === '' ? '' : ` ${suffix}`}`;
}

/** Bytes with binary prefixes: `24.0 MiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let step = 0;
  let scaled = value;
  while (scaled >= 1024 && step < units.length - 1) {
    scaled /= 1024;
    step++;
  }
  return `${Number.isInteger(scaled) && step === 0 ? scaled : scaled.toFixed(scaled >= 99.95 ? 0 : 1)} ${units[step]}`;
}

/** Seconds with a unit that leaves one to three digits before the point. */
export function seconds(value: number): string {
  if (value >= 1 || value === 0) return `${value.toPrecision(3)} s`;
  if (value >= 1e-3) return `${(value * 1e3).toPrecision(3)} ms`;
  if (value >= 1e-6) return `${(value * 1e6).toPrecision(3)} us`;
  return `${(value * 1e9).toPrecision(3)} ns`;
}

/** Energy given in pJ. */
export function joules(pj: number): string {
  const value = pj / 1e12;
  if (value >= 1) return si(value, 'J');
  if (value >= 1e-3) return `${(value * 1e3).toPrecision(3)} mJ`;
  if (value >= 1e-6) return `${(value * 1e6).toPrecision(3)} uJ`;
  return `${(value * 1e9).toPrecision(3)} nJ`;
}

/** A share 0..1 as percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
