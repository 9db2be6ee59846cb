import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { InputError } from '../../errors.ts';
import { readInput } from '../../files.ts';
import { showMachine } from '../../machine/load.ts';
import { machineNames } from '../../machine/read.ts';
import { SCHEMAS } from '../../models/registry.ts';
import { si } from '../../report/format.ts';
import { macs, parameters, totalMacs } from '../../trace/facts.ts';
import { didYouMean } from '../../suggest.ts';
import { workloadNames } from '../../workload/catalogue.ts';
import { loadNetwork, loadTrace } from '../../workload/load.ts';
import { deliver } from '../output.ts';
import { COMMON } from '../options.ts';
import { columns } from '../../report/columns.ts';

const { set, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('name', { type: 'string', demandOption: true, describe: 'a machine or a workload' })
    .options({ set, out, quiet })
    .example('$0 show tpuv1', 'every number of a machine with its source')
    .example('$0 show resnet50', 'the layers of a network');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

function machineText(name: string, sets: readonly string[]): string {
  const { machine, extends: parents, fields } = showMachine(name, sets, SCHEMAS);
  const rows = fields.map((field) => [
    field.path,
    JSON.stringify(field.value),
    field.source === null ? '' : `${field.source.kind}: ${field.source.ref}`,
  ]);
  const derived = parents.length > 0 ? `\nextends ${parents.join(', ')}` : '';
  return `${machine.name} (${machine.kind}): ${machine.description}${derived}\n\n${columns([['field', 'value', 'source'], ...rows], [0, 1, 2])}`;
}

function workloadText(name: string): string {
  const trace = loadTrace(name, { phase: 'inference' }, 'int8');
  const isNetwork = !/\.(csv|json)$/i.test(name);
  const { description, source } = isNetwork ? loadNetwork(name) : { description: '', source: `read from ${name}` };
  const rows = trace.ops.map((op) => [
    op.name,
    op.kind,
    `[${trace.tensors[op.outputs[0]!]!.shape.join(', ')}]`,
    macs(op) === 0 ? '' : si(macs(op)),
  ]);
  const { batch } = trace.workload;
  const facts = `${si(parameters(trace))} parameters, ${si(totalMacs(trace) / batch)} MACs a sample, batch ${batch}`;
  return `${trace.workload.name}: ${description}\n${facts}\n${source}\n\n${columns([['op', 'kind', 'result', 'MACs'], ...rows], [0, 1, 2])}`;
}

/** A file with a kind, or derived from another, is a machine; any other is a workload. */
function isMachineFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && /^(kind|extends)\s*:/m.test(readInput(name));
}

function show(args: Arguments): void {
  const { name } = args;
  if (machineNames().includes(name) || isMachineFile(name))
    return deliver(machineText(name, args.set), args.out, args.quiet);
  const known = [...machineNames(), ...workloadNames()];
  try {
    deliver(workloadText(name), args.out, args.quiet);
  } catch (error) {
    if (error instanceof InputError && error.problems[0]?.found === 'not known')
      throw InputError.of(name, 'no machine and no workload', didYouMean(name, known));
    throw error;
  }
}

export const showCommand: CommandModule<object, Arguments> = {
  command: 'show <name>',
  describe: 'a machine with the source of every number, or a workload with its layers',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: show,
};
