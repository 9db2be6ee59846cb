import { InputError, type Problem } from '../errors.ts';
import { covers, type Leaf, leavesOf } from './merge.ts';
import type { Override } from './override.ts';
import type { MachineFile } from './read.ts';
import type { Source } from './source.ts';
import { didYouMean } from '../suggest.ts';

const SET: Source = { kind: 'estimated', ref: '--set' };

/**
 * Source of every field of a machine. A file that sets a value gives its source, by the most specific of its `sources` that
 * covers it; a source that names a field exactly may also speak for an inherited value. A value set without a source counts
 * as estimated, so that no number borrows the source of the value it replaced.
 * Throws InputError for sources of fields that do not exist.
 */
export function resolveSources(
  chain: readonly MachineFile[],
  overrides: readonly Override[],
  leaves: readonly Leaf[],
): Map<string, Source> {
  const paths = leaves.map((leaf) => leaf.path);
  const result = new Map<string, Source>();
  const problems: Problem[] = [];
  const everSet = new Set<string>();
  for (const file of chain) {
    const own = new Set(leavesOf(file.spec).map((leaf) => leaf.path));
    for (const path of own) everSet.add(path);
    const sections = Object.keys(file.sources).sort((left, right) => right.length - left.length);
    for (const path of paths) {
      const section = sections.find((candidate) => (own.has(path) ? covers(candidate, path) : candidate === path));
      if (section !== undefined) result.set(path, file.sources[section]!);
      else if (own.has(path)) result.set(path, { kind: 'estimated', ref: `${file.label}, no source given` });
    }
    for (const section of sections) {
      if ([...everSet, ...paths].some((path) => covers(section, path))) continue;
      problems.push({
        where: `${file.label}: sources.${section}`,
        found: 'there is no such field',
        remedy: didYouMean(section, paths),
      });
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  for (const { keys } of overrides) {
    for (const path of paths) if (covers(keys.join('.'), path)) result.set(path, SET);
  }
  return result;
}
