import { describe, expect, it } from 'vitest';
import type { Data } from '../../src/data.ts';
import { elements, parameters, totalMacs } from '../../src/trace/facts.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { Session } from '../../src/training/execute/session.ts';
import { trainingStep } from '../../src/training/step.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { catalogueNetwork, workloadNames } from '../../src/workload/catalogue.ts';
import type { Layer } from '../../src/workload/layer.ts';
import type { Network } from '../../src/workload/network.ts';
import { inputsFor } from './execute/network.ts';

const FP32 = { weights: 'fp32', activations: 'fp32' } as const;
/** What a test can afford in one step; networks beyond are made smaller. */
const MOST_MACS = 1e8;
const MOST_PARAMETERS = 2e6;
/** Networks that cannot be run with values, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

const WIDTHS: ReadonlySet<string> = new Set(['out', 'hidden', 'width', 'inner']);
const LONGEST_SEQUENCE = 6;
/** Classes and rows of tables that are words. */
const WORDS = 40;
/** Height and width, enough for the windows of all; U-Net joins halves, CNN1 ends in a window of 7. */
const IMAGE = 75;
const IMAGES: Readonly<Record<string, number>> = { unet: 64, 'tpuv1-cnn1': 224 };

/** Lengths of 32 and more by a sixteenth; vocabularies to 40 words. Equal lengths stay equal. */
function narrow(length: number): number {
  if (length > 20_000) return WORDS;
  return length < 32 ? length : Math.max(8, Math.round(length / 16));
}

function smallerLayer(layer: Layer): Layer {
  const changed = Object.entries(layer.parameters).map(([key, value]): [string, Data] => {
    if (typeof value !== 'number') return [key, value];
    if (key === 'rows') return [key, Math.min(value, WORDS)];
    return [key, WIDTHS.has(key) ? narrow(value) : value];
  });
  return { ...layer, parameters: Object.fromEntries(changed) };
}

/** The same layers in the same order on smaller tensors. */
function smaller(network: Network): Network {
  const image = IMAGES[network.name] ?? IMAGE;
  const inputs = Object.entries(network.inputs).map(([name, input]) => {
    const [first, ...rest] = input.shape;
    const shape =
      input.dtype === 'int32' && first! > 26
        ? [Math.min(first!, LONGEST_SEQUENCE)]
        : rest.length === 1
          ? [Math.min(first!, LONGEST_SEQUENCE), narrow(rest[0]!)]
          : [input.dtype === 'int32' ? first! : narrow(first!), ...rest.map((length) => Math.min(length, image))];
    return [name, { ...input, shape }] as const;
  });
  return { ...network, inputs: Object.fromEntries(inputs), layers: network.layers.map(smallerLayer) };
}

function record(network: Network, batch: number): Trace {
  const forward = buildTrace(network, { batch, precision: FP32, precisionText: 'fp32', training: true });
  return trainingStep(forward, { optimizer: 'adam', precision: FP32 });
}

describe('networks of the catalogue learn a mini-batch', () => {
  it('all of them', () => expect(EXCEPTIONS).toEqual({}));

  it.each(workloadNames())('%s', (name) => {
    const network = catalogueNetwork(name)!;
    const whole = record(network, 2);
    const fits = totalMacs(whole) <= MOST_MACS && parameters(whole) <= MOST_PARAMETERS;
    const used = fits ? network : smaller(network);
    const trace = fits ? whole : record(used, 2);
    const session = new Session(trace, { seed: 3 });
    const losses: number[] = [];
    for (let step = 0; step < 6; step++) {
      session.run(inputsFor(trace, 1), { learningRate: 0.002 });
      losses.push(session.loss!);
    }
    expect(losses.every(Number.isFinite), losses.join(' ')).toBe(true);
    expect(losses.at(-1), losses.join(' ')).toBeLessThan(losses[0]!);
    // What ran is what shapes alone record, and every tensor has the size the trace gives it.
    expect(session.trace).toEqual(record(used, 2));
    trace.tensors.forEach(({ role, shape }, id) => {
      if (role === 'weight' || role === 'state') expect(session.values(id)).toHaveLength(elements(shape));
    });
  });
});

it('the tables of dlrm change by the rows that were picked', () => {
  const trace = record(catalogueNetwork('dlrm')!, 2);
  const sparse = trace.ops.filter((op) => op.kind === 'update' && op.sparse);
  expect(sparse.map(({ name }) => name)).toEqual(
    Array.from({ length: 26 }, (_, table) => `table${table}.weight.update`),
  );
  for (const { inputs } of sparse) expect(inputs.map((id) => trace.tensors[id]!.shape)).toContainEqual([2, 16]);
});
