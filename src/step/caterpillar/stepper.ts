import type { CoreTiming, Stream } from '../../models/caterpillar/micro/program.ts';
import { register, dimensionsOf, type Product, tableOf, valueText } from '../matrix.ts';
import type { Cell, Mark, Scene, Stepper } from '../stepper.ts';
import { type CoreFormat, coreMachine, type CoreState, type PeState, rounderOf } from './core.ts';
import { load, type Loaded } from './layout.ts';

const STREAM_TEXT: Readonly<Record<Stream, string>> = {
  a: 'a word of a comes to the memory A of every column',
  b: 'a word of b comes to the memories B of every column',
  initial: 'sums to start from come in',
  result: 'results leave',
};

const text = (value: number | null): string => (value === null ? '' : valueText(value));

/** A product on one core: rank-1 updates over the row buses, or, with a vector, inner products summed along the rows. */
export function coreStepper(
  title: string,
  operands: Product,
  timing: CoreTiming,
  format: CoreFormat,
): Stepper<CoreState> {
  const { size } = timing;
  const product = roundedTo(format, operands);
  const { m, k, n } = dimensionsOf(product);
  const loaded = load(timing, product);
  const isVector = n === 1;

  const cellOf = (pe: PeState): Cell => ({
    busy: pe.isAdding,
    registers: [
      register(isVector ? 'a' : 'bus', pe.left, 'moving'),
      register('b', pe.right, 'held'),
      register('sum', pe.accumulator, 'sum'),
      isVector ? register('link', pe.link, 'moving') : register('out', pe.output, 'sum'),
    ],
  });

  const machine = coreMachine(timing, format, loaded);
  return {
    title,
    ...machine,
    scene: (state): Scene => {
      const { cycle, pes, port, buses, sentNow } = state;
      const across = (streams: readonly Stream[]) =>
        port !== null && streams.includes(port.stream) ? port.values.map(valueText) : new Array<string>(size).fill('');
      return {
        cycle,
        says: sentences(state, machine.isDone(state)),
        grids: [
          {
            name: 'core',
            cells: Array.from({ length: size }, (_, row) => pes.slice(row * size, (row + 1) * size).map(cellOf)),
            left: isVector ? null : { name: 'words of a on the row buses', values: buses.map(text) },
            top: isVector ? null : { name: 'column buses in', values: across(['a', 'b', 'initial']) },
            right: isVector ? { name: 'sums sent out', values: sentNow.map(text) } : null,
            bottom: isVector ? null : { name: 'column buses out', values: across(['result']) },
          },
        ],
        links: [],
        tables: [
          tableOf(`a (${m} x ${k})`, product.a, (row, column) => markOfA(row, column, state.moved.a)),
          tableOf(`b (${k} x ${n})`, product.b, (row, column) => markOfB(row, column, state.moved.b)),
          {
            name: `result (${m} x ${n})`,
            rows: product.a.map((_, row) =>
              product.b[0]!.map((__, column) => {
                const value = resultAt(state, loaded, size, row, column);
                return { text: text(value), mark: value === null ? 'waiting' : 'done' };
              }),
            ),
          },
        ],
      };
    },
  };

  function markOfA(row: number, column: number, moved: number): Mark {
    if (isVector) return 'active';
    // Tile by tile, slice by slice, a word for each row of PEs.
    const order = (Math.floor(row / size) * (loaded.k / size) + Math.floor(column / size)) * size + (row % size);
    return order < moved ? 'active' : 'waiting';
  }

  function markOfB(row: number, column: number, moved: number): Mark {
    if (isVector) return 'active';
    const order = Math.floor(column / size) * loaded.k + row;
    if (order >= moved) return 'waiting';
    // Memories B hold two panels.
    return order < moved - loaded.wrapB ? 'done' : 'active';
  }
}

/** Operands as memories hold them. */
function roundedTo(format: CoreFormat, { a, b }: Product): Product {
  const round = rounderOf(format);
  const rounded = (matrix: Product['a']) => matrix.map((row) => row.map(round));
  return { a: rounded(a), b: rounded(b) };
}

function sentences({ cycle, pes, port }: CoreState, isDone: boolean): string[] {
  if (isDone) return ['done'];
  if (cycle === 0) return ['start'];
  const adding = pes.filter(({ isAdding }) => isAdding).length;
  return [
    ...(port === null ? [] : [STREAM_TEXT[port.stream]]),
    adding === 0 ? 'no multiply-add starts' : `${adding} of ${pes.length} PEs start a multiply-add`,
  ];
}

/** An element of the result as it left the core; null: not yet. */
function resultAt(
  { sent, drained }: CoreState,
  { m, n }: Loaded,
  size: number,
  row: number,
  column: number,
): number | null {
  if (n === 1) return sent[row % size]![Math.floor(row / size)] ?? null;
  // Panel by panel of columns, tile by tile of rows.
  return drained[column % size]![Math.floor(column / size) * m + row] ?? null;
}
