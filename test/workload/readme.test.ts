import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parameters, totalMacs } from '../../src/trace/facts.ts';
import { buildTrace } from '../../src/workload/build.ts';
import { LAYER_TYPES } from '../../src/workload/layers/types.ts';
import { loadTrace } from '../../src/workload/load.ts';
import { parseNetwork } from '../../src/workload/network.ts';
import { parseYaml } from '../../src/yaml.ts';

const readme = readFileSync(new URL('../../workloads/README.md', import.meta.url), 'utf8');

describe('workloads/README.md', () => {
  it('its example is a network with the counts it states', () => {
    const text = /```yaml\n([\s\S]*?)```/.exec(readme)![1]!;
    const network = parseNetwork(parseYaml(text, 'README.md'), 'README.md');
    const trace = buildTrace(network, {
      batch: 1,
      precision: { weights: 'int8', activations: 'int8' },
      precisionText: 'int8',
    });
    // 3 -> 16 channels, four times 16 -> 16, each 3x3 with 2 x 16 of normalisation, on 32 x 32 positions; 16 x 10 + 10.
    expect(parameters(trace)).toBe(432 + 32 + 4 * (2304 + 32) + 170);
    expect(totalMacs(trace)).toBe(1024 * (432 + 4 * 2304) + 160);
    expect(network.published).toEqual({
      parameters: parameters(trace),
      macs: totalMacs(trace),
      source: 'counted by hand',
    });
  });

  it('its inline kernels run', () => {
    for (const text of ['matmul:512x256x1024', 'conv:1,64,56,56,64,3,3,1,1']) {
      expect(readme).toContain(`\`${text}\``);
      expect(loadTrace(text, { phase: 'inference' }, 'int8').ops).toHaveLength(1);
    }
  });

  it('names every layer type', () => {
    const table = readme.slice(readme.indexOf('### Layers'), readme.indexOf('### Blocks'));
    for (const type of LAYER_TYPES) expect(table, type).toContain(`\`${type}\``);
  });
});
