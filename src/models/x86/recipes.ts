import { InputError, type Problem } from '../../errors.ts';
import { type Instruction, isVector } from './instruction.ts';

/** One micro-op of a recipe, besides the loads and stores that the operands bring. */
export interface RecipeUop {
  readonly domain: Domain;
  /** Bit p: may run on port p. 0: takes an issue slot, does not execute. */
  readonly ports: number;
  readonly latencyCycles: number;
  /** Cycles that the unit is busy. */
  readonly occupancyCycles: number;
  /** Waits for the micro-ops before it. */
  readonly waits: boolean;
  /** Operand whose registers it reads; 'all', or 'none' besides those it waits for. */
  readonly operand: number | 'all' | 'none';
  /** Has the register results; the last one then has only the flags. */
  readonly hasRegisters: boolean;
}

/** What kind of unit executes a micro-op, for the delays between units. */
export type Domain = 'simd' | 'logic' | 'fma' | 'multiply' | 'shuffle' | 'other';

export interface Recipe {
  readonly uops: readonly RecipeUop[];
  readonly isMicrocoded: boolean;
  /** Only the first decoder takes it, though it is one micro-op. */
  readonly isComplex: boolean;
  /** The load is no part of the first micro-op. */
  readonly keepsLoadApart: boolean;
  /** No row of the table names the instruction: an estimate. */
  readonly isUnknown: boolean;
}

interface Row {
  readonly tokens: readonly { readonly name: string; readonly negated: boolean }[];
  readonly uops: string;
}

/** The micro-op table of a core: mnemonic -> rows, tried in order. */
export interface RecipeTable {
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** Bit p: the core has port p. */
  readonly ports: number;
  readonly fuses512: boolean;
  readonly cache: Map<string, Recipe>;
}

const UOP = /^(>?)(p[0-8]+|f01|none)(?::(\d+)(?:\/(\d+))?)?(?:@(n|\d))?(=r)?$/;

/**
 * Reads tables (see the header of arch/x86/skylake.csv for the format), the newest first.
 * Throws InputError listing every bad line.
 */
export function readRecipes(
  files: readonly { readonly name: string; readonly text: string }[],
  ports: number,
  fuses512: boolean,
): RecipeTable {
  const rows = new Map<string, Row[]>();
  const problems: Problem[] = [];
  for (const { name, text } of files) readRows(text, name, rows, problems);
  if (problems.length > 0) throw new InputError(problems);
  return { rows, ports, fuses512, cache: new Map() };
}

function readRows(text: string, file: string, rows: Map<string, Row[]>, problems: Problem[]): void {
  text.split(/\r?\n/).forEach((line, index) => {
    if (line === '' || line.startsWith('#')) return;
    const [names = '', when = '', uops = ''] = line.split(',');
    if (index > 0 && names === 'mnemonics') return;
    const bad = uops.split(' ').filter((uop) => uop !== '-' && !uop.startsWith('!') && !UOP.test(uop));
    if (names === '' || bad.length > 0) {
      problems.push({
        where: `${file}: line ${index + 1}`,
        found: bad.join(' ') || line,
        remedy: 'write PORTS:LATENCY',
      });
      return;
    }
    const tokens = when
      .split(' ')
      .filter((token) => token !== '')
      .map((token) => ({ name: token.replace(/^!/, ''), negated: token.startsWith('!') }));
    for (const name of names.split(' ')) {
      const known = rows.get(name);
      if (known === undefined) rows.set(name, [{ tokens, uops }]);
      else known.push({ tokens, uops });
    }
  });
}

/** What the `when` column can ask of an instruction. */
function tokensOf(instruction: Instruction): Set<string> {
  const { operands, memory, encoding, mask } = instruction;
  const tokens = new Set<string>();
  if (memory?.reads === true) tokens.add('m');
  if (memory?.writes === true) tokens.add('s');
  if (memory === null && operands.some((operand) => operand.kind === 'r')) tokens.add('r');
  const widest = (['z', 'y', 'x'] as const).find((kind) => operands.some((operand) => operand.kind === kind));
  if (widest !== undefined) tokens.add(widest);
  if (operands[0]?.kind === 'k') tokens.add('k');
  if (operands.some((operand) => operand.kind === 'i')) tokens.add('i');
  if (instruction.form.includes(',cl')) tokens.add('cl');
  if (operands.length === 1) tokens.add('one');
  const general = operands.find((operand) => operand.kind === 'r');
  tokens.add(`w${general?.bits ?? instruction.sizeBytes * 8}`);
  if (encoding !== 'legacy') tokens.add('vex');
  if (mask !== null) tokens.add('mask');
  if (memory?.isBroadcast === true) tokens.add('bcst');
  if (memory?.isRip === true) tokens.add('rip');
  if (memory !== null && memory.base !== null && memory.index !== null && memory.hasDisplacement) tokens.add('lea3');
  const [to, from] = operands;
  if (to?.kind === 'r' && from !== undefined && isVector({ operands: [from] })) tokens.add('tor');
  if (to !== undefined && isVector({ operands: [to] }) && operands.slice(1).some((operand) => operand.kind === 'r'))
    tokens.add('fromr');
  return tokens;
}

/** Port 6 has the branches and simple integer operations of port 5 in cores without it. */
const STAND_IN: Readonly<Record<number, number>> = { 6: 5 };

/** 512-bit operations lose port 1; FMA units keep port 5 in its place. */
function portsOf(name: string, is512: boolean, table: RecipeTable): number {
  if (name === 'none') return 0;
  if (name === 'f01') return is512 ? 0b100001 : 0b000011;
  let ports = 0;
  for (const digit of name.slice(1)) ports |= 1 << Number(digit);
  if (is512 && ports !== 0b10) ports &= ~0b10;
  const present = ports & table.ports;
  return present !== 0 ? present : 1 << (STAND_IN[31 - Math.clz32(ports)] ?? 0);
}

function domainOf(ports: string, latencyCycles: number): Domain {
  if (ports === 'f01') return latencyCycles === 5 ? 'multiply' : 'fma';
  if (ports === 'p01' || ports === 'p015' || ports === 'p05') return 'simd';
  return ports === 'p5' ? 'shuffle' : 'other';
}

function parse(uops: string, is512: boolean, table: RecipeTable): RecipeUop[] {
  const isLogic = uops.includes('!fl');
  return uops
    .split(' ')
    .filter((uop) => uop !== '-' && !uop.startsWith('!'))
    .map((uop) => {
      const [, waits, ports = '', latency = '0', occupancy = '1', operand, output] = UOP.exec(uop)!;
      return {
        domain: isLogic ? 'logic' : domainOf(ports, Number(latency)),
        ports: portsOf(ports, is512, table),
        latencyCycles: Number(latency),
        occupancyCycles: Number(occupancy),
        waits: waits === '>',
        operand: operand === undefined ? 'all' : operand === 'n' ? 'none' : Number(operand),
        hasRegisters: output !== undefined,
      };
    });
}

/** Conservative stand-in for instructions that the table does not name. */
function estimate(instruction: Instruction): string {
  return isVector(instruction) ? 'f01:4' : 'p0156:1';
}

/** Micro-ops of an instruction, loads and stores left out. */
export function recipeOf(table: RecipeTable, instruction: Instruction): Recipe {
  const key = `${instruction.form}${instruction.memory?.hasDisplacement === true ? '+d' : ''}${instruction.memory?.isRip === true ? '+rip' : ''}`;
  let recipe = table.cache.get(key);
  if (recipe === undefined) {
    const { mnemonic, encoding } = instruction;
    const name = encoding !== 'legacy' && mnemonic.startsWith('v') ? mnemonic.slice(1) : mnemonic;
    const tokens = tokensOf(instruction);
    const row = table.rows
      .get(name)
      ?.find((candidate) => candidate.tokens.every((token) => tokens.has(token.name) !== token.negated));
    const uops = row?.uops ?? estimate(instruction);
    recipe = {
      uops: parse(uops, table.fuses512 && tokens.has('z'), table),
      isMicrocoded: uops.includes('!ms'),
      isComplex: uops.includes('!d0'),
      keepsLoadApart: uops.includes('!nf'),
      isUnknown: row === undefined,
    };
    table.cache.set(key, recipe);
  }
  return recipe;
}
