import { loadCore } from './src/x86-core.ts';
import { prepare, predict } from './src/models/x86/predict.ts';
import { assemble } from './src/models/x86/assembler.ts';
import { tileLoop } from './src/models/x86/lower/gemm-code.ts';
const core0 = loadCore('cascadelake', []);
const core = { ...core0, spec: { ...core0.spec, memory: { ...core0.spec.memory, forwarding: false } } };
const m = { set: 'avx512', bits: 512, format: 'fp32', dotProducts: true } as const;
const code = tileLoop(m, { style: 'broadcast', vectors: 1, columns: 8, unroll: 1 });
for (const strip of [false, true]) {
  const body = code.body().map((a) => ({ ...a, operands: a.operands.map((o) => ('base' in o && strip && o.index !== undefined ? { base: o.base, displacement: o.displacement + 16, broadcast: o.broadcast === true } : o)) }));
  const p = prepare(assemble(body), 'loop', core);
  const r = predict(p, core); console.log(strip, r.cyclesPerIteration, r.portUops.map((x) => x.toFixed(2)).join(' '), p.program.slots.length);
}
