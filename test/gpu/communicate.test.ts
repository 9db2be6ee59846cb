import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSimulation } from '../../src/cli/simulation.ts';
import { STALL_CAUSES } from '../../src/events/events.ts';
import { loadMachine } from '../../src/machine/load.ts';
import { runRank } from '../../src/models/gpu/assemble.ts';
import { endAmong } from '../../src/models/gpu/contention.ts';
import { lower } from '../../src/models/gpu/lower/lower.ts';
import { gpuSpec } from '../../src/models/gpu/spec.ts';
import { runTogether } from '../../src/models/gpu/stages.ts';
import { SCHEMAS } from '../../src/models/registry.ts';
import { simulate } from '../../src/simulate.ts';
import { TraceBuilder } from '../../src/trace/builder.ts';
import type { TensorId, Trace } from '../../src/trace/trace.ts';
import { parseParallel } from '../../src/training/scaling/parallel.ts';
import { loadTrace, loadTraces, type TraceOptions } from '../../src/workload/load.ts';

const DGX1 = loadMachine('dgx1', [], SCHEMAS);
/** With an L2 that holds nothing, so that a product takes as long whatever ran before. */
const SPEC = gpuSpec.parse(loadMachine('dgx1', ['l2.sizeKiB=1'], SCHEMAS).spec);
const SQUARE: readonly number[] = [64, 64];
const FP16 = { weights: 'fp16', activations: 'fp16' } as const;

/** Writes traces of square products of 64 x 64, which no transfer slows down: they have one block. */
class Writer {
  readonly builder = new TraceBuilder(1, FP16);

  input(name = 'input', shape = SQUARE): TensorId {
    return this.builder.tensor(name, shape, 'input', 'fp16');
  }

  product(left: TensorId, right = left): TensorId {
    const result = this.builder.tensor('product', [64, 64], 'activation', 'fp16');
    const shape = { batch: 1, m: 64, n: 64, k: 64 };
    this.builder.push({ kind: 'matmul', name: `product.${result}`, ...shape, inputs: [left, right] }, [result]);
    return result;
  }

  allReduce(given: TensorId, ranks = 8): TensorId {
    const result = this.builder.tensor('sum', this.builder.shape(given), 'activation', 'fp16');
    this.builder.push({ kind: 'collective', function: 'all-reduce', name: 'sum', ranks, inputs: [given] }, [result]);
    return result;
  }

  send(given: TensorId, peer: number, name: string): void {
    const sent = this.builder.tensor(name, this.builder.shape(given), 'output', 'fp16');
    this.builder.push({ kind: 'collective', function: 'send', name, ranks: 2, peer, inputs: [given] }, [sent]);
  }

  receive(peer: number, name: string, shape = SQUARE): TensorId {
    const arriving = this.input(name, shape);
    const received = this.builder.tensor('received', shape, 'activation', 'fp16');
    this.builder.push({ kind: 'collective', function: 'receive', name, ranks: 2, peer, inputs: [arriving] }, [
      received,
    ]);
    return received;
  }

  trace(): Trace {
    const workload = { name: 'test', batch: 1, phase: 'inference', precision: 'fp16' } as const;
    return { schema: 'accsim.trace/1', workload, tensors: this.builder.tensors, ops: this.builder.ops };
  }
}

/** One rank whose transfers take these cycles each, and so many SMs and bytes at memory from those who compute. */
function runWith(trace: Trace, transferCycles: readonly number[], channels = 0, memoryReadBytes = 0) {
  const stalls: Record<number, number> = {};
  const links: number[][] = [];
  const calls: number[][] = [];
  let transfers = 0;
  const steps = lower(SPEC, trace, 0).map((step) =>
    step.kind === 'call'
      ? step
      : {
          ...step,
          seconds: (transferCycles[transfers++]! - 0.5) / (SPEC.clockMHz * 1e6),
          channels,
          memoryReadBytes,
          memoryWriteBytes: 0,
        },
  );
  const spans = (unit: number): number[][] => (unit === 0 ? calls : links);
  const observer = {
    busy: (unit: number, op: number, start: number, cycles: number) =>
      void spans(unit).push([op, start, start + cycles]),
    stall: (unit: number, op: number, cause: number, start: number, cycles: number) => {
      if (STALL_CAUSES[cause] === 'communication') stalls[op] = (stalls[op] ?? 0) + cycles;
      else spans(unit).push([op, start, start + cycles]);
    },
    access: () => {},
    mark: () => {},
    fold: () => {},
  };
  const run = runRank(SPEC, trace, steps, { mailbox: new Map(), cache: new Map() }, observer, { unfolded: false });
  const [times] = runTogether([run]);
  return { cycles: times!.cycles, stalls, links, calls };
}

const alone = new Writer();
alone.product(alone.input());
/** A product whose operands come from memory. */
const PRODUCT = runWith(alone.trace(), []).cycles;

describe('overlap of transfers with computing', () => {
  const overlapped = new Writer();
  const first = overlapped.product(overlapped.input());
  const sum = overlapped.allReduce(first);
  for (let independent = 0; independent < 3; independent++) overlapped.product(overlapped.input());
  overlapped.product(sum);
  const trace = overlapped.trace();

  it('a transfer that is short enough costs nothing', () => {
    expect(runWith(trace, [3 * PRODUCT])).toMatchObject({
      cycles: 5 * PRODUCT,
      stalls: {},
      links: [[1, PRODUCT, 4 * PRODUCT]],
    });
  });

  it('of a longer one the op that reads its result waits for the rest', () => {
    expect(runWith(trace, [3 * PRODUCT + 700])).toMatchObject({ cycles: 5 * PRODUCT + 700, stalls: { 5: 700 } });
  });

  it('a transfer whose result nobody reads still has to end, and is charged itself', () => {
    const writer = new Writer();
    writer.allReduce(writer.product(writer.input()));
    expect(runWith(writer.trace(), [900])).toMatchObject({ cycles: PRODUCT + 900, stalls: { 1: 900 } });
  });

  it('transfers follow each other on the link', () => {
    const writer = new Writer();
    const input = writer.input();
    writer.allReduce(input);
    writer.product(writer.allReduce(input));
    expect(runWith(writer.trace(), [1000, 500])).toMatchObject({
      cycles: 1500 + PRODUCT,
      links: [
        [0, 0, 1000],
        [1, 1000, 1500],
      ],
      stalls: { 2: 1500 },
    });
  });

  it('a view of what comes from others is waited for as that itself', () => {
    const writer = new Writer();
    const { builder } = writer;
    const sum = writer.allReduce(writer.input());
    const view = builder.tensor('view', [64, 64], 'activation', 'fp16');
    builder.push({ kind: 'move', function: 'reshape', name: 'view', inputs: [sum] }, [view]);
    writer.product(view);
    expect(runWith(writer.trace(), [5000]).cycles).toBe(5000 + PRODUCT);
  });

  it('pointwise ops on what others have sent run after it has come', () => {
    const writer = new Writer();
    const { builder } = writer;
    const given = writer.product(writer.input());
    const sum = writer.allReduce(given);
    const result = builder.tensor('result', [64, 64], 'activation', 'fp16');
    builder.push({ kind: 'elementwise', function: 'relu', name: 'relu', inputs: [sum] }, [result]);
    const { calls, links } = runWith(writer.trace(), [5000]);
    expect(links).toEqual([[1, PRODUCT, PRODUCT + 5000]]);
    expect(Math.min(...calls.filter(([op]) => op === 2).map(([, start]) => start!))).toBe(PRODUCT + 5000);
  });

  it('pointwise ops that read weights of others do not run with a product that stands before these have come', () => {
    const writer = new Writer();
    const { builder } = writer;
    const early = writer.product(writer.input());
    writer.product(writer.input());
    const weight = builder.tensor('weight', [64, 64], 'weight', 'fp16');
    const ranks = { kind: 'collective', function: 'broadcast', ranks: 8 } as const;
    builder.push({ ...ranks, name: 'broadcast', inputs: [writer.input()] }, [weight]);
    const result = builder.tensor('result', [64, 64], 'activation', 'fp16');
    builder.push({ kind: 'elementwise', function: 'mul', name: 'mul', inputs: [early, weight] }, [result]);
    const { calls } = runWith(writer.trace(), [5000]);
    expect(Math.min(...calls.filter(([op]) => op === 3).map(([, start]) => start!))).toBe(2 * PRODUCT + 5000);
  });

  it('is that of a schedule worked out op by op, for any order and length of transfers', () => {
    const step = fc.record({
      reads: fc.nat(30),
      transfers: fc.boolean(),
      cycles: fc.integer({ min: 1, max: 3 * PRODUCT }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const writer = new Writer();
        const tensors = [writer.input()];
        // When each tensor is there; the stream and the link do one thing after the other.
        const there = [0];
        let stream = 0;
        let link = 0;
        for (const { reads, transfers, cycles } of steps) {
          const operand = reads % tensors.length;
          if (transfers) {
            link = Math.max(stream, link, there[operand]!) + cycles;
            tensors.push(writer.allReduce(tensors[operand]!));
            there.push(link);
          } else {
            stream = Math.max(stream, there[operand]!) + PRODUCT;
            tensors.push(writer.product(tensors[operand]!, writer.input()));
            there.push(stream);
          }
        }
        const lengths = steps.flatMap(({ transfers, cycles }) => (transfers ? [cycles] : []));
        const { cycles, stalls } = runWith(writer.trace(), lengths);
        const products = steps.filter(({ transfers }) => !transfers).length;
        const lost = Object.values(stalls).reduce((total, cycles) => total + cycles, 0);
        expect(cycles).toBe(Math.max(stream, link));
        expect(cycles - lost).toBe(products * PRODUCT);
      }),
      { seed: 4, numRuns: 60 },
    );
  });
});

describe('what transfers take from those who compute', () => {
  it('work goes on at another pace while spans last', () => {
    const spans = [
      { startCycle: 100, endCycle: 200, factor: 2 },
      { startCycle: 200, endCycle: 230, factor: 3 },
    ];
    expect(endAmong(0, 50, spans)).toBe(50);
    expect(endAmong(0, 140, spans)).toBe(180);
    // 100 before, 50 within the first, 10 within the second, 40 behind.
    expect(endAmong(0, 200, spans)).toBe(270);
    expect(endAmong(150, 25, spans)).toBe(200);
    expect(endAmong(300, 7, spans)).toBe(307);
  });

  it('half of the SMs make a large product take about twice as long, and the cause is communication', () => {
    const writer = new Writer();
    const { builder } = writer;
    const [left, right] = [0, 1].map(() => builder.tensor('operand', [4096, 4096], 'input', 'fp16')) as [
      number,
      number,
    ];
    const product = builder.tensor('product', [4096, 4096], 'activation', 'fp16');
    const shape = { batch: 1, m: 4096, n: 4096, k: 4096 };
    builder.push({ kind: 'collective', function: 'barrier', name: 'barrier', ranks: 8, inputs: [] }, []);
    builder.push({ kind: 'matmul', name: 'product', ...shape, inputs: [left, right] }, [product]);
    const trace = writer.trace();
    const free = runWith(trace, [1]).cycles;
    const { cycles, stalls } = runWith(trace, [1e8], 40);
    const charged = stalls[1]!;
    expect(cycles).toBe(1e8);
    expect(charged / free).toBeGreaterThan(0.8);
    expect(charged / free).toBeLessThan(1.2);
  });

  it('memory is shared, but never more than half of it is taken', () => {
    const writer = new Writer();
    const { builder } = writer;
    const operand = builder.tensor('operand', [2 ** 27], 'input', 'fp16');
    const result = builder.tensor('result', [2 ** 27], 'activation', 'fp16');
    builder.push({ kind: 'collective', function: 'barrier', name: 'barrier', ranks: 8, inputs: [] }, []);
    builder.push({ kind: 'elementwise', function: 'relu', name: 'relu', inputs: [operand] }, [result]);
    // 10^8 cycles are 65.4 ms, in which memory moves 900 GB/s: a third of that is 19.6 GB.
    const lost = (bytes: number) => runWith(writer.trace(), [1e8], 0, bytes).stalls[1]!;
    const free = runWith(writer.trace(), [1]).cycles;
    expect(lost(19.6e9) / free).toBeCloseTo(0.5, 1);
    expect(lost(58.8e9) / free).toBeCloseTo(1, 1);
  });
});

describe('a collective on a DGX-1', () => {
  const writer = new Writer();
  const vector = writer.builder.tensor('vector', [2 ** 25], 'input', 'fp16');
  writer.allReduce(vector);
  const { report } = simulate(DGX1, writer.trace());
  const bytes = 2 ** 26;

  it('moves 2 (p - 1) / p of its bytes over the links of a rank, in each direction, priced per byte', () => {
    const { link } = report.totals.trafficBytes;
    expect(link!.write / ((2 * 7 * bytes) / 8)).toBeCloseTo(1, 5);
    // Blocks differ by a byte where they must.
    expect(link!.read / link!.write).toBeCloseTo(1, 6);
    // 36 pJ a byte at each end, times the machine's 1.86.
    expect(report.totals.energyPjByComponent['link']! / (link!.read + link!.write)).toBeCloseTo(36 * 1.86, 9);
  });

  it('reads what it gives, writes what it gets, and passes what comes through a buffer', () => {
    const { hbm, link } = report.totals.trafficBytes;
    expect(hbm!.read).toBe(link!.read + bytes);
    expect(hbm!.write).toBe(link!.read + bytes);
  });

  it('takes about 2 (p - 1) / p of its bytes at 6 lanes of 20 GB/s, and the closed formula stands beside', () => {
    const ideal = ((2 * 7 * bytes) / 8 / 120e9) * 1e6;
    const note = report.notes.find((text) => text.includes('all-reduce'))!;
    const [, simulated, formula] = /: ([\d.]+) us each, closed formula ([\d.]+) us/.exec(note)!.map(Number);
    expect(simulated! / ideal).toBeGreaterThan(1);
    expect(simulated! / ideal).toBeLessThan(1.1);
    expect(formula! / simulated!).toBeCloseTo(1, 2);
  });

  it('charges every cycle of the lead unit, and is the same unfolded', () => {
    const { totals, units } = report;
    expect(totals.stallCycles).toEqual({ communication: totals.cycles });
    expect(units.map(({ name, idleCycles }) => [name, idleCycles])).toEqual([
      ['sm', 0],
      ['link', 0],
    ]);
    expect(simulate(DGX1, writer.trace(), { unfolded: true }).report).toEqual(report);
  });
});

describe('a pipeline', () => {
  /** 64 x 64 fp16 from rank 0 to 1 of a DGX-1: LL, 6.6 + 0.6 us and 8,192 bytes at a quarter of 20 GB/s: 8.8384 us. */
  const MESSAGE = Math.ceil(8.8384 * 1530);

  function report(traces: readonly Trace[], stage: number) {
    return simulate(DGX1, traces[stage]!, { stages: traces }).report;
  }

  it('there and back: each stage waits while the other works, and while data is on its way', () => {
    const [near, far] = [new Writer(), new Writer()];
    near.send(near.product(near.input()), 1, 'there');
    far.send(far.product(far.receive(0, 'there')), 0, 'back');
    near.product(near.receive(1, 'back'));
    const traces = [near.trace(), far.trace()];
    const total = 3 * PRODUCT + 2 * MESSAGE;
    const [first, second] = [report(traces, 0), report(traces, 1)];
    expect(first.totals.cycles).toBe(total);
    expect(first.totals.stallCycles).toMatchObject({ pipeline: PRODUCT + MESSAGE, communication: MESSAGE });
    expect(second.totals.cycles).toBe(total);
    // Its own message is on the way after its product; then the other stage has a product to do.
    expect(second.totals.stallCycles).toMatchObject({ pipeline: 2 * PRODUCT, communication: 2 * MESSAGE });
    expect(first.notes.filter((note) => note.startsWith('Stage '))).toHaveLength(2);
  });

  it('micro-batches overlap; where messages take longer than products, the link sets the pace', () => {
    const microBatches = 6;
    const [near, far] = [new Writer(), new Writer()];
    for (let index = 0; index < microBatches; index++) {
      near.send(near.product(near.input()), 1, `micro-batch ${index}`);
      far.product(far.receive(0, `micro-batch ${index}`));
    }
    expect(MESSAGE).toBeGreaterThan(PRODUCT);
    expect(report([near.trace(), far.trace()], 1).totals.cycles).toBe(PRODUCT + microBatches * MESSAGE + PRODUCT);
  });

  it('a stage passes on what it receives as soon as it has come', () => {
    const [first, second, third] = [new Writer(), new Writer(), new Writer()];
    first.send(first.product(first.input()), 1, 'message');
    second.send(second.receive(0, 'message'), 2, 'message');
    third.product(third.receive(1, 'message'));
    // Ranks 1 and 2 have two lanes between them: 7.2 us and half the time for 8,192 bytes.
    const onward = Math.ceil(8.0192 * 1530);
    const { cycles } = report([first.trace(), second.trace(), third.trace()], 2).totals;
    expect(cycles).toBe(PRODUCT + MESSAGE + onward + PRODUCT);
  });

  it('a message needs room in memory once, not for both of its ends', () => {
    const [near, far] = [new Writer(), new Writer()];
    const large = near.builder.tensor('large', [9 * 2 ** 29], 'input', 'fp16');
    near.send(large, 1, 'large');
    far.receive(0, 'large', [9 * 2 ** 29]);
    expect(() => report([near.trace(), far.trace()], 0)).not.toThrow();
  });

  it('books balance in every stage of a training step, which all end together', () => {
    const options = { phase: 'training', batch: 16, parallel: parseParallel('pipeline:3:4') } as const;
    const traces = loadTraces('lenet-5', options, 'fp16');
    const reports = traces.map((_, stage) => report(traces, stage));
    expect(new Set(reports.map(({ totals }) => totals.cycles)).size).toBe(1);
    for (const { totals, units, ops } of reports) {
      const stalls = Object.values(totals.stallCycles).reduce((sum, cycles) => sum + cycles, 0);
      expect(totals.activeCycles + stalls).toBe(totals.cycles);
      expect(ops.reduce((sum, op) => sum + op.cycles, 0)).toBe(totals.cycles);
      expect(units[0]!.idleCycles).toBe(0);
    }
  });

  it('of S equal stages and M micro-batches idles for (S - 1) / (M + S - 1) of its step, in either order', () => {
    for (const order of ['gpipe', '1f1b']) {
      const options = { phase: 'training', batch: 24, parallel: parseParallel(`pipeline:4:6:${order}`) } as const;
      const [step] = report(loadTraces('bert-base', options, 'fp16'), 0).notes;
      const [, bubble] = /bubble is ([\d.]+) %/.exec(step!)!.map(Number);
      // 3 / 9; the embeddings and the classifier make the outer stages a little longer.
      expect(Math.abs(bubble! - 33.3), order).toBeLessThan(2);
    }
  });

  it('stages that wait for each other are named', () => {
    const [near, far] = [new Writer(), new Writer()];
    near.send(near.product(near.receive(1, 'back')), 1, 'there');
    far.send(far.product(far.receive(0, 'there')), 0, 'back');
    expect(() => report([near.trace(), far.trace()], 0)).toThrow(/rank 0 waits for the message 1 to 0: back/);
  });
});

describe('training steps', () => {
  const step = (machine: string, parallel: string | null) => {
    const options = {
      phase: 'training',
      batch: 64,
      ...(parallel !== null && { parallel: parseParallel(parallel) }),
    } as const;
    return simulate(loadMachine(machine, [], SCHEMAS), loadTrace('lenet-5', options, 'fp16')).report.totals;
  };

  // PyTorch, NGC 21.03: one V100 367 images a second, DGX-1 2,855. What one GPU misses by is the business of training.test.ts.
  it('eight V100 train ResNet-50 in fp32 within 20 % of a DGX-1, and gain from being eight what it does to 5 %', () => {
    const imagesPerSecond = (options: Partial<TraceOptions>): number =>
      simulate(DGX1, loadTrace('resnet50', { phase: 'training', ...options }, 'fp32')).report.totals.samplesPerSecond;
    const one = imagesPerSecond({ batch: 128 });
    const eight = 8 * imagesPerSecond({ batch: 1024, parallel: parseParallel('data:8') });
    expect(Math.abs(eight / 2855 - 1)).toBeLessThan(0.2);
    expect(Math.abs(eight / one / (2855 / 367) - 1)).toBeLessThan(0.05);
  });

  it('an exchange that computing hides is marked so, and the report says what all ranks train', async () => {
    const request = { arch: 'dgx1', workload: 'alexnet', sets: [], timeline: false };
    const trace = { phase: 'training', batch: 1024, precision: 'fp16', parallel: parseParallel('data:8') } as const;
    const { report } = await runSimulation({ ...request, trace });
    const exchanges = report.ops.filter(({ kind }) => kind === 'collective');
    expect(exchanges.length).toBeGreaterThan(1);
    expect(exchanges.map(({ bound, cycles }) => [bound, cycles])).toEqual(exchanges.map(() => ['overlapped', 0]));
    const together = (8 * report.totals.samplesPerSecond).toFixed(1);
    expect(report.notes).toContain(`All 8 ranks together: ${together} samples per second.`);
  });

  it('one rank of one alone exchanges nothing', () => {
    expect(step('dgx1', 'data:1').cycles).toBe(step('dgx1', null).cycles);
  });

  it('without a network exchanges are refused, with what to add', () => {
    expect(() => step('v100', 'data:8')).toThrow(/^network: missing.*dgx1/);
  });

  it('more ranks than the network has are refused', () => {
    expect(() => step('dgx1', 'data:16')).toThrow('all-reduce on dgx1-v100: 16 ranks; use 2 to 8');
  });

  it('a stage by itself is refused', () => {
    expect(() => step('dgx1', 'pipeline:2:2')).toThrow(/has no other end; simulate all stages together/);
  });

  it('a network that does not exist is refused', () => {
    const machine = loadMachine('dgx1', ['network=dgx1-v10'], SCHEMAS);
    expect(() => simulate(machine, loadTrace('matmul:64x64x64', { phase: 'inference' }, 'fp16'))).toThrow('dgx1-v100');
  });
});
