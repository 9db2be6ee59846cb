import { InputError, type Problem } from '../../errors.ts';
import { type Instruction, isVector, UNIT } from './instruction.ts';

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
  /** Operand whose registers it reads; 'all', 'flags', or 'none' besides those it waits for. */
  readonly operand: number | 'all' | 'flags' | 'none';
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
  /** No row of the table names the instruction, or the core does not have it: an estimate. */
  readonly isUnknown: boolean;
}

/** A row of a table file: which instructions of the mnemonics it names, and their micro-ops. */
export interface Row {
  readonly file: string;
  readonly line: number;
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

const UOP = /^(>?)(p\d+|f01|none)(?::(\d+)(?:\/(\d+))?)?(?:@(n|f|\d))?(=r)?(?:\*(\d{1,2}))?$/;
const SHIFT = /^(?:sh[lr]|sa[lr]|ro[lr]|rc[lr])$/;
/** In the column of micro-ops: the core does not have the instruction. */
const ABSENT = 'absent';
/** Mnemonic of rows that speak of all instructions. */
const ANY = '*';

/**
 * Reads tables (see arch/x86/README.md for the format), the newest first.
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
    const bad = uops
      .split(' ')
      .filter((uop) => uop !== '-' && uop !== ABSENT && !uop.startsWith('!') && !UOP.test(uop));
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
    const row = { file, line: index + 1, tokens, uops };
    for (const name of names.split(' ')) {
      const known = rows.get(name);
      if (known === undefined) rows.set(name, [row]);
      else known.push(row);
    }
  });
}

/**
 * Legacy encodings without a ModRM or immediate byte that decode into other micro-ops than the general ones: `acc`, an
 * immediate to the accumulator; `once`, a register shifted by the constant 1.
 */
function shortForm(instruction: Instruction): 'acc' | 'once' | '' {
  const { operands, memory, encoding, length, opcodeOffset, widthBits, hasLengthChangingPrefix } = instruction;
  const [to, by] = operands;
  if (encoding !== 'legacy' || memory !== null || operands.length !== 2 || to?.kind !== 'r' || by?.kind !== 'i')
    return '';
  const bytes = length - opcodeOffset;
  if (bytes === 2 && SHIFT.test(instruction.mnemonic)) return 'once';
  const isShort = widthBits === 16 ? bytes === 3 && hasLengthChangingPrefix : bytes === (widthBits === 8 ? 2 : 5);
  return isShort && to.unit === UNIT.general ? 'acc' : '';
}

/** What the `when` column can ask of an instruction. */
export function tokensOf(instruction: Instruction): Set<string> {
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
  if (encoding === 'evex') tokens.add('evex');
  if (operands.some((operand) => operand.kind === 'mm')) tokens.add('mm');
  const short = shortForm(instruction);
  if (short !== '') tokens.add(short);
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

/** Port 6 has taken over the branches and simple integer operations of port 5: cores without it use that. */
const SIMPLE_PORT = { bit: 1 << 6, standIn: 1 << 5 } as const;

/** 512-bit operations lose port 1; FMA units keep port 5 in its place. */
function portsOf(name: string, is512: boolean, table: RecipeTable): number {
  if (name === 'none') return 0;
  if (name === 'f01') return is512 ? 0b100001 : 0b000011;
  let ports = 0;
  for (const digit of name.slice(1)) ports |= 1 << Number(digit);
  if (is512 && ports !== 0b10) ports &= ~0b10;
  if ((ports & SIMPLE_PORT.bit & ~table.ports) !== 0) ports |= SIMPLE_PORT.standIn;
  const present = ports & table.ports;
  return present === 0 ? table.ports & -table.ports : present;
}

function domainOf(ports: string, latencyCycles: number): Domain {
  if (ports === 'f01') return latencyCycles === 5 ? 'multiply' : 'fma';
  if (ports === 'p01' || ports === 'p015' || ports === 'p05') return 'simd';
  return ports === 'p5' ? 'shuffle' : 'other';
}

function operandOf(text: string | undefined): RecipeUop['operand'] {
  if (text === undefined) return 'all';
  if (text === 'n') return 'none';
  return text === 'f' ? 'flags' : Number(text);
}

function parse(uops: string, is512: boolean, table: RecipeTable): RecipeUop[] {
  const isLogic = uops.includes('!fl');
  return uops
    .split(' ')
    .filter((uop) => uop !== '-' && !uop.startsWith('!'))
    .flatMap((uop) => {
      const [, waits, ports = '', latency = '0', occupancy = '1', operand, output, copies = '1'] = UOP.exec(uop)!;
      const one: RecipeUop = {
        domain: isLogic ? 'logic' : domainOf(ports, Number(latency)),
        ports: portsOf(ports, is512, table),
        latencyCycles: Number(latency),
        occupancyCycles: Number(occupancy),
        waits: waits === '>',
        operand: operandOf(operand),
        hasRegisters: output !== undefined,
      };
      return Array.from({ length: Number(copies) }, () => one);
    });
}

/** Stand-in for instructions that the table does not name: one port, and the latency of the slower simple ones. */
function estimate(instruction: Instruction): string {
  return isVector(instruction) ? 'p5:4' : 'p1:3';
}

/** The row of the table that speaks of an instruction; null: none does, or it says that the core has no such instruction. */
export function rowOf({ rows }: RecipeTable, instruction: Instruction, tokens = tokensOf(instruction)): Row | null {
  const { mnemonic, encoding } = instruction;
  const name = encoding !== 'legacy' && mnemonic.startsWith('v') ? mnemonic.slice(1) : mnemonic;
  const fits = (row: Row): boolean => row.tokens.every((token) => tokens.has(token.name) !== token.negated);
  const row = rows.get(ANY)?.find(fits) ?? rows.get(name)?.find(fits);
  return row === undefined || row.uops === ABSENT ? null : row;
}

/** Micro-ops of an instruction, loads and stores left out. */
export function recipeOf(table: RecipeTable, instruction: Instruction): Recipe {
  const { form, memory } = instruction;
  const address = `${memory?.hasDisplacement === true ? '+d' : ''}${memory?.isRip === true ? '+rip' : ''}`;
  const key = `${form}${address}${shortForm(instruction)}`;
  let recipe = table.cache.get(key);
  if (recipe === undefined) {
    const tokens = tokensOf(instruction);
    const row = rowOf(table, instruction, tokens);
    const uops = row?.uops ?? estimate(instruction);
    recipe = {
      uops: parse(uops, table.fuses512 && tokens.has('z'), table),
      isMicrocoded: uops.includes('!ms'),
      isComplex: uops.includes('!d0'),
      keepsLoadApart: uops.includes('!nf'),
      isUnknown: row === null,
    };
    table.cache.set(key, recipe);
  }
  return recipe;
}
