import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convCycles, convMacs } from '../src/models/x86/conv-cycles.ts';
import { productCycles } from '../src/models/x86/product-cycles.ts';
import { pipelineOf } from '../src/models/x86/units/pipeline.ts';
import { loadCore } from '../src/x86-core.ts';
import { CONVOLUTIONS, PRODUCTS } from './cpu/shapes.ts';
import { thisCpu } from './cpu/this-cpu.ts';

/** Passes over all shapes, of which the least time of each counts: what else the machine does comes and goes. */
const PASSES = 3;

interface Measured {
  readonly cycles: number;
  readonly implementation: string;
}

/** Compiles and runs a program over lines of input; its first line of output is a name. null: no compiler or no library. */
function measure(
  source: string,
  library: string,
  lines: readonly string[],
): { name: string; times: Measured[] } | null {
  const folder = mkdtempSync(join(tmpdir(), 'accsim-bench-'));
  const program = join(folder, 'program');
  const options = ['-O2', '-o', program, join('bench', 'cpu', source), `-l${library}`];
  const compiled = spawnSync('cc', options, { encoding: 'utf8' });
  if (compiled.status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  let name = '';
  const times: Measured[] = [];
  for (let pass = 0; pass < PASSES; pass += 1) {
    const { status, stdout, stderr } = spawnSync(program, {
      input: `${lines.join('\n')}\n`,
      encoding: 'utf8',
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
    });
    if (status !== 0) throw new Error(stderr);
    const [first, ...rest] = stdout.trim().split('\n');
    name = first!;
    rest.forEach((line, index) => {
      const [cycles, , ...words] = line.split(' ');
      const found = { cycles: Number(cycles), implementation: words.join(' ') };
      if (times[index] === undefined || found.cycles < times[index].cycles) times[index] = found;
    });
  }
  rmSync(folder, { recursive: true });
  return { name, times };
}

const share = (cycles: number, macs: number, peak: number): string =>
  `${((100 * macs) / peak / cycles).toFixed(1)} %`.padStart(8);

function show(title: string, label: string, measured: Measured, predicted: number, macs: number, peak: number): void {
  const points = (100 * macs) / peak / predicted - (100 * macs) / peak / measured.cycles;
  console.log(
    `  ${label.padEnd(36)}${measured.implementation.padEnd(22)}${share(measured.cycles, macs, peak)}${share(predicted, macs, peak)}${points.toFixed(1).padStart(8)}`,
  );
  sums.set(title, [...(sums.get(title) ?? []), Math.abs(points)]);
}

const sums = new Map<string, number[]>();
const cpu = thisCpu();
if (cpu === null) console.log('libraries are compared on x86 under Linux, with AVX2 or AVX-512');
else {
  const sets = [
    'system.cores=1',
    `system.vectors=${cpu.vectors}`,
    `system.l2.sizeKiB=${cpu.l2KiB}`,
    `system.l3.sizeKiB=${cpu.l3KiB}`,
  ];
  const core = loadCore(cpu.arch, cpu.isSame ? ['system.cores=1'] : sets);
  const system = core.spec.system!;
  const pipeline = pipelineOf(core);
  const peak = (system.multiplyAddsPerCycle * (system.vectors === 'avx512' ? 512 : 256)) / 32;
  console.log(`${cpu.name}, held against ${cpu.arch}`);
  if (!cpu.isSame)
    console.log(
      `no machine of this project: shares of peak are compared with that core, with ${cpu.vectors}, ${cpu.l2KiB} KiB and ${cpu.l3KiB} KiB`,
    );
  console.log(
    `  ${'share of peak'.padEnd(36)}${'implementation'.padEnd(22)}${'measured'.padStart(8)}${'model'.padStart(8)}${'points'.padStart(8)}`,
  );

  const products = measure(
    'products.c',
    'openblas',
    PRODUCTS.map(({ m, n, k, transA, transB }) => [m, n, k, Number(transA), Number(transB)].join(' ')),
  );
  if (products === null) console.log('OpenBLAS is not installed (Debian 12: gcc libopenblas-dev)');
  else {
    console.log(products.name);
    PRODUCTS.forEach((shape, index) => {
      const { m, n, k, transA, transB } = shape;
      const predicted = productCycles(system, pipeline, 'fp32', { ...shape, elementBytes: 4, sumBytes: 4 });
      const label = `${m} x ${n} x ${k} ${transA ? 'T' : 'N'}${transB ? 'T' : 'N'}`;
      show('products', label, products.times[index]!, predicted, m * n * k, peak);
    });
  }

  const convolutions = measure(
    'convolutions.c',
    'dnnl',
    CONVOLUTIONS.map(({ n, c, h, w, k, r, s, stride, pad }) => [n, c, h, w, k, r, s, stride, pad].join(' ')),
  );
  if (convolutions === null) console.log('oneDNN 2 is not installed (Debian 12: gcc libdnnl-dev)');
  else {
    console.log(convolutions.name);
    CONVOLUTIONS.forEach((shape, index) => {
      const { n, c, h, w, k, r, s, stride } = shape;
      const label = `${n} x ${c} x ${h} x ${w}, ${k} of ${r} x ${s} / ${stride}`;
      const predicted = convCycles(system, pipeline, shape);
      show('convolutions', label, convolutions.times[index]!, predicted, convMacs(shape), peak);
    });
    const file = process.argv[2];
    if (file !== undefined) {
      const head = 'n,c,h,w,k,r,s,stride,pad,cycles,vectors,l2_kib,l3_kib,implementation';
      const rows = CONVOLUTIONS.map(({ n, c, h, w, k, r, s, stride, pad }, index) => {
        const { cycles, implementation } = convolutions.times[index]!;
        return [n, c, h, w, k, r, s, stride, pad, cycles, cpu.vectors, cpu.l2KiB, cpu.l3KiB, implementation].join();
      });
      writeFileSync(file, `${[head, ...rows].join('\n')}\n`);
    }
  }
  for (const [title, points] of sums) {
    const mean = points.reduce((sum, one) => sum + one, 0) / points.length;
    console.log(`${title}: ${mean.toFixed(1)} points apart on average, ${Math.max(...points).toFixed(1)} at most`);
  }
}
