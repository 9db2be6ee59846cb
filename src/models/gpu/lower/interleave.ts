import { type Instruction, MATH, ProgramBuilder, type WarpProgram } from '../program.ts';
import { ALU_LATENCY } from './tile.ts';

/** Places in a main-loop iteration that instructions are spread over. */
const PLACES = 16;

/** Equal instructions of one pipe. */
export interface Extra {
  readonly pipe: number;
  readonly count: number;
  readonly occupiesCycles: number;
}

/** Puts instructions that nothing waits for among the multiplications of a main-loop iteration, evenly, as a compiler does. */
export function interleaved(body: WarpProgram['body'], { pipe, count, occupiesCycles }: Extra): readonly Instruction[] {
  const multiplications = body.filter((instruction) => instruction.pipe === MATH).length;
  const builder = new ProgramBuilder();
  let seen = 0;
  let place = 0;
  let placed = 0;
  const placeUntil = (last: number): void => {
    for (; place < last; place++) {
      const due = Math.round(((place + 1) * count) / PLACES);
      if (due > placed) builder.repeat(due - placed, pipe, occupiesCycles, ALU_LATENCY);
      placed = due;
    }
  };
  for (const instruction of body) {
    if (instruction.pipe === MATH) placeUntil(Math.floor((++seen * PLACES) / multiplications));
    builder.push(instruction);
  }
  placeUntil(PLACES);
  return builder.instructions;
}
