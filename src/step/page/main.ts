import type { History } from '../history.ts';
import { runSetup, type Setup } from '../setup.ts';
import { draw, element } from './draw.ts';
import { player } from './player.ts';
import { STYLE } from './style.ts';
import { edited, systolicControls } from './systolic-controls.ts';

/** The page runs the machine itself: what is changed on it is simulated at once. */
let setup = JSON.parse(document.getElementById('setup')!.textContent!) as Setup;
let history: History;

const heading = element('h1', '');
const controls = element('div', '');
const stage = element('div', '');
const { bar, reset, goTo } = player((cycle) => {
  history.goTo(cycle);
  draw(stage, history.scene(), history.cycles, (table, row, column, text) =>
    run(edited(setup, table, row, column, text) ?? setup),
  );
});

function run(next: Setup): void {
  setup = next;
  history = runSetup(setup);
  heading.textContent = history.title;
  document.title = history.title;
  controls.replaceChildren(systolicControls(setup, run));
  reset(history.cycles);
}

document.head.append(element('style', '', STYLE));
document.body.append(
  heading,
  controls,
  bar,
  stage,
  element(
    'p',
    'note',
    'Arrow keys step, space plays. Elements of the operands can be changed: click one and type. Shaded elements are in the array, or still being added to; grey ones wait.',
  ),
);
run(setup);
// step.html#7 opens at cycle 7.
goTo(Number(location.hash.slice(1)) || 0);
