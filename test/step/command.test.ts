import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accsim as run, buildCommand } from '../cli/accsim.ts';

let folder: string;
beforeAll(() => {
  buildCommand();
  folder = mkdtempSync(join(tmpdir(), 'accsim-step-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SMALL = ['--arch', 'edge-16x16', '--set', 'array.rows=2', '--set', 'array.columns=2'];
const step = (...args: string[]) => run(folder, 'step', ...args);

describe('accsim step', () => {
  it('prints the cycles that are asked for', () => {
    const { status, stdout } = step('matmul:2x2x2', ...SMALL, '--cycles', '3-4');
    expect(status).toBe(0);
    expect(stdout).toContain('2 x 2 times 2 x 2 on edge-16x16, 2 x 2 PEs, weight-stationary');
    expect([...stdout.matchAll(/cycle (\d) of 6/g)].map(([, cycle]) => cycle)).toEqual(['3', '4']);
    // No colours in a file.
    expect(stdout).not.toContain(String.fromCharCode(27));
  });

  it('prints the whole run, the product at its end', () => {
    const { stdout } = step('matmul:1x1x2', ...SMALL);
    // a = [1 3], b = [1 6]^T: 1 + 18.
    expect(stdout.trimEnd().split('\n').at(-2)).toMatch(/ 19$/);
  });

  it('shows a core of PEs, and a ring of cores', () => {
    const core = step('matmul:2x1x4', '--arch', 'caterpillar-2x16', '--quiet');
    // a = [1 3 5 7; 6 9 3 6], b = [1 6 2 7]^T: 78 and 108.
    expect(
      core.stdout
        .trimEnd()
        .split('\n')
        .slice(-4, -2)
        .map((line) => line.trim().split(/\s+/).at(-1)),
    ).toEqual(['78', '108']);
    const ring = step('all-reduce:3x12', '--arch', 'caterpillar-2x16', '--cycles', '0');
    expect(ring.stdout).toContain('all-reduce of 12 words among 3 cores of caterpillar-2x16');
  });

  it('writes a page that holds all it needs', () => {
    expect(step('matmul:3x2x2', ...SMALL, '--format', 'html', '--out', 'step.html').status).toBe(0);
    const page = readFileSync(join(folder, 'step.html'), 'utf8');
    expect(page).not.toMatch(/src=|href=|https?:\/\/(?!www\.w3\.org|bit\.ly)/);
    const [, setup] = /id="setup">(.*?)<\/script>/s.exec(page)!;
    expect(JSON.parse(setup!).timing).toEqual({
      rows: 2,
      columns: 2,
      dataflow: 'weight-stationary',
      doubleBuffered: true,
      overlapPasses: true,
    });
  });

  it.each([
    [['conv:1,1,4,4,1,3,3', ...SMALL], 'matmul:MxNxK'],
    [['all-reduce:99x12', '--arch', 'caterpillar-2x16'], 'at most 16 are drawn'],
    [['all-reduce:1x12', '--arch', 'caterpillar-2x16'], 'two cores or more'],
    [['all-redcue:4x12', '--arch', 'caterpillar-2x16'], 'did you mean all-reduce'],
    [['all-reduce:4x12', ...SMALL], 'cannot be stepped through'],
    [['matmul:64x64x64', '--arch', 'caterpillar-2x16'], 'more than 1000 cycles'],
    [['matmul:2x2', ...SMALL], 'has 2 numbers'],
    [['matmul:2x2x2', '--arch', 'tpuv1'], 'add --set array.rows=4'],
    [['matmul:2x65x2', ...SMALL], 'at most 64'],
    [['matmul:2x2x2', '--arch', 'v100'], 'has no grid of PEs'],
    [['matmul:2x2x2', ...SMALL, '--cycles', '3-99'], 'from 0 to 6'],
    [['matmul:2x2x2', ...SMALL, '--cycles', 'x'], 'from 0 to 6'],
    [['matmul:2x2x2', ...SMALL, '--format', 'csv'], 'table, html'],
  ])('refuses %j', (args, remedy) => {
    const { status, stderr } = step(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(remedy);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });
});
