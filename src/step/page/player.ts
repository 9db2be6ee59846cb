import { element } from './draw.ts';

export interface Player {
  readonly bar: HTMLElement;
  /** A run of another length: from its start. */
  readonly reset: (cycles: number) => void;
  readonly goTo: (cycle: number) => void;
}

/** Cycles a second while playing. */
const CYCLES_PER_SECOND = 3;

/** Buttons, a slider and the arrow keys; `show` draws a cycle. */
export function player(show: (cycle: number) => void): Player {
  let cycle = 0;
  let cycles = 0;
  let timer: number | null = null;
  const slider = element('input', '');
  slider.type = 'range';
  slider.min = '0';

  const goTo = (wanted: number): void => {
    cycle = Math.min(Math.max(wanted, 0), cycles);
    slider.value = String(cycle);
    show(cycle);
  };
  const button = (text: string, title: string, act: () => void): HTMLButtonElement => {
    const made = element('button', '', text);
    made.title = title;
    made.addEventListener('click', act);
    return made;
  };
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
    play.textContent = 'play';
  };
  const play = button('play', 'play or pause (space)', () => {
    if (timer !== null) return stop();
    if (cycle === cycles) goTo(0);
    play.textContent = 'pause';
    timer = setInterval(() => (cycle === cycles ? stop() : goTo(cycle + 1)), 1000 / CYCLES_PER_SECOND);
  });
  const by = (steps: number) => () => {
    stop();
    goTo(cycle + steps);
  };
  slider.addEventListener('input', () => {
    stop();
    goTo(Number(slider.value));
  });
  const keys: Readonly<Record<string, () => void>> = {
    ArrowRight: by(1),
    ArrowLeft: by(-1),
    Home: by(-Infinity),
    End: by(Infinity),
    ' ': () => play.click(),
  };
  document.addEventListener('keydown', (event) => {
    const act = keys[event.key];
    if (
      act === undefined ||
      (event.target instanceof HTMLElement && event.target.matches('input, select, button, [contenteditable]'))
    )
      return;
    event.preventDefault();
    act();
  });
  return {
    goTo,
    bar: element(
      'div',
      'bar',
      button('|◀', 'start (Home)', by(-Infinity)),
      button('◀', 'a cycle back (left)', by(-1)),
      play,
      button('▶', 'a cycle on (right)', by(1)),
      button('▶|', 'end (End)', by(Infinity)),
      slider,
    ),
    reset: (length) => {
      stop();
      cycles = length;
      slider.max = String(length);
      goTo(0);
    },
  };
}
