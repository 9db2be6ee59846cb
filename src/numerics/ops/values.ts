/** Elements of a tensor, row by row, the last axis fastest. Float64 serves gradient checks. */
export type Values = Float32Array | Float64Array;
