import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConvShape, convCycles, convMacs } from '../src/models/x86/conv-cycles.ts';
import { productCycles } from '../src/models/x86/product-cycles.ts';
import { pipelineOf } from '../src/models/x86/units/pipeline.ts';
import { loadCore } from '../src/x86-core.ts';

/** Layers of ResNet-50 that differ, for one image: c h w k r stride pad. */
const RESNET50: readonly (readonly [number, number, number, number, number, number, number])[] = [
  [3, 224, 224, 64, 7, 2, 3],
  [64, 56, 56, 64, 1, 1, 0],
  [64, 56, 56, 64, 3, 1, 1],
  [64, 56, 56, 256, 1, 1, 0],
  [256, 56, 56, 64, 1, 1, 0],
  [256, 56, 56, 128, 1, 1, 0],
  [128, 56, 56, 128, 3, 2, 1],
  [256, 56, 56, 512, 1, 2, 0],
  [128, 28, 28, 512, 1, 1, 0],
  [512, 28, 28, 128, 1, 1, 0],
  [128, 28, 28, 128, 3, 1, 1],
  [512, 28, 28, 256, 1, 1, 0],
  [256, 28, 28, 256, 3, 2, 1],
  [512, 28, 28, 1024, 1, 2, 0],
  [256, 14, 14, 1024, 1, 1, 0],
  [1024, 14, 14, 256, 1, 1, 0],
  [256, 14, 14, 256, 3, 1, 1],
  [1024, 14, 14, 512, 1, 1, 0],
  [512, 14, 14, 512, 3, 2, 1],
  [1024, 14, 14, 2048, 1, 2, 0],
  [512, 7, 7, 2048, 1, 1, 0],
  [2048, 7, 7, 512, 1, 1, 0],
  [512, 7, 7, 512, 3, 1, 1],
];
const CONVOLUTIONS: readonly ConvShape[] = [
  ...RESNET50.map(([c, h, w, k, r, stride, pad]) => ({ n: 1, c, h, w, k, r, s: r, stride, pad })),
  ...(
    [
      [32, 14, 3],
      [64, 14, 3],
      [128, 14, 3],
      [512, 14, 3],
      [128, 7, 3],
      [256, 7, 3],
      [32, 28, 3],
      [64, 28, 3],
      [256, 28, 3],
      [64, 112, 3],
      [64, 24, 5],
      [64, 24, 1],
      [256, 24, 1],
    ] as const
  ).map(([c, h, r]) => ({ n: 1, c, h, w: h, k: c, r, s: r, stride: 1, pad: (r - 1) / 2 })),
  { n: 4, c: 512, h: 7, w: 7, k: 512, r: 3, s: 3, stride: 1, pad: 1 },
  { n: 4, c: 256, h: 14, w: 14, k: 256, r: 3, s: 3, stride: 1, pad: 1 },
];

interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transA: boolean;
  readonly transB: boolean;
}
const PRODUCTS: readonly ProductShape[] = [
  ...[32, 64, 128, 256, 512, 1024].map((size) => ({ m: size, n: size, k: size, transA: false, transB: false })),
  { m: 512, n: 512, k: 512, transA: true, transB: false },
  { m: 512, n: 512, k: 512, transA: false, transB: true },
  { m: 64, n: 3136, k: 576, transA: false, transB: false },
  { m: 512, n: 49, k: 4608, transA: false, transB: false },
];

/** Passes over all shapes, of which the least time of each counts: what else the machine does comes and goes. */
const PASSES = 3;

interface Measured {
  readonly cycles: number;
  readonly implementation: string;
}

/** Compiles and runs a program over lines of input. null: no compiler or no library. */
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

interface Cpu {
  readonly name: string;
  readonly arch: string;
  readonly isSame: boolean;
  readonly vectors: 'avx512' | 'avx2';
  readonly l2KiB: number;
  readonly l3KiB: number;
}

/** This CPU, and the machine that stands for it: itself, or the Cascade Lake core with its vectors and caches. */
function thisCpu(): Cpu | null {
  if (!existsSync('/proc/cpuinfo')) return null;
  const text = readFileSync('/proc/cpuinfo', 'utf8');
  const field = (key: string): string => new RegExp(`^${key}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  const flags = field('flags').split(' ');
  if (!flags.includes('avx2')) return null;
  const cache = (index: number): number =>
    Number.parseInt(readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, 'utf8'), 10);
  const isIntel = field('vendor_id') === 'GenuineIntel' && field('cpu family') === '6';
  const known = isIntel ? KNOWN[`${field('model')}`] : undefined;
  const arch = known?.(Number(field('stepping'))) ?? 'cascadelake';
  return {
    name: `${field('model name')} (${field('vendor_id')} family ${field('cpu family')} model ${field('model')})`,
    arch,
    isSame: known !== undefined,
    vectors: flags.includes('avx512dq') ? 'avx512' : 'avx2',
    l2KiB: cache(2),
    l3KiB: cache(3),
  };
}

/** Machines of this project by Intel's model number of family 6; Cascade Lake is the later stepping of Skylake server. */
const KNOWN: Readonly<Record<string, (stepping: number) => string>> = {
  '63': () => 'haswell-e5-2699v3',
  '85': (stepping) => (stepping >= 5 ? 'cascadelake' : 'xeon-8180'),
};

const share = (cycles: number, macs: number, peak: number): string =>
  `${((100 * macs) / peak / cycles).toFixed(1)} %`.padStart(8);

function show(title: string, label: string, measured: Measured, predicted: number, macs: number, peak: number): void {
  const points = (100 * macs) / peak / predicted - (100 * macs) / peak / measured.cycles;
  console.log(
    `  ${label.padEnd(30)}${measured.implementation.padEnd(22)}${share(measured.cycles, macs, peak)}${share(predicted, macs, peak)}${points.toFixed(1).padStart(8)}`,
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
    `  ${'share of peak'.padEnd(30)}${'implementation'.padEnd(22)}${'measured'.padStart(8)}${'model'.padStart(8)}${'points'.padStart(8)}`,
  );

  const products = measure(
    'products.c',
    'openblas',
    PRODUCTS.map(({ m, n, k, transA, transB }) => [m, n, k, Number(transA), Number(transB)].join(' ')),
  );
  if (products === null) console.log('OpenBLAS is not installed (Debian: gcc libopenblas-dev)');
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
  if (convolutions === null) console.log('oneDNN is not installed (Debian: gcc libdnnl-dev)');
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
