import { InputError, ModelBug } from '../errors.ts';
import type { Action, ActionUse } from '../events/events.ts';
import { energyScale } from './scaling.ts';
import type { EnergySpec } from './spec.ts';
import { loadEnergyTable, sramPjPerByte } from './table.ts';

/** `count` actions that moved `bytes` bytes at a component. */
export interface CountedAction extends ActionUse {
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

/** Refuses a run that would count an action without a price, before it starts; there is no default. Lists all of them. */
export function requirePrices(uses: readonly ActionUse[], price: PriceLookup): void {
  const problems = uses
    .filter(({ component, action }) => price(component, action) === undefined)
    .map(({ component, action }) => ({
      where: `energy.pricesPj.${component}.${action}`,
      found: 'the run counts this action but it has no price',
      remedy: `add its ${PER_BYTE.has(action) ? 'pJ per byte' : 'pJ per operation'}`,
    }));
  if (problems.length > 0) throw new InputError(problems);
}

/** Dynamic energy of counted actions in pJ, by component. */
export function dynamicEnergyPj(counts: readonly CountedAction[], price: PriceLookup): Record<string, number> {
  const byComponent: Record<string, number> = {};
  for (const { component, action, count, bytes } of counts) {
    const pricePj = price(component, action);
    if (pricePj === undefined) throw new ModelBug(`${component} counts ${action}, which lowering did not announce`);
    byComponent[component] = (byComponent[component] ?? 0) + (PER_BYTE.has(action) ? bytes : count) * pricePj;
  }
  return byComponent;
}
