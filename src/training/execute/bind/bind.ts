import type { Op } from '../../../trace/trace.ts';
import { type Runner, refusal, type Workspace } from '../workspace.ts';
import { bindConv, bindMatmulOp } from './contraction.ts';
import { bindElementwise } from './elementwise.ts';
import { bindGather } from './gather.ts';
import { bindMove } from './move.ts';
import { bindNorm, bindSoftmax } from './norm.ts';
import { bindPool, bindReduce } from './pool.ts';
import { bindUpdate } from './update.ts';

/** An op on the arrays of its tensors, ready to run. Throws InputError if it cannot run with values. */
export function bind(op: Op, workspace: Workspace): Runner {
  switch (op.kind) {
    case 'matmul':
      return bindMatmulOp(op, workspace);
    case 'conv':
      return bindConv(op, workspace);
    case 'pool':
      return bindPool(op, workspace);
    case 'norm':
      return bindNorm(op, workspace);
    case 'softmax':
      return bindSoftmax(op, workspace);
    case 'elementwise':
      return bindElementwise(op, workspace);
    case 'reduce':
      return bindReduce(op, workspace);
    case 'gather':
      return bindGather(op, workspace);
    case 'update':
      return bindUpdate(op, workspace);
    case 'move':
      return bindMove(op, workspace);
    case 'collective':
      throw refusal(op, op.function);
  }
}
