import { SingleBar } from 'cli-progress';

/** Tells a person how an epoch goes: a bar on a terminal, nothing in a file. */
export interface Progress {
  step(step: number, loss: number, accuracy: number): void;
  end(): void;
}

/** Updates a second; more would only flicker. */
const FRAMES = 8;

export function epochProgress(epoch: number, epochs: number, steps: number, quiet: boolean): Progress {
  if (quiet || process.stderr.isTTY !== true) return { step: () => {}, end: () => {} };
  const format = `epoch ${epoch}/${epochs} [{bar}] {value}/{total}  loss {loss}  accuracy {accuracy} %  {eta_formatted} left`;
  const bar = new SingleBar({
    format,
    fps: FRAMES,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    barsize: 24,
  });
  bar.start(steps, 0, { loss: '-', accuracy: '-' });
  return {
    step: (step, loss, accuracy) => bar.update(step, { loss: loss.toFixed(4), accuracy: (100 * accuracy).toFixed(2) }),
    end: () => bar.stop(),
  };
}
