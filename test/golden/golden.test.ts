import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { GOLDEN_CASES, GOLDEN_FORMATS } from '../../scripts/golden-cases.mjs';
import { accsim, buildCommand, ROOT } from '../cli/accsim.ts';

beforeAll(buildCommand);

const KEPT = GOLDEN_CASES.flatMap(([name, args]) =>
  Object.entries(GOLDEN_FORMATS).map(([extension, format]) => ({ file: `${name}.${extension}`, args, format })),
);

it.each(KEPT)('$file is still the report (npm run golden writes it anew)', ({ file, args, format }) => {
  const { stdout, stderr } = accsim(tmpdir(), ...args, '--format', format);
  expect(stderr).toBe('');
  expect(stdout).toBe(readFileSync(join(ROOT, 'reports', 'golden', file), 'utf8'));
});
