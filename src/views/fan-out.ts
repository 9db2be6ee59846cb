import type { Observer } from '../events/events.ts';

/** Passes every event on to several observers, in order. */
export function fanOut(observers: readonly Observer[]): Observer {
  return {
    busy: (...event) => observers.forEach((observer) => observer.busy(...event)),
    stall: (...event) => observers.forEach((observer) => observer.stall(...event)),
    access: (...event) => observers.forEach((observer) => observer.access(...event)),
    mark: (level) => observers.forEach((observer) => observer.mark(level)),
    fold: (...event) => observers.forEach((observer) => observer.fold(...event)),
  };
}
