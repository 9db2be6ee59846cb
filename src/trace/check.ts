import type { Problem } from '../errors.ts';
import { elements, macs } from './facts.ts';
import type { CollectiveOp, ConvOp, MatmulOp, Op, Tensor, TensorId } from './trace.ts';

/** Elements of a tensor beyond which sizes in bits are no longer exact in a double. */
const MAX_ELEMENTS = 2 ** 46;

/**
 * What a trace says that cannot be: ops that name tensors which do not exist, read what no earlier op has made or write
 * what is given; two ops of one id; contractions whose sizes are not those of their tensors; sizes beyond all limits.
 */
export function checkTrace(tensors: readonly Tensor[], ops: readonly Op[], file: string): Problem[] {
  const problems: Problem[] = [];
  const made = new Set<TensorId>();
  tensors.forEach((tensor, id) => {
    const size = elements(tensor.shape);
    if (size > MAX_ELEMENTS)
      problems.push({
        where: `${file}: tensors[${id}]`,
        found: `${size} elements`,
        remedy: `use at most ${MAX_ELEMENTS}`,
      });
    problems.push(...patternProblems(tensor, `${file}: tensors[${id}] (${tensor.name})`));
    if (tensor.role === 'input' || tensor.role === 'weight' || tensor.role === 'state') made.add(id);
  });
  const ids = new Set<string>();
  let total = 0;
  for (const [index, op] of ops.entries()) {
    const where = `${file}: ops[${index}] (${op.name})`;
    if (ids.has(op.id))
      problems.push({ where: `${where}.id`, found: `${op.id} is taken`, remedy: 'give every op its own id' });
    ids.add(op.id);
    const dangling = tensorProblems(op, where, tensors, made);
    problems.push(...dangling);
    for (const id of op.outputs) made.add(id);
    if (dangling.length === 0) problems.push(...sizeProblems(op, where, tensors));
    total += macs(op);
  }
  if (total > Number.MAX_SAFE_INTEGER)
    problems.push({
      where: file,
      found: `${total} MACs`,
      remedy: 'use smaller sizes; more than 2^53 cannot be counted exactly',
    });
  return problems;
}

function patternProblems({ pattern, role }: Tensor, where: string): Problem[] {
  if (pattern === undefined) return [];
  const written = `${pattern.n}:${pattern.m}`;
  if (pattern.n >= pattern.m)
    return [{ where: `${where}.pattern`, found: written, remedy: 'write fewer elements that stay than neighbours' }];
  if (role === 'weight') return [];
  return [{ where: `${where}.pattern`, found: `${written} of a tensor of role ${role}`, remedy: 'mark weights only' }];
}

function tensorProblems(op: Op, where: string, tensors: readonly Tensor[], made: ReadonlySet<TensorId>): Problem[] {
  const problems: Problem[] = [];
  for (const id of op.inputs) {
    if (id >= tensors.length)
      problems.push({
        where: `${where}.inputs`,
        found: `tensor ${id} does not exist`,
        remedy: `there are tensors 0 to ${tensors.length - 1}`,
      });
    else if (!made.has(id))
      problems.push({
        where: `${where}.inputs`,
        found: `tensor ${id} (${tensors[id]!.name}) is read before any op makes it`,
        remedy: 'order the ops, or give the tensor the role input',
      });
  }
  for (const id of op.outputs) {
    if (id >= tensors.length)
      problems.push({
        where: `${where}.outputs`,
        found: `tensor ${id} does not exist`,
        remedy: `there are tensors 0 to ${tensors.length - 1}`,
      });
    else if (tensors[id]!.role === 'input')
      problems.push({
        where: `${where}.outputs`,
        found: `tensor ${id} (${tensors[id]!.name}) is an input`,
        remedy: 'write to a tensor of another role',
      });
  }
  return problems;
}

function sizeProblems(op: Op, where: string, tensors: readonly Tensor[]): Problem[] {
  if (op.kind === 'collective') return collectiveProblems(op, where, tensors);
  if (op.kind !== 'matmul' && op.kind !== 'conv') return [];
  if (op.inputs.length < 2) return [{ where: `${where}.inputs`, found: 'one operand', remedy: 'give both operands' }];
  if (op.phase !== 'forward') return [];
  return op.kind === 'matmul' ? matmulProblems(op, where, tensors) : convProblems(op, where, tensors);
}

function sizeProblem(where: string, label: string, tensor: Tensor, expected: number, from: string): Problem[] {
  const size = elements(tensor.shape);
  if (size === expected) return [];
  return [
    {
      where,
      found: `${label} ${tensor.name} has ${size} elements [${tensor.shape.join(', ')}]`,
      remedy: `${from} makes ${expected}`,
    },
  ];
}

function matmulProblems(op: MatmulOp, where: string, tensors: readonly Tensor[]): Problem[] {
  const [left, right, result] = [tensors[op.inputs[0]!]!, tensors[op.inputs[1]!]!, tensors[op.outputs[0]!]!];
  return [
    ...sizeProblem(where, 'left operand', left, op.batch * op.m * op.k, 'batch * m * k'),
    ...sizeProblem(where, 'right operand', right, op.batch * op.k * op.n, 'batch * k * n'),
    ...sizeProblem(where, 'result', result, op.batch * op.m * op.n, 'batch * m * n'),
  ];
}

function convProblems(op: ConvOp, where: string, tensors: readonly Tensor[]): Problem[] {
  if (op.c % op.groups !== 0 || op.k % op.groups !== 0) {
    return [
      {
        where: `${where}.groups`,
        found: `${op.groups} groups for ${op.c} and ${op.k} channels`,
        remedy: 'use a divisor of both',
      },
    ];
  }
  const [left, right, result] = [tensors[op.inputs[0]!]!, tensors[op.inputs[1]!]!, tensors[op.outputs[0]!]!];
  return [
    ...sizeProblem(where, 'operand', left, op.n * op.c * op.h * op.w, 'n * c * h * w'),
    ...sizeProblem(where, 'weights', right, op.k * (op.c / op.groups) * op.r * op.s, 'k * c / groups * r * s'),
    ...sizeProblem(where, 'result', result, op.n * op.k * op.p * op.q, 'n * k * p * q'),
  ];
}

/** Collectives whose result is as large as what a rank gives. */
const SAME_SIZE: ReadonlySet<CollectiveOp['function']> = new Set(['all-reduce', 'all-to-all', 'send', 'receive']);

function collectiveProblems(op: CollectiveOp, where: string, tensors: readonly Tensor[]): Problem[] {
  const total = (ids: readonly TensorId[]): number => ids.reduce((sum, id) => sum + elements(tensors[id]!.shape), 0);
  const [given, made] = [total(op.inputs), total(op.outputs)];
  const problems: Problem[] = [];
  const betweenTwo = op.function === 'send' || op.function === 'receive';
  if (betweenTwo !== (op.peer !== undefined))
    problems.push({
      where: `${where}.peer`,
      found: betweenTwo ? 'missing' : `a peer of ${op.function}`,
      remedy: 'name the other rank of a send or receive, and of nothing else',
    });
  const expected = SAME_SIZE.has(op.function)
    ? given
    : op.function === 'all-gather'
      ? given * op.ranks
      : op.function === 'reduce-scatter'
        ? given / op.ranks
        : made;
  if (made !== expected)
    problems.push({
      where,
      found: `${op.function} of ${given} elements makes ${made}`,
      remedy: `on ${op.ranks} ranks it makes ${expected}`,
    });
  return problems;
}
