/** Items by time, the earliest first; of equal times the smaller item. Each item is in it at most once. */
export interface EventQueue {
  readonly push: (item: number, time: number) => void;
  /** The next item, -1 if there is none. */
  readonly pop: () => number;
}

/** A binary heap over preallocated arrays. `times` is where the time of the item in hand may be read. */
export function eventQueue(items: number, times: Float64Array): EventQueue {
  const heap = new Int32Array(items);
  let size = 0;
  const before = (left: number, right: number): boolean => {
    const difference = times[left]! - times[right]!;
    return difference < 0 || (difference === 0 && left < right);
  };
  return {
    push: (item, time) => {
      times[item] = time;
      let place = size++;
      while (place > 0) {
        const parent = (place - 1) >> 1;
        if (before(heap[parent]!, item)) break;
        heap[place] = heap[parent]!;
        place = parent;
      }
      heap[place] = item;
    },
    pop: () => {
      if (size === 0) return -1;
      const first = heap[0]!;
      const last = heap[--size]!;
      let place = 0;
      for (let child = 1; child < size; child = 2 * place + 1) {
        if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[place] = heap[child]!;
        place = child;
      }
      heap[place] = last;
      return first;
    },
  };
}
