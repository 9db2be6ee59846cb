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

/** Tells a person how far a table of measurements has come. */
export interface RowProgress {
  readonly row: (done: number, total: number) => void;
  readonly end: () => void;
}

/** Below this nobody waits. */
const SILENT_MS = 1000;

export function rowProgress(quiet: boolean): RowProgress {
  if (quiet || process.stderr.isTTY !== true) return { row: () => {}, end: () => {} };
  const bar = new SingleBar({
    format: '[{bar}] {value}/{total} rows  {eta_formatted} left',
    fps: FRAMES,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    barsize: 24,
  });
  const start = performance.now();
  let shown = false;
  return {
    row: (done, total) => {
      if (!shown && performance.now() - start < SILENT_MS) return;
      if (!shown) bar.start(total, done);
      shown = true;
      bar.setTotal(total);
      bar.update(done);
    },
    end: () => bar.stop(),
  };
}
