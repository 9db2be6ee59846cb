import { writeOutput } from '../files.ts';

/** Prints a result, or writes it to the file of `--out`. */
export function deliver(text: string, out: string | undefined, quiet: boolean): void {
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  writeOutput(out, text);
  say(`wrote ${out}`, quiet);
}

/** A remark that is not part of the result. */
export function say(text: string, quiet: boolean): void {
  if (!quiet) process.stderr.write(`${text}\n`);
}

/** Whether and how wide to draw for a terminal. */
export function terminal(): { colors: boolean; width: number } {
  const colors =
    process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb';
  return { colors, width: process.stdout.columns ?? 120 };
}
