import { InputError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { aliases, catalogueNetwork, readNetwork, workloadNames } from './catalogue.ts';
import { INLINE_KINDS, inlineKernel } from './inline.ts';
import type { Network } from './network.ts';

/** What a workload named on the command line turned out to be. */
export type Workload =
  | { readonly kind: 'network'; readonly network: Network; readonly inline: boolean }
  | { readonly kind: 'trace'; readonly path: string }
  | { readonly kind: 'layers'; readonly path: string; readonly name: string };

/**
 * Finds out what `text` names: inline text (`matmul:`, `conv:`), the path of a .yaml, .yml, .json or .csv file, or a
 * network of the catalogue (any case, aliases). Throws InputError, with suggestions for an unknown name.
 */
export function resolveWorkload(text: string): Workload {
  const kernel = inlineKernel(text);
  if (kernel !== null) return { kind: 'network', network: kernel, inline: true };
  const extension = /\.(yaml|yml|json|csv)$/i.exec(text)?.[1]?.toLowerCase();
  if (extension === 'json') return { kind: 'trace', path: text };
  if (extension === 'csv') return { kind: 'layers', path: text, name: text.split(/[\\/]/).pop()!.slice(0, -4) };
  if (extension !== undefined) return { kind: 'network', network: readNetwork(text, text), inline: false };
  const network = catalogueNetwork(text);
  if (network !== null) return { kind: 'network', network, inline: false };
  throw unknown(text);
}

function unknown(text: string): InputError {
  const where = `workload ${JSON.stringify(text)}`;
  const prefix = /^([A-Za-z]+):/.exec(text)?.[1];
  if (prefix !== undefined && prefix.length > 1) {
    return InputError.of(where, `there is no inline kernel ${prefix}`, didYouMean(prefix, INLINE_KINDS));
  }
  if (/[\\/]/.test(text))
    return InputError.of(where, 'is a path without a known ending', 'name a .yaml, .yml, .json or .csv file');
  return InputError.of(where, 'not known', didYouMean(text, [...workloadNames(), ...Object.keys(aliases())]));
}
