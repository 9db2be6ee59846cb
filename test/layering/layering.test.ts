import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '..', '..', 'src');
const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'));

interface Import {
  readonly target: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'/gms)].map((match) => ({
    typeOnly: match[1] !== undefined,
    target: match[2]!,
  }));
  const lazy = [...text.matchAll(/import\('([^']+)'\)/g)].map((match) => ({ typeOnly: false, target: match[1]! }));
  return [...found, ...lazy].map(({ target, typeOnly }) => ({
    typeOnly,
    target: target.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), target)).replaceAll('\\', '/') : target,
  }));
}

/** folder -> folders it may not import from. Types of plain data are part of an interface; everything else counts. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  numerics: [
    'models',
    'units',
    'engine',
    'events',
    'workload',
    'machine',
    'energy',
    'views',
    'report',
    'validate',
    'cli',
    'training',
    'files.ts',
  ],
  training: [
    'models',
    'units',
    'engine',
    'events',
    'workload',
    'machine',
    'energy',
    'views',
    'report',
    'validate',
    'cli',
  ],
  engine: [
    'models',
    'units',
    'events',
    'trace',
    'workload',
    'machine',
    'energy',
    'views',
    'report',
    'validate',
    'cli',
    'files.ts',
  ],
  events: [
    'models',
    'units',
    'engine',
    'trace',
    'workload',
    'machine',
    'energy',
    'views',
    'report',
    'validate',
    'cli',
    'files.ts',
  ],
  trace: [
    'models',
    'units',
    'engine',
    'events',
    'workload',
    'machine',
    'energy',
    'views',
    'report',
    'validate',
    'cli',
    'files.ts',
  ],
  workload: ['models', 'units', 'engine', 'events', 'machine', 'energy', 'views', 'report', 'validate', 'cli'],
  models: ['step', 'views', 'report', 'energy/price.ts', 'workload', 'validate', 'cli', 'files.ts'],
  units: ['models', 'views', 'report', 'energy', 'numerics', 'training', 'workload', 'validate', 'cli'],
  views: ['models', 'units', 'engine', 'workload', 'machine', 'energy', 'report', 'validate', 'cli', 'files.ts'],
  machine: ['models', 'units', 'engine', 'views', 'report', 'workload', 'trace', 'validate', 'cli'],
  report: ['cli', 'validate', 'workload', 'engine', 'step'],
  binary: [
    'cli',
    'validate',
    'report',
    'views',
    'energy',
    'machine',
    'workload',
    'trace',
    'models',
    'units',
    'engine',
    'files.ts',
  ],
  step: ['cli', 'validate', 'workload', 'engine', 'energy', 'views', 'trace', 'machine', 'files.ts'],
};

describe('who may know whom', () => {
  it.each(Object.entries(FORBIDDEN))('%s', (folder, forbidden) => {
    for (const file of FILES.filter((name) => name.startsWith(`${folder}/`))) {
      for (const { target } of importsOf(file)) {
        const broken = forbidden.find((other) => target === other || target.startsWith(`${other}/`));
        expect(broken, `${file} imports ${target}`).toBeUndefined();
      }
    }
  });

  it('only src/cli touches process and console, and only src/files.ts the file system', () => {
    for (const file of FILES) {
      const text = readFileSync(join(SRC, file), 'utf8');
      if (!file.startsWith('cli/'))
        expect(/\b(?:process|console)\.\w/.test(text), `${file} touches process or console`).toBe(false);
      const fs = importsOf(file).some(({ target }) => /^node:(?:fs|child_process)/.test(target));
      expect(fs && file !== 'files.ts', `${file} touches the file system`).toBe(false);
    }
  });

  it('models use no clock and no chance', () => {
    for (const file of FILES.filter((name) => /^(?:models|engine|units|views|energy|trace|workload)\//.test(name))) {
      expect(readFileSync(join(SRC, file), 'utf8'), file).not.toMatch(/Date\.now|new Date|performance\.|Math\.random/);
    }
  });

  it('has no import cycles', () => {
    const graph = new Map(
      FILES.map((file) => [
        file,
        importsOf(file)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ target }) => target),
      ]),
    );
    const state = new Map<string, 'open' | 'done'>();
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done' || !graph.has(file)) return;
      expect(state.get(file), `cycle: ${[...path, file].join(' -> ')}`).not.toBe('open');
      state.set(file, 'open');
      for (const target of graph.get(file)!) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of FILES) visit(file, []);
  });
});
