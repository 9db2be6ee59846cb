/** 64-bit arithmetic on halves of 32 bits; results in `out.low`, `out.high`. Faster than BigInt in a loop over iterations. */
export const out = { low: 0, high: 0 };

export function add64(al: number, ah: number, bl: number, bh: number): void {
  const low = (al >>> 0) + (bl >>> 0);
  out.low = low | 0;
  out.high = (ah + bh + (low > 0xffffffff ? 1 : 0)) | 0;
}

export function sub64(al: number, ah: number, bl: number, bh: number): void {
  out.low = (al - bl) | 0;
  out.high = (ah - bh - (al >>> 0 < bl >>> 0 ? 1 : 0)) | 0;
}

export function shl64(low: number, high: number, count: number): void {
  const by = count & 63;
  if (by === 0) {
    out.low = low;
    out.high = high;
  } else if (by < 32) {
    out.high = (high << by) | (low >>> (32 - by));
    out.low = low << by;
  } else {
    out.high = low << (by - 32);
    out.low = 0;
  }
}

export function shr64(low: number, high: number, count: number, isSigned: boolean): void {
  const by = count & 63;
  const fill = isSigned ? high >> 31 : 0;
  if (by === 0) {
    out.low = low;
    out.high = high;
  } else if (by < 32) {
    out.low = (low >>> by) | (high << (32 - by));
    out.high = isSigned ? high >> by : high >>> by;
  } else {
    out.low = by === 32 ? high : isSigned ? high >> (by - 32) : high >>> (by - 32);
    out.high = fill;
  }
}

export function mul64(al: number, ah: number, bl: number, bh: number): void {
  const a = BigInt.asUintN(64, (BigInt(ah) << 32n) | BigInt(al >>> 0));
  const b = BigInt.asUintN(64, (BigInt(bh) << 32n) | BigInt(bl >>> 0));
  const product = BigInt.asUintN(64, a * b);
  out.low = Number(product & 0xffffffffn) | 0;
  out.high = Number(product >> 32n) | 0;
}
