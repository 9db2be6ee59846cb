import { describe, expect, it } from 'vitest';
import { Engine, type Unit } from '../../src/engine/engine.ts';
import { Lane } from '../../src/engine/lane.ts';
import { Deadlock } from '../../src/errors.ts';

/** A unit that acts at given cycles, and notes when it did. */
class Clock implements Unit {
  readonly acted: number[] = [];
  constructor(
    readonly name: string,
    private readonly cycles: number[],
    private readonly log: string[] = [],
    private readonly wait: string | null = null,
  ) {}
  nextCycle(): number {
    return this.cycles[this.acted.length] ?? Number.POSITIVE_INFINITY;
  }
  act(cycle: number): void {
    this.acted.push(cycle);
    this.log.push(`${this.name}@${cycle}`);
  }
  waitingFor(): string | null {
    return this.wait;
  }
  snapshot(): void {}
  shift(): void {}
}

describe('engine', () => {
  it('skips to the earliest cycle in which a unit can act, units in order within a cycle', () => {
    const log: string[] = [];
    new Engine([new Clock('b', [5, 1_000_000], log), new Clock('a', [3, 5, 999_999], log)]).run();
    expect(log).toEqual(['a@3', 'b@5', 'a@5', 'a@999999', 'b@1000000']);
  });

  it('never goes back in time for a unit that could have acted earlier', () => {
    const late = new Clock('late', [4]);
    const early = new Clock('early', [10, 2]);
    new Engine([late, early]).run();
    expect(early.acted).toEqual([10, 10]);
  });

  it('names who waits for what when nothing can move', () => {
    const run = () => new Engine([new Clock('array', [7], [], 'a tile'), new Clock('memory', [], [], null)]).run();
    expect(run).toThrow(Deadlock);
    expect(run).toThrow('deadlock at cycle 7: array waits for a tile');
  });

  it('ends quietly when nobody waits', () => {
    expect(() => new Engine([new Clock('idle', [])]).run()).not.toThrow();
    expect(() => new Engine([]).run()).not.toThrow();
  });
});

describe('lane', () => {
  const lane = () => new Lane<string>('work', 2, 1);

  it('holds as many items as its queue is deep, seen one cycle after they are issued', () => {
    const queue = lane();
    queue.push('a', 4);
    expect(queue.visibleCycle(0)).toBe(5);
    expect(queue.full).toBe(false);
    queue.push('b', 5);
    expect(queue.full).toBe(true);
    queue.start(6, 20);
    expect(queue.full).toBe(false);
    expect(queue.pending).toBe(true);
    expect(queue.item(1)).toBe('b');
  });

  it('knows when an item is done: never before it starts, and 0 once it is forgotten', () => {
    const queue = lane();
    for (let index = 0; index < 20; index++) {
      queue.push(`${index}`, index);
      expect(queue.doneOf(index)).toBe(Number.POSITIVE_INFINITY);
      queue.start(index + 1, index + 100);
      expect(queue.doneOf(index)).toBe(index + 100);
    }
    expect(queue.remembers(2)).toBe(false);
    expect(queue.doneOf(2)).toBe(0);
    expect(queue.lastDoneCycle).toBe(119);
  });

  it('looks the same, seen from the present, after all of it has moved in time', () => {
    const queue = lane();
    queue.push('a', 10);
    queue.push('b', 11);
    queue.start(12, 40);
    const seen = (cycle: number): number[] => {
      const out: number[] = [];
      queue.snapshot(out, cycle, cycle - 50);
      queue.snapshotQueue(out, (item) => item.length, [queue], cycle, cycle - 50);
      return out;
    };
    const before = seen(15);
    queue.shift(1000);
    expect(seen(1015)).toEqual(before);
    expect(seen(1016)).not.toEqual(before);
  });
});
