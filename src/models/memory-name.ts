import type { z } from 'zod';

/** Refuses an off-chip memory named like another part of the machine: reports tell them apart by name. `static` is what is drawn all the time. */
export function refuseTakenName(
  { memory }: { readonly memory: { readonly name: string } },
  components: readonly string[],
  context: z.RefinementCtx,
): void {
  if (memory.name !== 'static' && !components.includes(memory.name)) return;
  context.addIssue({ code: 'custom', path: ['memory', 'name'], message: 'use a name that no other component has' });
}
