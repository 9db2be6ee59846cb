import { Deadlock, InputError, ModelBug, type Problem } from '../errors.ts';

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const EXIT_USAGE = 2;
const EXIT_BUG = 70;

function print(problem: Problem): string {
  return `  ${problem.where}: ${problem.found}\n    -> ${problem.remedy}\n`;
}

/** Text for a failure and the exit code that goes with it. */
export function explain(error: unknown): { text: string; exitCode: number } {
  if (error instanceof InputError) {
    const count =
      error.problems.length === 1
        ? 'accsim: there is a problem with the input'
        : `accsim: there are ${error.problems.length} problems with the input`;
    return { text: `${count}\n${error.problems.map(print).join('')}`, exitCode: EXIT_USAGE };
  }
  if (error instanceof UsageError)
    return { text: `accsim: ${error.message}\n  Try accsim --help\n`, exitCode: EXIT_USAGE };
  const message = error instanceof Error ? error.message : String(error);
  const kind = error instanceof Deadlock || error instanceof ModelBug ? message : `unexpected failure: ${message}`;
  return {
    text: `accsim: ${kind}\n  This is a bug in accsim, not in your input. Please report it with the command you ran.\n`,
    exitCode: EXIT_BUG,
  };
}

/** Runs a command; turns failures into messages and exit codes, and a closed pipe into a quiet end. */
export async function guard(command: () => Promise<void>): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`accsim: the result cannot be written (${error.message})\n`);
    process.exit(EXIT_USAGE);
  });
  try {
    await command();
  } catch (error) {
    const { text, exitCode } = explain(error);
    process.stderr.write(text);
    process.exitCode = exitCode;
  }
}
