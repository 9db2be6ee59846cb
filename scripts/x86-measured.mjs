// Holds micro-op tables against single instructions measured by themselves: latency through a chain, cycles of independent copies.

/** Cycles per instruction that its micro-ops need on their ports, and the four issue slots. */
function portBound(program, slots) {
  const uops = program.uops.filter(({ ports }) => ports !== 0);
  let bound = (program.slotStart.length - 1) / slots;
  for (const set of new Set(uops.map(({ ports }) => ports))) {
    const busy = uops.filter(({ ports }) => (ports & ~set) === 0);
    const ports = set.toString(2).replaceAll('0', '').length;
    bound = Math.max(bound, busy.reduce((sum, { occupancyCycles }) => sum + occupancyCycles, 0) / ports);
  }
  return bound;
}

/** Cycles from one register of the instruction to its result, as the table says; null where no chain leads there. */
function chainCycles(program, from, to) {
  const done = [];
  let result = null;
  program.uops.forEach((uop, at) => {
    const starts = uop.after.map((one) => done[program.firstOf[at] + one]).filter((cycle) => cycle !== undefined);
    if (uop.reads.includes(from)) starts.push(0);
    if (starts.length > 0) done[at] = Math.max(...starts) + uop.latencyCycles;
    if (uop.writes.includes(to) && done[at] !== undefined) result = done[at];
  });
  return result;
}

/** Registers that a measured chain runs through; null: through memory or what the operands do not name. */
function pathOf({ path, instruction: { operands, memory } }) {
  const to = operands[0]?.unit;
  const from = { dst: to, src1: operands[1]?.unit, base: memory?.base }[path];
  if (from === undefined || from === null || to === undefined || to === null) return null;
  // The chain was measured with different registers: an example that uses one twice does not show its path.
  const others = operands.slice(1).filter(({ unit }) => unit === from).length;
  return others > (path === 'src1' ? 1 : 0) ? null : { from, to };
}

/**
 * Measured forms against the programs that the table makes of them: rows `[form, what, measured, table, note]` where they part by
 * more than the measurement explains, and how many values were compared.
 */
export function disagreements(measured, programs, slots) {
  const rows = [];
  let latencies = 0;
  let throughputs = 0;
  measured.forEach((one, at) => {
    const program = programs[at];
    const path = pathOf(one);
    const isMove = program.uops.some(({ kind }) => kind === 'move');
    const cycles = path === null || isMove ? null : chainCycles(program, path.from, path.to);
    if (one.latency !== null && cycles !== null) {
      latencies += 1;
      if (Math.abs(cycles - one.latency) > 0.25) rows.push([one.form, 'latency', one.latency, cycles, one.note]);
    }
    if (one.rthroughput === null || one.note.startsWith('carries')) return;
    throughputs += 1;
    const bound = portBound(program, slots);
    // Copies that share ports with the loop's own branch reach their bound to 20 % only.
    const isOff = one.rthroughput < bound * 0.97 - 0.01 || one.rthroughput > bound * 1.2 + 0.02;
    if (isOff) rows.push([one.form, 'cycles each', one.rthroughput, Number(bound.toFixed(3)), one.note]);
  });
  return { rows, latencies, throughputs };
}
