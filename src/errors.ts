/** One fault in something the user gave us: where it is, what was found there, and what to do about it. */
export interface Problem {
  readonly where: string;
  readonly found: string;
  readonly remedy: string;
}

/** The user's file or flag is at fault. Lists every problem found; the command line exits with 2. */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map((p) => `${p.where}: ${p.found}; ${p.remedy}`).join('\n'));
  }

  static of(where: string, found: string, remedy: string): InputError {
    return new InputError([{ where, found, remedy }]);
  }
}

/** Runs something about one of several things; what is wrong with it then says of which. */
export function named<Result>(name: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(error.problems.map((problem) => ({ ...problem, where: `${name}: ${problem.where}` })));
  }
}

/** The simulator broke one of its own rules; exit 70. */
export class ModelBug extends Error {
  override readonly name = 'ModelBug';
}

/** Nothing can move but work is pending; names who waits for what; exit 70. */
export class Deadlock extends Error {
  override readonly name = 'Deadlock';
  constructor(
    readonly cycle: number,
    readonly waiting: readonly string[],
  ) {
    super(`deadlock at cycle ${cycle}: ${waiting.join('; ')}`);
  }
}
