import { emitKeypressEvents, type Key } from 'node:readline';
import type { History } from '../step/history.ts';
import type { Scene } from '../step/stepper.ts';

const CLEAR = '\x1b[2J\x1b[H';
const HELP = 'right, left: a cycle on, back   home, end   p: play   q: quit';
const PLAY_MS = 300;

/** A walk through a run with the arrow keys, until q is pressed. */
export function walk(history: History, draw: (scene: Scene, cycles: number) => string): Promise<void> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const show = (cycle: number): void => {
      history.goTo(cycle);
      stdout.write(`${CLEAR}${history.title}\n\n${draw(history.scene(), history.cycles)}\n${HELP}\n`);
    };
    const stop = (): void => {
      clearInterval(timer);
      timer = undefined;
    };
    const cycle = (): number => history.scene().cycle;
    const play = (): void => {
      if (timer !== undefined) return stop();
      timer = setInterval(() => (cycle() === history.cycles ? stop() : show(cycle() + 1)), PLAY_MS);
    };
    const end = (): void => {
      stop();
      stdin.off('keypress', onKey);
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
    show(0);
  });
}
