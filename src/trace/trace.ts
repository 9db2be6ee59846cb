/**
 * The trace: the ordered operations of one run of a workload, with tensors, shapes, dtypes, phases and measured
 * densities. It holds no time and knows no machine. Shapes are logical: activations [N, C, H, W] or [N, features],
 * convolution weights [K, C/groups, R, S], matmul operands [M, K] x [K, N].
 */

export const DTYPES = {
  int4: 4,
  int8: 8,
  int16: 16,
  int32: 32,
  fp8e5m2: 8,
  fp8e4m3: 8,
  fp16: 16,
  bf16: 16,
  tf32: 32,
  fp32: 32,
  fp64: 64,
  ternary: 2,
  dfp16: 16,
  bool: 8,
} as const;
/** A number format; the table gives its storage width in bits. */
export type DType = keyof typeof DTYPES;

export const PHASES = ['forward', 'input-gradient', 'weight-gradient', 'update', 'communicate'] as const;
export type Phase = (typeof PHASES)[number];

export const TENSOR_ROLES = ['input', 'weight', 'state', 'activation', 'gradient', 'output'] as const;
/** weight: a trained parameter; state: what an optimizer or a recurrent cell keeps; output: leaves the machine. */
export type TensorRole = (typeof TENSOR_ROLES)[number];

/** Index of a tensor in `Trace.tensors`. */
export type TensorId = number;

/** At most n of every m neighbours along the reduction of the forward pass (input channels, features) are not zero. */
export interface SparsePattern {
  readonly n: number;
  readonly m: number;
}

export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly role: TensorRole;
  /** Measured share of non-zero elements, 0..1; absent means dense or not measured. */
  readonly density?: number;
  /** Where the zeros of a weight lie, if a machine may count on it. */
  readonly pattern?: SparsePattern;
}

interface OpBase {
  readonly id: string;
  /** Layer the op belongs to, as people read it. */
  readonly name: string;
  readonly phase: Phase;
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
}

/** How a matrix of a batch lies in its tensor; absent: [batch, rows, columns] row by row. */
export interface Layout {
  /** Stored with rows and columns exchanged. */
  readonly transposed?: boolean;
  /** So many matrices of a batch lie side by side in each row: [batch / heads, rows, heads * columns] (attention). */
  readonly heads?: number;
}

/** `batch` independent products of [m, k] by [k, n]; inputs[0] is the left operand, inputs[1] the right (or the weights). */
export interface MatmulOp extends OpBase {
  readonly kind: 'matmul';
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly left?: Layout;
  readonly right?: Layout;
  readonly result?: Layout;
}

/**
 * Convolution. inputs[0] is the activation [n, c, h, w] (input-gradient: the output gradient), inputs[1] the weights
 * (weight-gradient: the output gradient). The dimensions are always those of the forward layer.
 */
export interface ConvOp extends OpBase {
  readonly kind: 'conv';
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly k: number;
  readonly r: number;
  readonly s: number;
  readonly p: number;
  readonly q: number;
  readonly stride: readonly [number, number];
  /** top, left, bottom, right */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  /** true: a transposed convolution (fractional stride), as in U-Net's up-convolution. */
  readonly transposed: boolean;
}

export interface PoolOp extends OpBase {
  readonly kind: 'pool';
  readonly function: 'max' | 'average';
  readonly window: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
}

/**
 * forward: inputs are the operand, scale and shift of each channel (local-response: the operand alone), and for `weight` the weights of
 * the layer before it, by whose norms it divides. `batch`, `batch-renorm` and `online` keep running statistics, two states a channel:
 * the op reads them last, and where it has one result it normalises by them (tests); in training it has them as outputs[1] and [2] too,
 * and `batch-renorm` and `online` leave in outputs[3] what the backward pass needs of the statistics. Backward: gradient, operand,
 * scale, and that; `online` also reads and writes two states. weight-gradient: outputs are the gradients of what followed the operand.
 */
export interface NormOp extends OpBase {
  readonly kind: 'norm';
  readonly function: 'batch' | 'layer' | 'instance' | 'group' | 'weight' | 'local-response' | 'online' | 'batch-renorm';
}

export interface SoftmaxOp extends OpBase {
  readonly kind: 'softmax';
  /** Length of the normalised axis. */
  readonly axisLength: number;
}

export const ELEMENTWISE = [
  'relu',
  'relu6',
  'sigmoid',
  'tanh',
  'gelu',
  'silu',
  'hardswish',
  'leaky-relu',
  'add',
  'sub',
  'mul',
  'bias',
  'scale',
  'dropout',
  'exp',
  'cast',
  'quantize',
  'loss',
  'mask',
] as const;
/**
 * Operands of different shapes are matched from the last axis, lengths of 1 are repeated; a `bias` of one axis belongs to the
 * channels of a feature map. input-gradient: inputs[0] is the output gradient, inputs[1] what the derivative is taken from.
 */
export interface ElementwiseOp extends OpBase {
  readonly kind: 'elementwise';
  readonly function: (typeof ELEMENTWISE)[number];
  /** scale: what it multiplies by. */
  readonly factor?: number;
}

/** Over some axes, which the result has not; input-gradient: repeats the output gradient along them. */
export interface ReduceOp extends OpBase {
  readonly kind: 'reduce';
  readonly function: 'sum' | 'mean' | 'max' | 'norm';
  readonly axes: readonly number[];
}

/** Rows picked from a table: inputs[0] is the table [rows, width], inputs[1] the indices. */
export interface GatherOp extends OpBase {
  readonly kind: 'gather';
  readonly rows: number;
  readonly width: number;
  /** true: the picked rows of one sample are summed (DLRM's embedding bags); gradient: scatter-add. */
  readonly pooled: boolean;
}

/**
 * A weight changes: inputs are the weight (left out where a master copy stands for it), its gradient, then the master copy and
 * what the optimizer keeps; outputs the weight and all that is kept. sparse: the gradient holds rows of a table, and the last
 * input says which.
 */
export interface UpdateOp extends OpBase {
  readonly kind: 'update';
  readonly optimizer: 'gd' | 'sgd' | 'momentum' | 'nesterov' | 'sag' | 'adagrad' | 'rmsprop' | 'adam' | 'lars';
  readonly sparse: boolean;
  /** Steps since the forward pass that the gradient belongs to, where layers work on different mini-batches at a time; absent: 0. */
  readonly delaySteps?: number;
}

/**
 * Ranks exchange data; the trace is that of one rank. inputs are what this rank gives, outputs what it has afterwards, so that sizes
 * follow from the tensors: all-reduce as large as given, all-gather `ranks` times. send and receive work on two ranks, this one and
 * `peer`: what is sent goes to a tensor of role output, what is received comes from one of role input and the same name.
 */
export interface CollectiveOp extends OpBase {
  readonly kind: 'collective';
  readonly function:
    | 'broadcast'
    | 'reduce'
    | 'gather'
    | 'scatter'
    | 'all-gather'
    | 'reduce-scatter'
    | 'all-reduce'
    | 'all-to-all'
    | 'barrier'
    | 'send'
    | 'receive';
  readonly ranks: number;
  /** send and receive: the other rank, from 0. */
  readonly peer?: number;
}

/**
 * Data changes place or layout without arithmetic. A concat or view that needs no traffic on most machines is a move too.
 * concat and split work along `axis`; operands may lack it (steps of a sequence). split cuts from `start` on; pad puts its operand
 * there among zeros. triangle takes the pairs below the diagonal of square matrices. delay is at the end of a step: inputs are a tensor
 * and states with its values of 1, 2 ... steps ago, each of which goes into the next; outputs are the states.
 */
export interface MoveOp extends OpBase {
  readonly kind: 'move';
  readonly function: 'concat' | 'split' | 'transpose' | 'reshape' | 'pad' | 'copy' | 'upsample' | 'triangle' | 'delay';
  readonly axis?: number;
  readonly start?: number;
  /** transpose: axis of the operand that becomes each axis of the result. */
  readonly permutation?: readonly number[];
}

export type Op =
  | MatmulOp
  | ConvOp
  | PoolOp
  | NormOp
  | SoftmaxOp
  | ElementwiseOp
  | ReduceOp
  | GatherOp
  | UpdateOp
  | CollectiveOp
  | MoveOp;
export type OpKind = Op['kind'];

/** How numbers are held in a run: `int8` (both) or `int8/int16` (weights/activations). */
export interface Precision {
  readonly weights: DType;
  readonly activations: DType;
}

export interface Trace {
  readonly schema: 'accsim.trace/1';
  readonly workload: {
    readonly name: string;
    readonly batch: number;
    readonly phase: 'inference' | 'training';
    /** As the user would write it: `int8`, `bf16`, `int8/int16`. */
    readonly precision: string;
  };
  readonly tensors: readonly Tensor[];
  readonly ops: readonly Op[];
}
