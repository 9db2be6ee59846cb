import { type Access, ACTIONS, type Action } from '../../../events/events.ts';
import type { SystolicSpec } from '../spec.ts';
import { type Instruction, type Node, VECTOR, countLane } from '../program.ts';

/** Component names of a machine, in the order of the event layout. */
export function componentNames(spec: SystolicSpec): string[] {
  const buffers = spec.buffer.kind === 'unified' ? ['unifiedBuffer'] : ['inputBuffer', 'weightBuffer', 'outputBuffer'];
  const accumulators = spec.accumulators === null ? [] : ['accumulators'];
  const host = spec.hostLink === null ? [] : ['hostLink'];
  return ['array', ...accumulators, ...buffers, 'weightFifo', 'vectorUnit', spec.memory.name, ...host];
}

/** Where a machine keeps what: component indices for the roles that lowering knows. */
export interface Components {
  readonly array: number;
  readonly partialSums: number;
  readonly inputs: number;
  readonly weights: number;
  readonly outputs: number;
  readonly weightFifo: number;
  readonly vectorUnit: number;
  readonly memory: number;
  readonly hostLink: number;
}

export function componentIndices(spec: SystolicSpec): Components {
  const names = componentNames(spec);
  const at = (name: string): number => names.indexOf(name);
  const unified = spec.buffer.kind === 'unified';
  const outputs = at(unified ? 'unifiedBuffer' : 'outputBuffer');
  return {
    array: 0,
    partialSums: spec.accumulators === null ? outputs : at('accumulators'),
    inputs: at(unified ? 'unifiedBuffer' : 'inputBuffer'),
    weights: at(unified ? 'unifiedBuffer' : 'weightBuffer'),
    outputs,
    weightFifo: at('weightFifo'),
    vectorUnit: at('vectorUnit'),
    memory: at(spec.memory.name),
    hostLink: at('hostLink'),
  };
}

export function access(component: number, action: Action, count: number, bytes = 0): Access {
  return { component, action: ACTIONS.indexOf(action), count, bytes };
}

/** Collects a program; counts the vector instructions issued so far, which dependent layers count back from. */
export interface Builder {
  readonly spec: SystolicSpec;
  readonly components: Components;
  /** Transfer cycles of `bytes` over the off-chip channel or the host link. */
  readonly memoryCycles: (bytes: number) => number;
  readonly hostCycles: (bytes: number) => number;
  readonly instruction: (fields: Omit<Instruction, 'id' | 'fetches' | 'waits'> & Partial<Instruction>) => Instruction;
  readonly nodes: Node[];
  vectorsIssued: number;
  /** One access for each component and action used so far. */
  readonly uses: () => readonly Access[];
}

const NO_WAITS: readonly undefined[] = [];

export function createBuilder(spec: SystolicSpec): Builder {
  let id = 0;
  const uses = new Map<number, Access>();
  const bytesPerCycle = (bandwidthGBps: number): number => (bandwidthGBps * 1e3) / spec.clockMHz;
  const memoryRate = bytesPerCycle(spec.memory.bandwidthGBps);
  const hostRate = spec.hostLink === null ? 1 : bytesPerCycle(spec.hostLink.bandwidthGBps);
  return {
    spec,
    components: componentIndices(spec),
    memoryCycles: (bytes) => Math.max(1, Math.round(bytes / memoryRate)),
    hostCycles: (bytes) => Math.max(1, Math.round(bytes / hostRate)),
    instruction: ({ lane, op, cycles, accesses, fetches = false, waits = NO_WAITS }) => {
      for (const use of accesses) {
        const key = use.component * ACTIONS.length + use.action;
        if (!uses.has(key)) uses.set(key, use);
      }
      return { id: id++, lane, op, cycles, fetches, waits, accesses };
    },
    uses: () => [...uses.values()],
    nodes: [],
    vectorsIssued: 0,
  };
}

/** Appends nodes to the program. */
export function emit(builder: Builder, nodes: readonly Node[]): void {
  builder.nodes.push(...nodes);
  builder.vectorsIssued += countLane(nodes, VECTOR);
}
