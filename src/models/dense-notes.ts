import type { Trace } from '../trace/trace.ts';

/** For machines that multiply zeros like everything else: says so where weights have a pattern of them. */
export function denseNotes({ tensors }: Trace): string[] {
  const marked = tensors.flatMap(({ pattern }) => (pattern === undefined ? [] : [`${pattern.n}:${pattern.m}`]));
  if (marked.length === 0) return [];
  return [
    `Zeros of ${[...new Set(marked)].join(', ')} in weights are multiplied like the rest: the machine cannot skip them.`,
  ];
}
