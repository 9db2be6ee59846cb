import type { UopTimes } from '../../models/x86/trace.ts';
import type { BlockTimeline } from './report.ts';
import { nameOf, type Stage, STAGE_TEXT, stagesOf } from './stages.ts';

/** Names of stages as Konata draws them. */
const NAMES: Readonly<Record<Stage['key'], string>> = {
  predecoded: 'Pd',
  queued: 'Q',
  waiting: 'Is',
  executing: 'Ex',
  done: 'Cm',
};

interface Command {
  readonly cycle: number;
  readonly text: string;
}

function details({ iteration, instruction, slot, port, retired }: UopTimes, stages: readonly Stage[]): string {
  const times = stages.map(({ key, from, until }) => `${STAGE_TEXT[key]}: cycles ${from} to ${until - 1}`);
  const unit = port === null ? 'no port' : `port ${port}`;
  return [
    `iteration ${iteration}, instruction ${instruction}, issue slot ${slot}, ${unit}`,
    ...times,
    `retires in cycle ${retired}`,
  ].join('\\n');
}

/** A log for the pipeline viewer Konata (its format Kanata 0004, docs/kanata-log-format.md there). */
export function konataLog(timeline: BlockTimeline): string {
  const commands: Command[] = [];
  timeline.times.forEach((one, id) => {
    const stages = stagesOf(one);
    const start = one.predecoded ?? one.decoded;
    const name = `${one.iteration}.${one.instruction}: ${nameOf(timeline, one)}`;
    commands.push({
      cycle: start,
      text: `I\t${id}\t${id}\t0\nL\t${id}\t0\t${name}\nL\t${id}\t1\t${details(one, stages)}`,
    });
    for (const { key, from } of stages) commands.push({ cycle: from, text: `S\t${id}\t0\t${NAMES[key]}` });
    commands.push({ cycle: one.retired, text: `R\t${id}\t${id}\t0` });
  });
  // Equal cycles keep the order in which they were added: a micro-op begins before its stages.
  commands.sort((a, b) => a.cycle - b.cycle);
  let now = commands[0]?.cycle ?? 0;
  const lines = ['Kanata\t0004', `C=\t${now}`];
  for (const { cycle, text } of commands) {
    if (cycle > now) lines.push(`C\t${cycle - now}`);
    now = cycle;
    lines.push(text);
  }
  return `${lines.join('\n')}\n`;
}
