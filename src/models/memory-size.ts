import { InputError } from '../errors.ts';
import type { Trace } from '../trace/trace.ts';

/** Refuses a run of which so many bytes must be in the off-chip memory at a time, if they do not fit. */
export function refuseTooLarge(
  { name, sizeGiB }: { readonly name: string; readonly sizeGiB: number },
  { workload }: Trace,
  bytes: number,
  remedy: string,
): void {
  const needed = bytes / 2 ** 30;
  if (needed <= sizeGiB) return;
  const found = `${workload.name} needs ${needed < 0.1 ? needed.toPrecision(2) : needed.toFixed(1)} GiB, the machine has ${sizeGiB} GiB`;
  throw InputError.of(`memory ${name}`, found, remedy);
}
