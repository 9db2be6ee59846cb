import type { Recorded } from '../models/x86/core.ts';
import type { Prepared } from '../models/x86/predict.ts';

/** Cycles drawn; the rest is cut off. */
const WIDTH = 100;

/**
 * Micro-ops of the first iterations as lines of cycles: i issued, = waiting, D dispatched, e executing, - waiting to
 * retire, R retired.
 */
export function timelineText({ program, tables }: Prepared, recorded: Recorded, iterations: number): string {
  const order = program.slots.flat();
  const lines: string[] = ['i issued, = waits, D dispatched, e executes, - waits to retire, R retired'];
  const start = recorded.issued[0] ?? 0;
  for (let uop = 0; uop < iterations * tables.uops; uop += 1) {
    const issued = recorded.issued[uop];
    const retired = recorded.retired[uop];
    if (issued === undefined || retired === undefined) break;
    const { instruction, kind } = program.uops[order[uop % tables.uops]!]!;
    const name = program.instructions[instruction]?.form ?? 'dec r15; jnz';
    const dispatched = recorded.dispatched[uop] ?? issued;
    const done = recorded.done[uop] ?? issued;
    let line = ' '.repeat(issued - start);
    for (let cycle = issued; cycle <= retired; cycle += 1)
      line +=
        cycle === retired
          ? 'R'
          : cycle === issued
            ? 'i'
            : cycle < dispatched
              ? '='
              : cycle === dispatched
                ? 'D'
                : cycle < done
                  ? 'e'
                  : '-';
    const label = `${Math.floor(uop / tables.uops)}.${instruction} ${kind === 'compute' ? name : kind}`;
    lines.push(`${label.slice(0, 31).padEnd(32)}${line.slice(0, WIDTH)}`);
  }
  return `${lines.join('\n')}\n`;
}
