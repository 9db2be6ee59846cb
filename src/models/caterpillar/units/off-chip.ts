import type { Observer } from '../../../events/events.ts';
import type { CaterpillarSpec } from '../spec.ts';

/** A transfer that someone waits for. */
interface Load {
  /** When the memory begins with it. */
  readonly startCycle: number;
  /** When its last word is there. */
  readonly loadedCycle: number;
  /** Cycles before it that went to results written since the load before. */
  readonly writeCycles: number;
}

/** Makes transfers one after the other, in the order in which they are asked for, each not before the cycle it is asked for at. */
export interface OffChipMemory {
  /** Of words that are made meanwhile, the last is there to be loaded at `written`. */
  load(op: number, from: number, bytes: number, written: number): Load;
  write(op: number, from: number, bytes: number): void;
  /** When all transfers are made. */
  freeCycle(): number;
}

export function offChipMemory({ memory, clockMHz }: CaterpillarSpec, observer: Observer, unit: number): OffChipMemory {
  const bytesPerCycle = (memory.bandwidthGBps * 1e3) / clockMHz;
  const latencyCycles = Math.round((memory.latencyNs * clockMHz) / 1e3);
  let freeCycle = 0;
  let writeCycles = 0;

  const transfer = (op: number, from: number, bytes: number): number => {
    const cycles = Math.ceil(bytes / bytesPerCycle);
    const start = Math.max(freeCycle, from);
    observer.busy(unit, op, start, cycles);
    freeCycle = start + cycles;
    return start;
  };
  return {
    load(op, from, bytes, written) {
      const startCycle = transfer(op, from, bytes);
      const load = { startCycle, loadedCycle: Math.max(freeCycle, written) + latencyCycles, writeCycles };
      writeCycles = 0;
      return load;
    },
    write(op, from, bytes) {
      const start = transfer(op, from, bytes);
      writeCycles += freeCycle - start;
    },
    freeCycle: () => freeCycle,
  };
}
