import { InputError, type Problem } from '../errors.ts';
import type { Precision, Trace } from '../trace/trace.ts';
import { TraceBuilder } from '../trace/builder.ts';
import { MAX_LENGTH } from './network.ts';
import { readRows, type Row } from './scalesim-rows.ts';

export interface LayerListOptions {
  readonly name: string;
  readonly batch: number;
  readonly precision: Precision;
  readonly precisionText: string;
}

/**
 * A SCALE-Sim topology CSV as a trace of unconnected layers: rows `name, ifmap H, ifmap W, filter H, filter W, channels,
 * filters, stride[, stride W]` or `name, M, N, K`. Header lines of any wording, blank lines, Windows line ends, trailing
 * commas and sparsity columns (`2:4`) are accepted; sparsity is not applied.
 *
 * Output sizes are floor((I - F) / stride) + 1 without padding. SCALE-Sim itself takes the ceiling, which counts positions
 * that the filter does not wholly cover, so rows whose stride does not divide I - F have fewer outputs here. As in the
 * tool, a name that contains `DP` is a depthwise layer; each channel gets all filters of the row.
 */
export function scalesimTrace(text: string, file: string, options: LayerListOptions): Trace {
  const builder = new TraceBuilder(options.batch, options.precision);
  const problems: Problem[] = [];
  const rows = readRows(text, file);
  for (const row of rows) problems.push(...addRow(builder, row));
  if (problems.length > 0) throw new InputError(problems);
  builder.tensors.forEach((tensor, id) => {
    if (tensor.role === 'activation') builder.tensors[id] = { ...tensor, role: 'output' };
  });
  return {
    schema: 'accsim.trace/1',
    workload: { name: options.name, batch: options.batch, phase: 'inference', precision: options.precisionText },
    tensors: builder.tensors,
    ops: builder.ops,
  };
}

function addRow(builder: TraceBuilder, row: Row): Problem[] {
  const { where, label, numbers } = row;
  const known = numbers.length === 3 || numbers.length === 7 || numbers.length === 8;
  if (!known) {
    return [
      {
        where,
        found: `${label} has ${numbers.length} numbers`,
        remedy: 'give 3 (M, N, K) for a matrix product, 7 or 8 for a convolution',
      },
    ];
  }
  if (numbers.some((value) => value < 1 || value > MAX_LENGTH)) {
    return [{ where, found: `${label}: ${numbers.join(', ')}`, remedy: `write whole numbers from 1 to ${MAX_LENGTH}` }];
  }
  return numbers.length === 3 ? addMatmul(builder, row) : addConv(builder, row);
}

function addMatmul(builder: TraceBuilder, { label, line, numbers }: Row): Problem[] {
  const [m, n, k] = numbers as readonly [number, number, number];
  const rows = m * builder.batch;
  const input = builder.tensor(`${label}.input`, [rows, k], 'input', builder.precision.activations);
  const weight = builder.weight(`${label}@${line}.weight`, [k, n]);
  builder.op({ kind: 'matmul', name: label, batch: 1, m: rows, n, k, inputs: [input, weight] }, [rows, n]);
  return [];
}

function addConv(builder: TraceBuilder, { where, label, line, numbers }: Row): Problem[] {
  const [h, w, r, s, c, filters, strideY, strideX = strideY] = numbers as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number?,
  ];
  const depthwise = label.includes('DP');
  const groups = depthwise ? c : 1;
  const k = depthwise ? c * filters : filters;
  const p = Math.floor((h - r) / strideY) + 1;
  const q = Math.floor((w - s) / strideX) + 1;
  if (p < 1 || q < 1)
    return [
      {
        where,
        found: `${label}: a ${r} x ${s} filter on ${h} x ${w}`,
        remedy: 'use a filter no larger than its input',
      },
    ];
  const input = builder.tensor(`${label}.input`, [builder.batch, c, h, w], 'input', builder.precision.activations);
  const weight = builder.weight(`${label}@${line}.weight`, [k, c / groups, r, s]);
  builder.op(
    {
      kind: 'conv',
      name: label,
      n: builder.batch,
      c,
      h,
      w,
      k,
      r,
      s,
      p,
      q,
      stride: [strideY, strideX],
      padding: [0, 0, 0, 0],
      dilation: [1, 1],
      groups,
      transposed: false,
      inputs: [input, weight],
    },
    [builder.batch, k, p, q],
  );
  return [];
}
