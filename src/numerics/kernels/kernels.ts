import { ModelBug } from '../../errors.ts';
import { type ConvPlan, type ConvTensors, planConvolution } from './conv-plan.ts';
import { type ConvShape, checkConvShape, convLengths } from './conv-shape.ts';
import { depthwiseForward, depthwiseInputGradient, depthwiseWeightGradient, isDepthwise } from './depthwise.ts';
import { type Gemm, gemm } from './gemm.ts';
import { Heap } from './heap.ts';
import { type KernelModule, loadModule } from './load.ts';
import { matrixForward, matrixInputGradient, matrixWeightGradient } from './matrix-convolution.ts';
import { Workspace } from './workspace.ts';

/**
 * The fast kernels: single precision, one thread, WebAssembly SIMD. All arrays come from `heap`; the kernels keep their own working
 * storage there too. Multiplications and additions are rounded one by one in an order that the sizes along the sum alone decide, so
 * results are the same on every machine, and the same whether the rows, columns, samples or channels of a result are computed at once
 * or split among threads. ModelBug: sizes that do not fit their arrays, or arrays that are not of this heap.
 */
export class Kernels {
  readonly #module: KernelModule;
  readonly #workspace: Workspace;

  constructor(
    bytes: Uint8Array,
    readonly heap: Heap,
  ) {
    this.#module = loadModule(bytes, heap.memory);
    this.#workspace = new Workspace(heap);
  }

  /** result[m, n] (+)= left[m, k] right[k, n]. */
  gemm(product: Gemm): void {
    gemm(this.#module, this.#workspace, product);
  }

  /** Whether no value is NaN or infinite. */
  allFinite(values: Float32Array): boolean {
    this.#own('values', values, values.length);
    return this.#module.allFinite(values.byteOffset, values.length) !== 0;
  }

  /** weights -= rate (factor gradients + decay weights), in double precision and rounded once. */
  descend(weights: Float32Array, gradients: Float32Array, rate: number, factor: number, decay: number): void {
    this.#own('weights', weights, gradients.length);
    this.#own('gradients', gradients, gradients.length);
    this.#module.descend(weights.byteOffset, gradients.byteOffset, gradients.length, rate, factor, decay);
  }

  /**
   * weights[i, j] -= rate (factor column[i] row[j] + decay weights[i, j]): `descend` along gradients that are rounded but not stored.
   * Where nothing but an infinite weight times 0 could change, nothing does.
   */
  descendAlong(
    weights: Float32Array,
    column: Float32Array,
    row: Float32Array,
    rate: number,
    factor: number,
    decay: number,
  ): void {
    this.#own('weights', weights, column.length * row.length);
    this.#own('column', column, column.length);
    this.#own('row', row, row.length);
    const [rows, columns] = [column.length, row.length];
    const { byteOffset } = weights;
    this.#module.descendAlong(byteOffset, rows, columns, column.byteOffset, row.byteOffset, rate, factor, decay);
  }

  /** output[n, k, p, q] = input[n, c, h, w] * weights[k, c / groups, r, s]. */
  convForward(shape: ConvShape, input: Float32Array, weights: Float32Array, output: Float32Array): void {
    const [plan, tensors] = this.#plan(shape, input, weights, output);
    if (isDepthwise(plan)) depthwiseForward(plan, tensors);
    else matrixForward(plan, tensors);
  }

  /** Replaces `inputGradient` [n, c, h, w]. */
  convInputGradient(
    shape: ConvShape,
    outputGradient: Float32Array,
    weights: Float32Array,
    inputGradient: Float32Array,
  ): void {
    const [plan, tensors] = this.#plan(shape, inputGradient, weights, outputGradient);
    if (isDepthwise(plan)) depthwiseInputGradient(plan, tensors);
    else matrixInputGradient(plan, tensors);
  }

  /** Replaces `weightGradient` [k, c / groups, r, s]: the sum over all samples. */
  convWeightGradient(
    shape: ConvShape,
    input: Float32Array,
    outputGradient: Float32Array,
    weightGradient: Float32Array,
  ): void {
    const [plan, tensors] = this.#plan(shape, input, weightGradient, outputGradient);
    if (isDepthwise(plan)) depthwiseWeightGradient(plan, tensors);
    else matrixWeightGradient(plan, tensors);
  }

  #plan(
    shape: ConvShape,
    input: Float32Array,
    weights: Float32Array,
    output: Float32Array,
  ): readonly [ConvPlan, ConvTensors] {
    checkConvShape(shape);
    const lengths = convLengths(shape);
    this.#check('input', input, lengths.input);
    this.#check('weights', weights, lengths.weights);
    this.#check('output', output, lengths.output);
    const tensors = { input: input.byteOffset, weights: weights.byteOffset, output: output.byteOffset };
    return [planConvolution(this.#module, this.#workspace, shape), tensors];
  }

  #own(name: string, array: Float32Array, length: number): void {
    if (array.length !== length) throw new ModelBug(`the ${name} have ${array.length} elements, not ${length}`);
    if (!this.heap.owns(array)) throw new ModelBug(`the ${name} lie outside the kernels’ memory`);
  }

  #check(name: string, array: Float32Array, length: number): void {
    if (array.length !== length) {
      throw new ModelBug(`the ${name} of a convolution has ${array.length} elements, its shape says ${length}`);
    }
    if (!this.heap.owns(array)) throw new ModelBug(`the ${name} of a convolution lies outside the kernels’ memory`);
  }
}

/** Kernels from the bytes of dist/kernels.wasm; without a heap, over a memory of their own. */
export function createKernels(bytes: Uint8Array, heap: Heap = new Heap()): Kernels {
  return new Kernels(bytes, heap);
}
