import type { UpdateOp } from '../trace/trace.ts';

export type Optimizer = UpdateOp['optimizer'];

/** Tensors an optimizer keeps for each weight: how many, in what they are called. */
export const OPTIMIZER_STATES: Readonly<Record<Optimizer, readonly string[]>> = {
  gd: [],
  sgd: [],
  momentum: ['velocity'],
  nesterov: ['velocity'],
  // Roux, Schmidt and Bach 2012 keep one gradient a sample; per mini-batch, as here, one for each batch of the epoch's last visit.
  sag: ['sum', 'last'],
  adagrad: ['squares'],
  rmsprop: ['squares'],
  adam: ['mean', 'squares'],
  lars: ['velocity'],
};

export const OPTIMIZERS = Object.keys(OPTIMIZER_STATES) as readonly Optimizer[];
