import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '../../src/validate/anchor.ts';
import { validate } from '../../src/validate/run.ts';
import { accsim, buildCommand, ROOT } from '../cli/accsim.ts';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** Every command that a README shows, one for each alternative (`a|b`), with its placeholders filled in. */
function commands(text: string): string[] {
  const shown = [...text.matchAll(/(?:`|^ {4}(?:\$ )?)(accsim [^`\n]+?)(?:`|$)/gm)].map(([, command]) => command!);
  const filled = shown.map((command) =>
    command
      .replace(/\b(WORKLOAD|COMMAND)\b/g, (word) => (word === 'COMMAND' ? 'run' : 'lenet-5'))
      .replace(/^accsim trace$/, 'accsim trace lenet-5')
      .replace(/show NAME/, 'show tpuv1')
      .replace(/--arch NAME/, '--arch tpuv1 lenet-5'),
  );
  return [...new Set(filled)].flatMap((command) => {
    const alternatives = /\S+\|\S+/.exec(command)?.[0];
    return alternatives === undefined
      ? [command]
      : alternatives.split('|').map((one) => command.replace(alternatives, one));
  });
}

let folder: string;
beforeAll(() => {
  buildCommand();
  folder = mkdtempSync(join(tmpdir(), 'accsim-readme-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['README.md', 'arch/README.md', 'workloads/README.md', 'src/models/systolic/README.md'])('%s', (file) => {
  it.each(commands(readFileSync(join(ROOT, file), 'utf8')))('%s runs', (command) => {
    const { status, stderr } = accsim(folder, ...command.split(' ').slice(1));
    expect(stderr).not.toMatch(/^accsim:/m);
    expect(status).toBe(0);
  });

  it('links to files that exist', () => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(() => readFileSync(join(ROOT, file, '..', target!)), target).not.toThrow();
    }
  });
});

describe('README.md', () => {
  it('shows a report that the command prints', () => {
    const shown = /\$ (accsim .*)\n\n([\s\S]*?)\n {4}\.\.\.\n/.exec(README)!;
    const { stdout } = accsim(folder, ...shown[1]!.split(' ').slice(1));
    const lines = shown[2]!.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(stdout).toContain(`${line.slice(4)}\n`);
  });

  it('states the errors that accsim validate finds', () => {
    const { anchors } = validate('tpuv1', null);
    for (const app of ['mlp0', 'mlp1', 'lstm0', 'lstm1', 'cnn0', 'cnn1']) {
      const anchor = anchors.find(({ id }) => id === `tpuv1-${app}/throughput`)!;
      const error = errorOf(anchor);
      const row = new RegExp(
        `^\\| ${app.toUpperCase()} \\| ([\\d.]+) TOPS \\| ([\\d.]+) \\| ([+-][\\d.]+) % \\|$`,
        'm',
      );
      const [, published, predicted, stated] = row.exec(README) ?? [];
      expect(Number(published), app).toBe(anchor.published);
      expect(Number(predicted) / anchor.predicted, app).toBeCloseTo(1, 2);
      expect(Number(stated), app).toBeCloseTo(error, 1);
    }
  });
});
