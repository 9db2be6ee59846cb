/** Why a unit that has work ahead cannot do it. Closed: a model may not invent a cause. */
export const STALL_CAUSES = [
  'weight-stall', // stationary operand not yet on the chip
  'weight-shift', // stationary operand being shifted into the array
  'input', // host input not yet arrived
  'operand-stall', // streamed operand not yet on the chip (off-chip activations)
  'fill', // pipeline fill or drain between passes
  'drain', // last results leave the array
  'activation', // results pass the activation unit before a dependent layer may start
  'raw', // explicit synchronisation with a dependent layer
  'vector', // a pooling, normalisation or other vector op runs by itself
  'accumulator', // no free accumulators
  'writeback', // results wait for off-chip memory
  'output', // results leave for the host
  'issue', // instruction not yet issued: dependences, barriers, a busy pipe
  'launch', // a kernel has been called and does not run yet
  'tail', // processors without work while others finish theirs
  'packing', // operands are brought into the order in which a kernel reads them
  'padding', // work on parts of tiles that lie beyond the operands
  'communication', // data of other ranks on its way, or what carries it in the way
  'pipeline', // another stage has not made yet what this one needs
] as const;
export type StallCause = (typeof STALL_CAUSES)[number];

/** What costs energy. Closed. `mac.W-A` is a MAC of W-bit weights with A-bit activations in the named format. */
export const ACTIONS = [
  'mac.int4',
  'mac.int8',
  'mac.int8x16',
  'mac.int16',
  'mac.fp8',
  'mac.bf16',
  'mac.fp16',
  'mac.tf32',
  'mac.fp32',
  'mac.fp64',
  'mac.idle',
  'vector.op',
  'read',
  'write',
  'transfer',
  'shift',
] as const;
export type Action = (typeof ACTIONS)[number];

/** An action at a component, by name. */
export interface ActionUse {
  readonly component: string;
  readonly action: Action;
}

/** `count` actions that move `bytes` bytes at a component; `component` and `action` index the layout and ACTIONS. */
export interface Access {
  readonly component: number;
  readonly action: number;
  readonly count: number;
  readonly bytes: number;
}

/** Names behind the small integers that events carry. */
export interface EventLayout {
  /** Things that are busy, stalled or idle; unit 0 is the lead unit, whose timeline is the run's. */
  readonly units: readonly string[];
  /** Things that cost energy or move bytes. */
  readonly components: readonly string[];
  /** Number of ops in the trace. */
  readonly ops: number;
}

/**
 * Listens to a run. All cycles are of the machine's clock. `unit` and `component` index the layout, `op` the trace,
 * `cause` STALL_CAUSES and `action` ACTIONS.
 */
export interface Observer {
  busy(unit: number, op: number, startCycle: number, cycles: number): void;
  stall(unit: number, op: number, cause: number, startCycle: number, cycles: number): void;
  /** `count` actions that moved `bytes` bytes. */
  access(component: number, op: number, action: number, count: number, bytes: number): void;
  /** From here on, what happens may be repeated by a fold at nesting `level`. */
  mark(level: number): void;
  /** Everything since the last mark at `level` happens `times` more times, each `periodCycles` later. */
  fold(level: number, times: number, periodCycles: number): void;
}

/** For runs of which only the result counts. */
export const SILENT: Observer = { busy: () => {}, stall: () => {}, access: () => {}, mark: () => {}, fold: () => {} };
