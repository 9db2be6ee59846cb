import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';
import { energyTableNames } from '../../energy/table.ts';
import { listMachines } from '../../machine/load.ts';
import { si } from '../../report/format.ts';
import { listWorkloads } from '../../workload/load.ts';
import { deliver } from '../output.ts';
import { COMMON, readName } from '../options.ts';
import { columns } from '../../report/columns.ts';

const { format, out, quiet } = COMMON;

function options(yargs: Argv) {
  return yargs
    .positional('what', { choices: ['arch', 'workloads', 'energy'] as const, demandOption: true })
    .options({ format, out, quiet })
    .example('$0 list arch', 'machines')
    .example('$0 list workloads', 'networks with parameters and MACs');
}

type Arguments = ArgumentsCamelCase<Awaited<ReturnType<typeof options>['argv']>>;

function list(args: Arguments): void {
  const asJson = readName(args.format, ['table', 'json'], 'format') === 'json';
  const show = <Item>(items: readonly Item[], head: string[], row: (item: Item) => string[]): void =>
    deliver(
      asJson ? `${JSON.stringify(items, null, 2)}\n` : columns([head, ...items.map(row)], [0, head.length - 1]),
      args.out,
      args.quiet,
    );
  switch (args.what) {
    case 'arch':
      return show(listMachines(), ['machine', 'kind', 'description'], (item) => [
        item.name,
        item.kind,
        item.description,
      ]);
    case 'energy':
      return show(
        energyTableNames().map((name) => ({ name })),
        ['price table'],
        (item) => [item.name],
      );
    default:
      return show(listWorkloads(), ['workload', 'batch', 'parameters', 'MACs a sample', 'description'], (item) => [
        item.name,
        String(item.batch),
        si(item.parameters),
        si(item.macs),
        item.description,
      ]);
  }
}

export const listCommand: CommandModule<object, Arguments> = {
  command: 'list <what>',
  describe: 'what there is: machines, workloads, energy tables',
  builder: options as unknown as (yargs: Argv) => Argv<Arguments>,
  handler: list,
};
