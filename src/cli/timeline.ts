import type { Program } from '../models/x86/program.ts';
import type { UopTimes } from '../models/x86/trace.ts';

/** Cycles drawn; the rest is cut off. */
const WIDTH = 100;

/**
 * Micro-ops of the first iterations as lines of cycles: i issued, = waiting, D dispatched, e executing, - waiting to
 * retire, R retired.
 */
export function timelineText({ instructions }: Program, times: readonly UopTimes[]): string {
  const lines: string[] = ['i issued, = waits, D dispatched, e executes, - waits to retire, R retired'];
  const start = times[0]?.issued ?? 0;
  for (const { iteration, instruction, kind, issued, dispatched, executed, retired } of times) {
    const name = instructions[instruction]?.form ?? 'dec r15; jnz';
    const leaves = dispatched ?? issued;
    let line = ' '.repeat(issued - start);
    for (let cycle = issued; cycle <= retired; cycle += 1) {
      if (cycle === retired) line += 'R';
      else if (cycle === issued) line += 'i';
      else if (cycle < leaves) line += '=';
      else if (cycle === leaves) line += 'D';
      else line += cycle < executed ? 'e' : '-';
    }
    const label = `${iteration}.${instruction} ${kind === 'compute' ? name : kind}`;
    lines.push(`${label.slice(0, 31).padEnd(32)}${line.slice(0, WIDTH)}`);
  }
  return `${lines.join('\n')}\n`;
}
