import { InputError } from '../errors.ts';
import { listMachines, loadMachine } from '../machine/load.ts';
import { formats } from '../models/gpu/lower/check.ts';
import { gpu } from '../models/gpu/model.ts';
import { recurrentCall } from '../models/gpu/lower/recurrent.ts';
import { convSeconds } from '../models/gpu/predict/conv.ts';
import { deepbenchMath, gemmSeconds } from '../models/gpu/predict/gemm.ts';
import { timedProductSeconds } from '../models/gpu/predict/transformer.ts';
import { type VectorRow, vectorKernelSeconds, vectorSeconds } from '../models/gpu/predict/vector.ts';
import { type DType, DTYPES } from '../trace/trace.ts';
import { allReduceMs } from './all-reduce.ts';
import type { GpuSpec } from '../models/gpu/spec.ts';
import type { SmCache } from '../models/gpu/units/chip.ts';
import { SCHEMAS } from '../models/registry.ts';
import { type CsvRecord, measuredNumber, oneOf, wholeNumber } from './fields.ts';
import type { Kind, Pair } from './kind.ts';

/** A machine that rows of a file were measured on, and what has been simulated on it. */
interface Device {
  readonly spec: GpuSpec;
  readonly cache: SmCache;
}

/** Time of a row in seconds on a device. */
type Predict = (device: Device, record: CsvRecord, row: number) => number;

/** The machine of each row: the one asked for, or the one its device names. Throws InputError for unknown ones. */
function deviceFinder(arch: string | undefined): (record: CsvRecord, row: number) => Device {
  const known = new Map<string, Device>();
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const gpus = listMachines().filter(({ kind }) => kind === gpu.kind);
  return (record, row) => {
    const given = arch ?? record['device'] ?? '';
    const found = known.get(given);
    if (found !== undefined) return found;
    const name = arch ?? gpus.find((one) => plain(one.name) === plain(given))?.name;
    if (name === undefined)
      throw InputError.of(
        `row ${row + 1}: device`,
        JSON.stringify(given),
        `write ${gpus.map((one) => one.name).join(', ')}, or name a machine with --arch`,
      );
    const machine = loadMachine(name, [], SCHEMAS);
    if (machine.kind !== gpu.kind) throw InputError.of('--arch', name, 'name a GPU for measurements of GPU kernels');
    const device = { spec: gpu.schema.parse(machine.spec), cache: new Map() };
    known.set(given, device);
    return device;
  };
}

/** A kind of file whose rows are times of kernels in milliseconds. */
interface KernelKind {
  readonly name: string;
  readonly columns: readonly string[];
  readonly predict: Predict;
}

/** Predicts a row; throws InputError for a format that the machine does not have, or sizes that say nothing. */
function pairOf({ predict }: KernelKind, device: Device, record: CsvRecord, row: number): Pair {
  const precision = record['precision'] ?? '';
  if (!formats(device.spec).includes(precision))
    throw InputError.of(
      `row ${row + 1}: precision`,
      JSON.stringify(precision),
      `this machine multiplies ${formats(device.spec).join(', ')}`,
    );
  return {
    id: record['id'] ?? `row ${row + 1}`,
    measured: measuredNumber(record, 'time_ms', row),
    predicted: predict(device, record, row) * 1e3,
  };
}

/** DeepBench prints whole microseconds, cut off. */
function cutToMicroseconds(seconds: number): number {
  return Math.max(1, Math.floor(seconds * 1e6)) / 1e6;
}

const size = wholeNumber;

/** A backward time that is not split agrees with that of the data pass alone. */
const PASSES = {
  fwd: 'forward',
  bwd_data: 'input-gradient',
  bwd_weights: 'weight-gradient',
  bwd_unsplit: 'input-gradient',
} as const;
const PASS_WORDS = ['fwd', 'bwd_data', 'bwd_weights', 'bwd_unsplit'] as const;

const isHostTimed = (record: CsvRecord): boolean => record['flag']?.includes('host_sync_overhead') === true;
const bytesOf = (precision: string): number => DTYPES[precision as DType] / 8;

const predictGemm: Predict = ({ spec, cache }, record, row) => {
  const precision = record['precision']!;
  const [m, n, k] = [size(record, 'm', row), size(record, 'n', row), size(record, 'k', row)];
  const transposeA = oneOf(record, 'trans_a', row, ['N', 'T']) === 'T';
  const transposeB = oneOf(record, 'trans_b', row, ['N', 'T']) === 'T';
  if (isHostTimed(record))
    return timedProductSeconds(spec, { batch: 1, m, n, k, precision, operandBytes: bytesOf(precision) }, cache);
  return cutToMicroseconds(gemmSeconds(spec, { m, n, k, transposeA, transposeB, precision }, cache));
};

const predictConv: Predict = ({ spec, cache }, record, row) => {
  const at = (column: string): number => size(record, column, row);
  const padding = (column: string): number => wholeNumber(record, column, row, 0);
  const sizes = { w: at('w'), h: at('h'), c: at('c'), n: at('n'), k: at('k'), s: at('s'), r: at('r') };
  return cutToMicroseconds(
    convSeconds(
      spec,
      {
        ...sizes,
        pass: PASSES[oneOf(record, 'pass', row, PASS_WORDS)],
        padW: padding('pad_w'),
        padH: padding('pad_h'),
        strideW: at('stride_w'),
        strideH: at('stride_h'),
        precision: record['precision']!,
      },
      cache,
    ),
  );
};

const predictRecurrence: Predict = ({ spec, cache }, record, row) => {
  const call = recurrentCall(
    spec,
    {
      cell: oneOf(record, 'cell', row, ['vanilla', 'gru', 'lstm']),
      pass: PASSES[oneOf(record, 'pass', row, PASS_WORDS)],
      hidden: size(record, 'hidden', row),
      batch: size(record, 'batch', row),
      timeSteps: size(record, 'timesteps', row),
      precision: deepbenchMath(spec, record['precision']!),
      operandBytes: bytesOf(record['precision']!),
    },
    cache,
  );
  return cutToMicroseconds(call.seconds);
};

const predictVector: Predict = ({ spec, cache }, record, row) =>
  vectorSeconds(
    spec,
    {
      op: oneOf(record, 'op', row, ['softmax', 'layernorm', 'gelu_tanh']),
      rows: size(record, 'rows', row),
      columns: wholeNumber(record, 'cols', row, 1, 32),
      elementBytes: bytesOf(record['precision']!),
    },
    cache,
  );

/** Ranks that a layer's tensors are split over, and the network between them. */
const LAYER_NETWORK = { name: 'a100x4', ranks: 4 } as const;

const LAYER_WORDS = 'Q_K_V, Q_mul_K, A_mul_V, a name ending in _proj, Softmax, GeLU, LayerNorm or AllReduce';

/** One op of a transformer layer, with the sizes it has on one of the ranks. */
const predictLayer: Predict = ({ spec, cache }, record, row) => {
  const elementBytes = bytesOf(record['precision']!);
  const op = record['op']!;
  const elements = (): number => wholeNumber(record, 'elements', row, 1, 40);
  const vector = (kind: VectorRow['op'], columns: number): VectorRow => ({
    op: kind,
    rows: Math.max(1, Math.round(elements() / columns)),
    columns,
    elementBytes,
  });
  if (op === 'Softmax') return vectorSeconds(spec, vector('softmax', size(record, 'kv_len', row)), cache);
  if (op === 'GeLU') return vectorSeconds(spec, vector('gelu_tanh', elements()), cache);
  if (op.startsWith('LayerNorm')) {
    const shape = vector('layernorm', size(record, 'd_model', row));
    const subtracted = record['flag']?.includes('launch_overhead_subtracted') === true;
    return subtracted ? vectorKernelSeconds(spec, shape, cache) : vectorSeconds(spec, shape, cache);
  }
  if (op.startsWith('AllReduce'))
    return allReduceMs(LAYER_NETWORK.name, LAYER_NETWORK.ranks, elements() * elementBytes) / 1e3;
  if (!op.includes('_mul_') && !op.endsWith('_proj') && op !== 'Q_K_V')
    throw InputError.of(`row ${row + 1}: op`, JSON.stringify(op), `write ${LAYER_WORDS}`);
  const count = size(record, 'count', row);
  // Several projections of the same size were timed once; products of heads run as one batch.
  const repeated = op === 'Q_K_V';
  const product = { m: size(record, 'm', row), n: size(record, 'n', row), k: size(record, 'k', row) };
  const seconds = timedProductSeconds(
    spec,
    { ...product, batch: repeated ? 1 : count, precision: record['precision']!, operandBytes: elementBytes },
    cache,
  );
  return repeated ? count * seconds : seconds;
};

const KERNELS: readonly KernelKind[] = [
  {
    name: 'GPU matrix products',
    columns: ['m', 'n', 'k', 'trans_a', 'trans_b', 'precision', 'time_ms'],
    predict: predictGemm,
  },
  {
    name: 'GPU convolutions',
    columns: [
      ...['pass', 'w', 'h', 'c', 'n', 'k', 's', 'r', 'pad_w', 'pad_h', 'stride_w', 'stride_h'],
      ...['precision', 'time_ms'],
    ],
    predict: predictConv,
  },
  {
    name: 'GPU recurrent layers',
    columns: ['cell', 'hidden', 'batch', 'timesteps', 'pass', 'precision', 'time_ms'],
    predict: predictRecurrence,
  },
  {
    name: 'GPU normalisation, softmax and GELU',
    columns: ['op', 'rows', 'cols', 'precision', 'time_ms'],
    predict: predictVector,
  },
  {
    name: 'GPU transformer layers',
    columns: ['phase', 'op', 'precision', 'kv_len', 'd_model', 'count', 'm', 'n', 'k', 'elements', 'time_ms'],
    predict: predictLayer,
  },
];

export const GPU_KINDS: readonly Kind[] = KERNELS.map((kind) => ({
  name: kind.name,
  unit: 'ms',
  columns: kind.columns,
  predictor: (arch) => {
    const deviceOf = deviceFinder(arch);
    return (record, row) => pairOf(kind, deviceOf(record, row), record, row);
  },
}));

/** Predicts rows of one kind of kernels, all on a machine that need not be in a file. Throws InputError. */
export function predictKernels(spec: GpuSpec, records: readonly CsvRecord[]): Pair[] {
  const device = { spec, cache: new Map() };
  return records.map((record, row) => {
    const kind = KERNELS.find(({ columns }) => columns.every((column) => column in record));
    if (kind === undefined)
      throw InputError.of(`row ${row + 1}`, 'columns of no kind of kernels', 'see accsim validate');
    return pairOf(kind, device, record, row);
  });
}
