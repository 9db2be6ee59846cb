import type { ArrayTiming } from '../../models/systolic/pass-timing.ts';
import { type History, historyOf } from '../history.ts';
import { dimensionsOf, type Product, transpose } from '../matrix.ts';
import { outputStationaryStepper } from './output-stationary.ts';
import { stationaryStepper } from './stationary.ts';

/** A product on a systolic array, cycle by cycle: the dataflow decides what stays in the PEs. */
export function systolicHistory(machine: string, product: Product, timing: ArrayTiming): History {
  const { m, k, n } = dimensionsOf(product);
  const { rows, columns, dataflow } = timing;
  const title = `${m} x ${k} times ${k} x ${n} on ${machine}, ${rows} x ${columns} PEs, ${dataflow}`;
  switch (dataflow) {
    case 'weight-stationary':
      return historyOf(
        stationaryStepper(title, product, timing, { held: 'weights b', streamed: 'inputs a', result: 'result' }),
      );
    case 'input-stationary': {
      // (a b)^T = b^T a^T: the inputs are held, the weights stream past.
      const turned = { a: transpose(product.b), b: transpose(product.a) };
      const names = { held: 'inputs, transposed', streamed: 'weights, transposed', result: 'result, transposed' };
      return historyOf(stationaryStepper(title, turned, timing, names));
    }
    case 'output-stationary':
      return historyOf(outputStationaryStepper(title, product, timing));
  }
}
