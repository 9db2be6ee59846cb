import { TraceBuilder } from '../../trace/builder.ts';
import type { Op, TensorId, Trace, UpdateOp } from '../../trace/trace.ts';
import { updateParts } from '../execute/update-parts.ts';
import type { Pass } from './pipeline-order.ts';

/** The training step of one micro-batch, its ops given to stages. */
export interface DividedStep {
  readonly step: Trace;
  /** Ops [0, forwardOps) are the forward pass. */
  readonly forwardOps: number;
  readonly stageOf: readonly number[];
  readonly stages: number;
  readonly microBatches: number;
}

/** Collects the trace of one stage pass by pass. */
export class StageTrace {
  private readonly builder: TraceBuilder;
  /** Tensor of this trace for each of the step's: of weights and states one for all micro-batches, of others one for each. */
  private readonly own = new Map<string, TensorId>();
  /** Stage whose op makes a tensor; inputs, weights and states that none makes are everywhere. */
  private readonly madeBy = new Map<TensorId, number>();
  /** Stages that read a tensor. */
  private readonly readers = new Map<TensorId, Set<number>>();
  /** Gradients that this stage's updates read, to be summed over micro-batches. */
  private readonly summed = new Set<TensorId>();
  private readonly sums = new Map<TensorId, TensorId>();
  private readonly updates: readonly UpdateOp[];

  constructor(
    private readonly divided: DividedStep,
    private readonly stage: number,
  ) {
    const { step, stageOf } = divided;
    this.builder = new TraceBuilder(step.workload.batch, { weights: 'fp32', activations: 'fp32' });
    step.ops.forEach((op, index) => {
      for (const id of op.inputs) {
        if (!this.readers.has(id)) this.readers.set(id, new Set());
        this.readers.get(id)!.add(stageOf[index]!);
      }
      for (const id of op.outputs) if (!this.isShared(id)) this.madeBy.set(id, stageOf[index]!);
    });
    this.updates = step.ops.filter((op, index) => op.kind === 'update' && stageOf[index] === stage) as UpdateOp[];
    for (const op of this.updates) if (!op.sparse) this.summed.add(updateParts(op).gradient);
  }

  /** The forward or backward ops of one micro-batch. */
  add({ direction, microBatch }: Pass): void {
    const { step, forwardOps, stageOf } = this.divided;
    const [start, end] = direction === 'forward' ? [0, forwardOps] : [forwardOps, step.ops.length];
    for (let index = start; index < end; index++) {
      const op = step.ops[index]!;
      if (stageOf[index] === this.stage && op.kind !== 'update') this.addOp(op, microBatch);
    }
  }

  /** Adds the updates, and what other stages get of them. */
  finish(): Trace {
    const { step, microBatches, stages } = this.divided;
    for (const op of this.updates) this.addUpdate(op);
    this.receiveWeights();
    const { workload } = step;
    const name = `${workload.name} pipeline:${stages}:${microBatches} stage ${this.stage}`;
    return {
      ...step,
      workload: { ...workload, name, batch: workload.batch * microBatches },
      tensors: this.builder.tensors,
      ops: this.builder.ops,
    };
  }

  private isShared(id: TensorId): boolean {
    const { role } = this.divided.step.tensors[id]!;
    return role === 'weight' || role === 'state';
  }

  private key(id: TensorId, microBatch: number): string {
    return this.isShared(id) ? String(id) : `${id} ${microBatch}`;
  }

  /** Name of a tensor of one micro-batch; the number keeps tensors of one name apart, so that both ends of a link agree. */
  private nameOf(id: TensorId, microBatch: number): string {
    const { name } = this.divided.step.tensors[id]!;
    return this.isShared(id) ? name : `${name}.${id}.micro-batch.${microBatch}`;
  }

  private tensor(id: TensorId, microBatch: number): TensorId {
    const key = this.key(id, microBatch);
    const known = this.own.get(key);
    if (known !== undefined) return known;
    const { shape, role, dtype } = this.divided.step.tensors[id]!;
    const made = this.builder.tensor(this.nameOf(id, microBatch), shape, role, dtype);
    this.own.set(key, made);
    return made;
  }

  /** A tensor that is there or, if another stage makes it, is received now. */
  private available(id: TensorId, microBatch: number): TensorId {
    const from = this.madeBy.get(id);
    if (from !== undefined && from !== this.stage && !this.own.has(this.key(id, microBatch)))
      this.receive(id, microBatch, from);
    return this.tensor(id, microBatch);
  }

  private addOp(op: Op, microBatch: number): void {
    const { builder } = this;
    const inputs = op.inputs.map((id) => this.available(id, microBatch));
    builder.phase = op.phase;
    builder.push(
      { ...op, inputs },
      op.outputs.map((id) => this.tensor(id, microBatch)),
    );
    if (op.kind === 'elementwise' && op.function === 'loss' && op.phase === 'input-gradient')
      this.shareLoss(op.outputs[0]!, microBatch);
    for (const id of op.outputs) if (this.summed.has(id)) this.sum(id, microBatch);
    for (const id of op.outputs) if (!this.isShared(id)) this.sendToReaders(id, microBatch);
  }

  /** A micro-batch has a part of the mini-batch's mean loss. */
  private shareLoss(gradient: TensorId, microBatch: number): void {
    const { builder, divided } = this;
    if (divided.microBatches === 1) return;
    const whole = this.tensor(gradient, microBatch);
    const { name, shape, role, dtype } = builder.tensors[whole]!;
    const part = builder.tensor(`${name}.part`, shape, role, dtype);
    const fields = { kind: 'elementwise', function: 'scale', factor: 1 / divided.microBatches } as const;
    builder.push({ ...fields, name: `${name}.part`, inputs: [whole] }, [part]);
    this.own.set(this.key(gradient, microBatch), part);
  }

  /** Adds a weight's gradient of a micro-batch to those before. */
  private sum(id: TensorId, microBatch: number): void {
    const { builder } = this;
    const gradient = this.tensor(id, microBatch);
    const before = this.sums.get(id);
    if (before === undefined) {
      this.sums.set(id, gradient);
      return;
    }
    const { name, shape, role, dtype } = builder.tensors[gradient]!;
    const sum = builder.tensor(`${name}.sum`, shape, role, dtype);
    builder.push({ kind: 'elementwise', function: 'add', name: `${name}.sum`, inputs: [before, gradient] }, [sum]);
    this.sums.set(id, sum);
  }

  private sendToReaders(id: TensorId, microBatch: number): void {
    const readers = [...(this.readers.get(id) ?? [])].sort((one, other) => one - other);
    for (const peer of readers) if (peer !== this.stage) this.send(id, microBatch, peer);
  }

  private send(id: TensorId, microBatch: number, peer: number): void {
    const { builder } = this;
    const { shape, dtype } = this.divided.step.tensors[id]!;
    const name = this.nameOf(id, microBatch);
    builder.phase = 'communicate';
    const sent = builder.tensor(name, shape, 'output', dtype);
    const fields = { kind: 'collective', function: 'send', ranks: 2, peer } as const;
    builder.push({ ...fields, name: `${name}.send`, inputs: [this.tensor(id, microBatch)] }, [sent]);
  }

  private receive(id: TensorId, microBatch: number, peer: number): void {
    const { builder } = this;
    const { shape, dtype } = this.divided.step.tensors[id]!;
    const name = this.nameOf(id, microBatch);
    builder.phase = 'communicate';
    const arriving = builder.tensor(name, shape, 'input', dtype);
    const fields = { kind: 'collective', function: 'receive', ranks: 2, peer } as const;
    builder.push({ ...fields, name: `${name}.receive`, inputs: [arriving] }, [this.tensor(id, microBatch)]);
  }

  private addUpdate(op: UpdateOp): void {
    const { builder } = this;
    const inputs = op.inputs.map((id, place) => {
      if (this.summed.has(id)) return this.sums.get(id)!;
      // A table's rows of all micro-batches, and the indices that say which they are.
      const isRows = op.sparse && (id === updateParts(op).gradient || place === op.inputs.length - 1);
      return isRows ? this.rowsOfAll(id) : this.available(id, 0);
    });
    builder.phase = 'update';
    builder.push(
      { ...op, inputs },
      op.outputs.map((id) => this.tensor(id, 0)),
    );
    this.sendToReaders(op.outputs[0]!, 0);
  }

  private rowsOfAll(id: TensorId): TensorId {
    const { builder, divided } = this;
    const parts = Array.from({ length: divided.microBatches }, (_, microBatch) => this.available(id, microBatch));
    if (parts.length === 1) return parts[0]!;
    const { name, shape, dtype } = divided.step.tensors[id]!;
    builder.phase = 'update';
    const whole = builder.tensor(`${name}.rows`, [parts.length * shape[0]!, ...shape.slice(1)], 'gradient', dtype);
    builder.push({ kind: 'move', function: 'concat', name: `${name}.rows`, inputs: parts, axis: 0 }, [whole]);
    return whole;
  }

  /** New values of weights that another stage updates and this one reads. */
  private receiveWeights(): void {
    const { step, stageOf } = this.divided;
    step.ops.forEach((op, index) => {
      if (op.kind !== 'update' || stageOf[index] === this.stage) return;
      const weight = op.outputs[0]!;
      if (this.readers.get(weight)?.has(this.stage)) this.receive(weight, 0, stageOf[index]!);
    });
  }
}
