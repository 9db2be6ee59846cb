import { earliest, MASK, portOf, PORTS } from './flight.ts';

/** By port: micro-ops whose operands have a cycle, in no order. */
export const ready = Array.from({ length: PORTS }, (): number[] => []);
export const readyCount = new Int32Array(PORTS);
/** By port: no micro-op of it can be dispatched before. */
export const quietUntil = new Int32Array(PORTS);

/** Puts a micro-op that waits for nothing unknown at its port. */
export function enqueue(uop: number): void {
  const port = portOf[uop & MASK]!;
  const time = earliest[uop & MASK]!;
  ready[port]![readyCount[port]!] = uop;
  readyCount[port]! += 1;
  if (time < quietUntil[port]!) quietUntil[port] = time;
}
