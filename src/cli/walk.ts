import { emitKeypressEvents, type Key } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import type { History } from '../step/history.ts';
import type { Scene } from '../step/stepper.ts';

const CLEAR = '\x1b[2J\x1b[H';
/** Lines that are too long go on beyond the edge, instead of below. */
const [NO_WRAP, WRAP] = ['\x1b[?7l', '\x1b[?7h'];
const HELP = 'right, left: a cycle on, back   home, end   p: play   q: quit';
const PLAY_MS = 300;

export interface Window {
  readonly rows: number;
  readonly columns: number;
}

/** A picture from its top, as far as a window shows it above one more line; says so if that is not all. */
export function cropped(picture: string, { rows, columns }: Window): string {
  const lines = picture.split('\n');
  const width = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
  const height = lines.length + 1;
  if (height <= rows && width <= columns) return picture;
  const note = `cut: all of it needs ${height} rows of ${width} columns; or add --format html --out step.html`;
  return [...lines.slice(0, Math.max(1, rows - 2)), note].join('\n');
}

/** A walk through a run with the arrow keys, until q is pressed. */
export function walk(history: History, draw: (scene: Scene, cycles: number) => string): Promise<void> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const show = (cycle: number): void => {
      history.goTo(cycle);
      const picture = `${history.title}\n\n${draw(history.scene(), history.cycles).trimEnd()}`;
      stdout.write(`${CLEAR}${cropped(picture, stdout)}\n${HELP}`);
    };
    const stop = (): void => {
      clearInterval(timer);
      timer = undefined;
    };
    const cycle = (): number => history.scene().cycle;
    const redraw = (): void => show(cycle());
    const play = (): void => {
      if (timer !== undefined) return stop();
      timer = setInterval(() => (cycle() === history.cycles ? stop() : show(cycle() + 1)), PLAY_MS);
    };
    const end = (): void => {
      stop();
      stdin.off('keypress', onKey);
      stdout.off('resize', redraw);
      stdout.write(`${WRAP}\n`);
      stdin.setRawMode(false);
      stdin.pause();
      resolve();
    };
    const keys: Readonly<Record<string, () => void>> = {
      right: () => show(cycle() + 1),
      left: () => show(cycle() - 1),
      home: () => show(0),
      end: () => show(history.cycles),
      p: play,
      space: play,
      q: end,
      escape: end,
    };
    const onKey = (_: string | undefined, key: Key): void => {
      if (key.ctrl === true && key.name === 'c') return end();
      if (key.name !== 'p' && key.name !== 'space') stop();
      keys[key.name ?? '']?.();
    };
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', onKey);
    stdin.resume();
    stdout.on('resize', redraw);
    stdout.write(NO_WRAP);
    show(0);
  });
}
