import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { accsim as run, buildCommand, MAIN, ROOT } from './accsim.ts';

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = mkdtempSync(join(tmpdir(), 'accsim-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const accsim = (...args: string[]) => run(folder, ...args);

describe('results', () => {
  it('the version is the one of package.json', () => {
    expect(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version).toBe(VERSION);
    expect(accsim('--version').stdout.trim()).toBe(VERSION);
  });

  it('runs the default command from any folder, in every format', () => {
    const table = accsim('--arch', 'tpuv1', 'resnet');
    expect(table.status).toBe(0);
    expect(table.stdout).toContain('resnet50 on tpuv1');
    expect(table.stdout).toContain('Where the cycles went');
    expect(table.stdout).not.toContain(String.fromCharCode(27));
    const report = JSON.parse(accsim('run', 'resnet', '--arch', 'tpuv1', '--format', 'json').stdout);
    expect(report.schema).toBe('accsim.report/1');
    expect(report.workload).toEqual({ name: 'resnet50', batch: 1, phase: 'inference', precision: 'int8' });
    const csv = accsim('resnet', '--arch', 'tpuv1', '--format', 'csv').stdout.trim().split('\n');
    expect(csv).toHaveLength(report.ops.length + 2);
    expect(accsim('resnet', '--arch', 'tpuv1', '--format', 'md').stdout).toContain('| layer | cycles |');
    const page = accsim('resnet', '--arch', 'tpuv1', '--format', 'html').stdout;
    expect(page).toMatch(/^<!doctype html>.*<h1>resnet50 on tpuv1<\/h1>.*<\/html>\n$/s);
    // Nothing to fetch, nothing to run.
    expect(page).not.toMatch(/<script|src=|href=/);
  });

  it('overrides show in the report and change the result', () => {
    const run = (...args: string[]) =>
      JSON.parse(accsim('tpuv1-mlp0', '--arch', 'tpuv1', '--format', 'json', ...args).stdout);
    const faster = run('--set', 'memory.bandwidthGBps=136');
    expect(faster.arch.overrides).toEqual({ 'memory.bandwidthGBps': 136 });
    expect(faster.totals.cycles).toBeLessThan(run().totals.cycles / 2);
  });

  it('compares, lists, shows and traces', () => {
    expect(accsim('compare', 'lenet-5', '--arch', 'tpuv1,edge-16x16', '--precision', 'int8').stdout).toContain(
      'edge-16x16',
    );
    expect(accsim('list', 'arch').stdout).toContain('tpuv3');
    expect(accsim('list', 'workloads').stdout).toContain('resnet50');
    expect(accsim('show', 'tpuv1').stdout).toContain('memory.bandwidthGBps');
    expect(accsim('show', 'lenet-5').stdout).toContain('conv1');
    writeFileSync(join(folder, 'trace.json'), accsim('trace', 'lenet-5').stdout);
    const fromTrace = JSON.parse(accsim('trace.json', '--arch', 'tpuv1', '--format', 'json').stdout);
    const direct = JSON.parse(accsim('lenet-5', '--arch', 'tpuv1', '--format', 'json').stdout);
    expect(fromTrace.totals).toEqual(direct.totals);
  });

  it('writes a timeline that names every unit and covers the run', () => {
    expect(accsim('lenet-5', '--arch', 'tpuv1', '--timeline', 'run.json', '--quiet').status).toBe(0);
    const { traceEvents, otherData } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
    const spans = traceEvents.filter((event: { ph: string; tid: number }) => event.ph === 'X' && event.tid === 0);
    const cycles = spans.reduce((sum: number, span: { args: { cycles: number } }) => sum + span.args.cycles, 0);
    expect(cycles).toBe(otherData.totalCycles);
  });

  it('a training step costs about three times the MACs of inference, and every phase is reported', () => {
    const run = (...args: string[]) =>
      JSON.parse(accsim('lenet-5', '--arch', 'tpuv3', '--format', 'json', ...args).stdout);
    const [inference, training] = [run(), run('--training')];
    expect(training.workload.phase).toBe('training');
    expect(training.totals.macs / inference.totals.macs).toBeCloseTo(2.87, 2);
    const phases = new Set(training.ops.map((op: { phase: string }) => op.phase));
    expect([...phases].sort()).toEqual(['forward', 'input-gradient', 'update', 'weight-gradient']);
  });

  it('reads a SCALE-Sim topology without edits', () => {
    writeFileSync(
      join(folder, 'net.csv'),
      'Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\r\nConv1, 28, 28, 3, 3, 1, 8, 1,\r\n\r\nFC, 1, 1, 1, 1, 200, 10, 1,\r\n',
    );
    const report = JSON.parse(accsim('net.csv', '--arch', 'scalesim-32x32-ws', '--format', 'json').stdout);
    expect(report.totals.macs).toBe(26 * 26 * 9 * 8 + 2000);
  });
});

describe('train', () => {
  const quick = ['train', 'tiny.yaml', '--dataset', 'blobs', '--epochs', '2', '--batch', '50'];
  const tiny = 'name: tiny\ninput: [8]\nlayers:\n  - linear: { out: 16, act: relu }\n  - linear: { out: 4 }\n';

  it('trains, says what it cost on a machine, draws, and writes the trace of a step', () => {
    writeFileSync(join(folder, 'tiny.yaml'), tiny);
    const extra = [
      '--precision',
      'bf16',
      '--arch',
      'tpuv3',
      '--charts',
      'curves',
      '--trace',
      'step.json',
      '--quantize',
      'int8',
    ];
    const { status, stdout } = accsim(...quick, ...extra, '--format', 'json', '--quiet');
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schema: 'accsim.train/1', network: 'tiny', dataset: 'blobs', stepsPerEpoch: 40 });
    expect(report.epochs).toHaveLength(2);
    expect(report.testAccuracy).toBeGreaterThan(0.9);
    expect(report.quantized.int8).toBeGreaterThan(0.9);
    const step = JSON.parse(accsim('step.json', '--arch', 'tpuv3', '--format', 'json').stdout).totals;
    expect(report.cost.tpuv3.cycles).toBe(80 * step.cycles);
    expect(readFileSync(join(folder, 'curves', 'training.png')).length).toBeGreaterThan(5000);
  });

  it('prunes, and tests in integers and under faults', () => {
    writeFileSync(join(folder, 'tiny.yaml'), tiny);
    const extra = ['--prune', 'nm:1:4', '--trace', 'sparse.json', '--quantize', 'int8', '--perforate', '0.5'];
    const { status, stdout } = accsim(...quick, ...extra, '--faults', 'weights:0.2', '--format', 'json', '--quiet');
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(Math.abs(report.integerOnly.int8 - report.testAccuracy)).toBeLessThan(0.02);
    expect(report.faults['weights:0.2']).toBeLessThan(report.testAccuracy);
    expect(report.faults['perforate:0.5']).toBeGreaterThan(0);
    const weights = report.densities.filter(({ role }: { role: string }) => role === 'weight');
    expect(weights.map(({ density }: { density: number }) => density)).toEqual([0.25, 0.25]);
    const { tensors } = JSON.parse(readFileSync(join(folder, 'sparse.json'), 'utf8'));
    expect(tensors.filter(({ density }: { density?: number }) => density === 0.25).length).toBe(2);
  });

  it('says in the report what cannot be tested', () => {
    writeFileSync(join(folder, 'normed.yaml'), tiny.replace('out: 16', 'out: 16, norm: layer'));
    const { status, stdout } = accsim('train', 'normed.yaml', ...quick.slice(2), '--quantize', 'int8', '--quiet');
    expect(status).toBe(0);
    expect(stdout).toContain('int8 operands of products');
    expect(stdout).not.toContain('int8 from input to result');
    expect(stdout).toContain('not tested in integers alone: linear0.norm');
  });

  it('resumes after a kill, to the same result', async () => {
    writeFileSync(join(folder, 'tiny.yaml'), tiny);
    const long = [...quick, '--format', 'json'].map((word) => (word === '2' ? '60' : word));
    const whole = JSON.parse(accsim(...long).stdout);
    const args = [...long, '--checkpoint', 'run.ckpt', '--resume'];
    // Killed as soon as there is a checkpoint, wherever the epochs after it have come to.
    const running = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: 'ignore' });
    while (!existsSync(join(folder, 'run.ckpt'))) await setTimeout(5);
    running.kill('SIGKILL');
    await once(running, 'exit');
    const { stdout, stderr } = accsim(...args);
    expect(stderr).toMatch(/going on after epoch [1-9]/);
    const without = ({ seconds: _, ...epoch }: Record<string, unknown>) => epoch;
    expect(JSON.parse(stdout).epochs.map(without)).toEqual(whole.epochs.map(without));
  });

  it.each([
    ['an unknown data set', ['--dataset', 'mnits'], 'did you mean mnist?'],
    ['a network of other inputs', ['--dataset', 'bars'], 'bars has 1 x 12 x 12'],
    ['two machines of one name', ['--arch', 'lac,lac'], 'two machines are called lac'],
    ['a format that cannot train', ['--precision', 'int8'], 'train in one of'],
    ['a share that is none', ['--prune', 'magnitude:2'], 'SHARE being what stays'],
    ['an unknown way to prune', ['--prune', 'magic:0.1'], 'lottery:SHARE[:ROUNDS]'],
    ['a fault without a rate', ['--faults', 'weights'], 'chance of each bit'],
    ['a share of terms that is none', ['--perforate', '0.7'], 'one of every n'],
    ['an accumulator without a chunk', ['--accumulator', 'fp16'], 'for example fp16:64'],
    ['a block that is none', ['--precision', 'ternary/fp32', '--ternary', 'x'], 'weights of a block'],
    ['blocks of weights that are not ternary', ['--ternary', '16'], 'add --precision ternary/fp32'],
    ['faults in ternary weights', ['--precision', 'ternary/fp32', '--faults', 'weights:0.1'], 'bits of ternary'],
    ['a warm-up longer than the run', ['--warmup', '81'], '81 of 80 steps'],
    ['one file for two things', ['--checkpoint', 'one', '--out', './one'], './one, as --checkpoint'],
    ['a bad learning rate', ['--learning-rate', 'fast'], 'learning-rate'],
    ['an unknown optimizer', ['--optimizer', 'adm'], 'did you mean adam?'],
    ['a diverging run', ['--learning-rate', '1e30'], 'use a smaller learning rate'],
    ['a checkpoint of something else', ['--checkpoint', 'tiny.yaml', '--resume'], 'is no checkpoint'],
  ])('refuses %s', (_name, more, hint) => {
    writeFileSync(join(folder, 'tiny.yaml'), tiny);
    const given = [...quick, ...more]
      .join(' ')
      .replace(/--dataset blobs (.*--dataset)/, '$1')
      .split(' ');
    const { status, stderr } = accsim(...given);
    expect(status).toBe(2);
    expect(stderr).toContain(hint);
  });
});

describe('bad input', () => {
  const cases: [string, string[], string][] = [
    ['unknown workload', ['resnet5', '--arch', 'tpuv1'], 'did you mean resnet50?'],
    ['unknown machine', ['resnet', '--arch', 'tpu1'], 'did you mean tpuv1?'],
    ['no machine', ['resnet'], 'accsim list arch'],
    ['no workload', ['--arch', 'tpuv1'], 'WORKLOAD'],
    ['unknown option', ['resnet', '--arch', 'tpuv1', '--fromat', 'json'], 'fromat'],
    ['unknown format', ['resnet', '--arch', 'tpuv1', '--format', 'jsn'], 'did you mean json?'],
    ['override without a value', ['resnet', '--arch', 'tpuv1', '--set'], 'set'],
    ['bad override', ['resnet', '--arch', 'tpuv1', '--set', 'memory.bandwith=3'], 'bandwidthGBps'],
    ['negative size', ['resnet', '--arch', 'tpuv1', '--set', 'array.rows=-1'], 'array.rows'],
    ['absurd size', ['matmul:99999999999x1x1', '--arch', 'tpuv1'], 'matmul'],
    ['half a kernel', ['conv:1,2,3', '--arch', 'tpuv1'], 'conv'],
    ['bad batch', ['resnet', '--arch', 'tpuv1', '--batch', '0'], 'batch'],
    ['precision the array lacks', ['resnet', '--arch', 'tpuv1', '--precision', 'bf16'], 'int8'],
    ['no pattern', ['resnet', '--arch', 'a100', '--sparsity', 'half'], 'for example 2:4'],
    ['training of loose layers', ['taken.csv', '--arch', 'tpuv1', '--training'], 'training'],
    ['missing file', ['nothing.yaml', '--arch', 'tpuv1'], 'nothing.yaml'],
    [
      'one of several machines',
      ['compare', 'lenet-5', '--arch', 'lac,tpuv3', '--precision', 'bf16'],
      'lac: lenet-5: conv1',
    ],
    ['a file without an end', ['lenet-5', '--arch', '/dev/zero'], 'does not end'],
    ['file in place of a folder', ['lenet-5', '--arch', 'tpuv1', '--charts', 'taken', '--quiet'], 'cannot be written'],
  ];

  it.each(cases)('%s ends with 2 and a remedy, never a stack trace', (_name, args, hint) => {
    writeFileSync(join(folder, 'taken'), '');
    writeFileSync(join(folder, 'taken.csv'), 'fc, 8, 8, 8,\n');
    const { status, stderr } = accsim(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(hint);
    expect(stderr).not.toMatch(/^\s+at .*\.js/m);
  });

  it.each([
    ['broken.yaml', 'name: x\ninput: [3\nlayers: []\n'],
    ['twice.yaml', 'name: x\nname: y\ninput: [3]\nlayers: [{ act: {} }]\n'],
    ['unknown.yaml', 'name: x\ninput: [3]\nlayers: [{ linaer: { out: 3 } }]\n'],
    ['cut.json', '{"schema": "accsim.trace/1", "workload": {'],
    ['wrong.json', '{"schema": "accsim.trace/9"}'],
    ['text.csv', 'hello\n'],
    ['empty.yaml', ''],
  ])('%s is refused with its name', (file, text) => {
    writeFileSync(join(folder, file), text);
    const { status, stderr } = accsim(file, '--arch', 'tpuv1');
    expect(status).toBe(2);
    expect(stderr).toContain(file);
  });

  it('a network too large for the buffer says which tensor and what to do', () => {
    const { status, stderr } = accsim('unet', '--arch', 'tpuv1');
    expect(status).toBe(2);
    expect(stderr).toContain('MiB');
    expect(stderr).toContain('buffer');
  });

  it('leaves nothing behind when it cannot write', () => {
    const before = readdirSync(folder).sort();
    expect(accsim('lenet-5', '--arch', 'tpuv1', '--out', 'taken/report.txt').status).toBe(2);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('an override before the workload takes no second word', () => {
    const { status, stdout } = accsim('--set', 'clockMHz=800', 'lenet-5', '--arch', 'tpuv1');
    expect(status).toBe(0);
    expect(stdout).toContain('clockMHz=800');
  });

  it('a full disk is said, and a device is never replaced by a file', () => {
    for (const args of [['--out', '/dev/full', '--quiet'], []]) {
      const command = `"${process.execPath}" "${MAIN}" lenet-5 --arch tpuv1 ${args.join(' ')} ${args.length === 0 ? '> /dev/full' : ''}`;
      const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
      expect(status).toBe(2);
      expect(stderr).toContain('no space left on device');
    }
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it('writes through a link', () => {
    writeFileSync(join(folder, 'real.txt'), 'old');
    symlinkSync('real.txt', join(folder, 'link.txt'));
    expect(accsim('lenet-5', '--arch', 'tpuv1', '--out', 'link.txt', '--quiet').status).toBe(0);
    expect(readFileSync(join(folder, 'real.txt'), 'utf8')).toContain('lenet-5 on tpuv1');
  });

  it('an interrupt ends a long run at once, and leaves no file', () => {
    const args = [MAIN, 'deepspeech2', '--arch', 'edge-32x32', '--batch', '64', '--out', 'never.txt'];
    const { signal } = spawnSync(process.execPath, args, { cwd: folder, timeout: 500, killSignal: 'SIGINT' });
    expect(signal).toBe('SIGINT');
    expect(readdirSync(folder).filter((file) => file.startsWith('never'))).toEqual([]);
  });

  it('a closed pipe ends quietly', () => {
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', `"${process.execPath}" "${MAIN}" resnet --arch tpuv1 --format json | head -c 10`],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(stderr).toBe('');
  });
});
