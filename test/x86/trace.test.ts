import { describe, expect, it } from 'vitest';
import { bytesOfHex } from '../../src/models/x86/hex.ts';
import { type Mode, prepare, run } from '../../src/models/x86/predict.ts';
import { traceBlock } from '../../src/models/x86/trace.ts';
import { loadCore } from '../../src/x86-core.ts';

const core = loadCore('cascadelake', []);
function trace(hex: string, mode: Mode, iterations: number) {
  const block = prepare(bytesOfHex(hex), mode, core);
  return { block, times: traceBlock(block, core, iterations) };
}

describe('the trace of a block', () => {
  it.each(['unrolled', 'loop'] as const)('%s: every micro-op passes the stages in order', (mode) => {
    // imul rax,rax; push rbx; mov rdx,rsp; add [rcx],rdx; vxorps xmm0,xmm0,xmm0
    const { block, times } = trace('480fafc0534889e2480111c5f857c0', mode, 20);
    expect(times).toHaveLength(20 * block.program.uops.length);
    for (const one of times) {
      if (one.predecoded !== null) expect(one.decoded).toBeGreaterThan(one.predecoded);
      expect(one.issued).toBeGreaterThan(one.decoded);
      expect(one.retired).toBeGreaterThanOrEqual(one.executed);
      expect((one.dispatched === null) === (one.port === null)).toBe(true);
      if (one.dispatched === null) continue;
      expect(one.dispatched).toBeGreaterThanOrEqual(one.issued + core.spec.backEnd.issueToDispatchCycles);
      expect(one.executed).toBeGreaterThan(one.dispatched);
    }
  });

  it('retires when the prediction says', () => {
    const { block, times } = trace('480fafc050', 'unrolled', 40);
    const { retired } = run(block, core, true);
    for (const { iteration, retired: cycle } of times) expect(cycle).toBeLessThanOrEqual(retired[iteration]!);
    expect(times.at(-1)!.retired).toBe(retired[39]);
  });

  it('in a loop nothing is predecoded that the micro-op cache holds', () => {
    expect(trace('4801c0', 'loop', 5).times.every(({ predecoded }) => predecoded === null)).toBe(true);
    expect(trace('4801c0', 'unrolled', 5).times.every(({ predecoded }) => predecoded !== null)).toBe(true);
  });
});
