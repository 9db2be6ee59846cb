export const GOLDEN_CASES: readonly (readonly [name: string, args: readonly string[]])[];
export const GOLDEN_FORMATS: Readonly<Record<string, string>>;
