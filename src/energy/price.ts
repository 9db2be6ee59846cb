import { InputError, type Problem } from '../errors.ts';
import type { Action } from '../events/events.ts';
import { energyScale } from './scaling.ts';
import type { EnergySpec } from './spec.ts';
import { loadEnergyTable, sramPjPerByte } from './table.ts';

/** `count` actions that moved `bytes` bytes at a component. */
export interface CountedAction {
  readonly component: string;
  readonly action: Action;
  readonly count: number;
  readonly bytes: number;
}

/** Price in pJ of an action at a component: per byte for `read`, `write`, `transfer` and `shift`, else per action. */
export type PriceLookup = (component: string, action: Action) => number | undefined;

/** Actions that are priced per byte moved. */
const PER_BYTE: ReadonlySet<Action> = new Set<Action>(['read', 'write', 'transfer', 'shift']);

/**
 * All prices of a machine: those of its table scaled to its node, completed and overridden by its own `pricesPj`, all of them
 * times `dynamicScale`. Throws InputError for an unknown table or a node that cannot be scaled to.
 */
export function machinePrices(spec: EnergySpec): PriceLookup {
  const table = loadEnergyTable(spec.table);
  const toNode = energyScale(table.technologyNm, spec.technologyNm);
  const prices = new Map<string, number>();
  const set = (component: string, action: string, pricePj: number): void => {
    prices.set(`${component} ${action}`, pricePj * (spec.dynamicScale ?? 1));
  };
  for (const [component, actions] of Object.entries(table.actions)) {
    for (const [action, operations] of Object.entries(actions)) {
      set(component, action, operations.reduce((sum, operation) => sum + table.operationsPj[operation]!, 0) * toNode);
    }
  }
  for (const [component, sizeKiB] of Object.entries(spec.sramKiB ?? {})) {
    const pricePj = sramPjPerByte(table, sizeKiB) * toNode;
    set(component, 'read', pricePj);
    set(component, 'write', pricePj);
  }
  for (const [component, actions] of Object.entries(spec.pricesPj)) {
    for (const [action, pricePj] of Object.entries(actions)) set(component, action, pricePj);
  }
  return (component, action) => prices.get(`${component} ${action}`);
}

/**
 * Dynamic energy of counted actions in pJ, by component. Throws InputError listing every counted action without a price;
 * there is no default.
 */
export function dynamicEnergyPj(counts: readonly CountedAction[], price: PriceLookup): Record<string, number> {
  const byComponent: Record<string, number> = {};
  const missing = new Map<string, Problem>();
  for (const { component, action, count, bytes } of counts) {
    const amount = PER_BYTE.has(action) ? bytes : count;
    const pricePj = price(component, action);
    if (pricePj !== undefined) byComponent[component] = (byComponent[component] ?? 0) + amount * pricePj;
    else if (amount > 0) missing.set(`${component} ${action}`, unpriced(component, action));
  }
  if (missing.size > 0) throw new InputError([...missing.values()]);
  return byComponent;
}

function unpriced(component: string, action: Action): Problem {
  const unit = PER_BYTE.has(action) ? 'pJ per byte' : 'pJ per operation';
  return { where: `energy.pricesPj.${component}.${action}`, found: 'the run counts this action but it has no price', remedy: `add its ${unit}` };
}

/** A machine's prices, ready to apply to counted actions. Throws as `machinePrices`; the result throws as `dynamicEnergyPj`. */
export function priceTable(spec: EnergySpec): (counts: readonly CountedAction[]) => Record<string, number> {
  const price = machinePrices(spec);
  return (counts) => dynamicEnergyPj(counts, price);
}

/** Energy of a run: counted actions plus idle power over `cycles` of `clockHz`, which stands under `static`. */
export function energy(
  counts: readonly CountedAction[], price: PriceLookup, idlePowerW: number, cycles: number, clockHz: number,
): { readonly totalPj: number; readonly byComponentPj: Readonly<Record<string, number>> } {
  const byComponentPj = { ...dynamicEnergyPj(counts, price), static: (idlePowerW * cycles * 1e12) / clockHz };
  const totalPj = Object.values(byComponentPj).reduce((sum, value) => sum + value, 0);
  return { totalPj, byComponentPj };
}
