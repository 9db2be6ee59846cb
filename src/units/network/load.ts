import { dataPath, fileExists, listFolder } from '../../files.ts';
import { InputError } from '../../errors.ts';
import { loadMachine } from '../../machine/load.ts';
import type { Machine } from '../../machine/source.ts';
import { didYouMean } from '../../suggest.ts';
import { type NetworkSpec, networkSpec } from './spec.ts';
import { buildTopology, type Topology } from './topology.ts';

/** Names of the networks that ship. */
export function networkNames(): string[] {
  return listFolder(dataPath('arch', 'network'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length));
}

const loaded = new Map<string, Topology>();

/** Loads a network by name (arch/network/NAME.yaml) or path, with `--set` overrides. Throws InputError with every fault. */
export function loadNetwork(nameOrPath: string, sets: readonly string[] = []): Topology {
  const key = JSON.stringify([nameOrPath, ...sets]);
  const network = loaded.get(key) ?? topologyOf(loadNetworkFile(nameOrPath, sets));
  loaded.set(key, network);
  return network;
}

/** The file itself with the source of every number. */
export function loadNetworkFile(nameOrPath: string, sets: readonly string[] = []): Machine {
  const isPath = /[/\\]|\.ya?ml$/.test(nameOrPath);
  const path = isPath ? nameOrPath : dataPath('arch', 'network', `${nameOrPath}.yaml`);
  if (!isPath && !fileExists(path))
    throw InputError.of('network', `there is no network ${nameOrPath}`, didYouMean(nameOrPath, networkNames()));
  return loadMachine(path, sets, { network: networkSpec });
}

function topologyOf({ name, spec }: Machine): Topology {
  return buildTopology(name, spec as NetworkSpec);
}
