import { InputError } from '../../errors.ts';
import type { History } from '../history.ts';
import { runSetup, type Setup } from '../setup.ts';
import { draw, element } from './draw.ts';
import { player } from './player.ts';
import { STYLE } from './style.ts';
import { controlsOf, edited } from './controls.ts';

/** The page runs the machine itself: what is changed on it is simulated at once. */
let setup = JSON.parse(document.getElementById('setup')!.textContent!) as Setup;
let history: History;

const OPERANDS = 'Elements of the operands can be changed: click one and type.';
const NOTES: Readonly<Record<Setup['kind'], string>> = {
  systolic: `${OPERANDS} Shaded elements are in the array, or still being added to; grey ones wait.`,
  core: `${OPERANDS} Shaded elements are in the core; grey ones wait.`,
  ring: 'Core c gives the value c + 1, so a sum shows whose shares are in it. Half of the vector goes round to the right, half to the left, in blocks.',
};

const heading = element('h1', '');
const controls = element('div', '');
const stage = element('div', '');
const { bar, reset, goTo } = player((cycle) => {
  history.goTo(cycle);
  draw(stage, history.scene(), history.cycles, (table, row, column, text) =>
    setup.kind === 'ring' ? undefined : run(edited(setup, table, row, column, text)),
  );
});

function run(next: Setup): void {
  try {
    history = runSetup(next);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    alert(error.problems.map(({ where, found, remedy }) => `${where}: ${found}. ${remedy}.`).join('\n'));
    controls.replaceChildren(controlsOf(setup, run));
    return;
  }
  setup = next;
  heading.textContent = history.title;
  document.title = history.title;
  controls.replaceChildren(controlsOf(setup, run));
  reset(history.cycles);
}

document.head.append(element('style', '', STYLE));
document.body.append(
  heading,
  controls,
  bar,
  stage,
  element('p', 'note', `Arrow keys step, space plays. ${NOTES[setup.kind]}`),
);
run(setup);
// step.html#7 opens at cycle 7.
goTo(Number(location.hash.slice(1)) || 0);
