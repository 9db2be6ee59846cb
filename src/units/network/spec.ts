import { z } from 'zod';
import { ALGORITHMS } from './catalogue/catalogue.ts';
import { COLLECTIVES } from './schedule.ts';

/** Upper limits keep an absurd file from hanging or exhausting the machine that runs the simulator. */
export const MAX_RANKS = 256;
const count = (max: number) => z.number().int().min(1).max(max);
const node = z
  .number()
  .int()
  .min(0)
  .max(2 * MAX_RANKS);
const lanes = count(32);

/** One lane of a link, the same in both directions. */
const link = z.strictObject({
  latencyNs: z.number().min(0).max(1e6),
  /** Signalling rate of one direction after line coding. */
  bandwidthGBps: z.number().gt(0).max(1e5),
  /** Share of that rate left for data: packets have headers, flow control takes its part. */
  payloadShare: z.number().gt(0).max(1),
});

/** Who is linked with whom. Ranks are nodes 0 ... ranks - 1; further nodes are switches. */
const layout = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all-to-all'), link: z.string(), lanes }),
  z.strictObject({ kind: z.literal('ring'), link: z.string(), lanes }),
  /** Rank = row x columns + column; both dimensions wrap around. */
  z.strictObject({
    kind: z.literal('torus'),
    rows: count(MAX_RANKS),
    columns: count(MAX_RANKS),
    link: z.string(),
    lanes,
  }),
  /** Ranks hang on the hub of their host; hubs are linked all to all. */
  z.strictObject({ kind: z.literal('hosts'), hosts: count(MAX_RANKS), link: z.string(), uplink: z.string(), lanes }),
  z.strictObject({
    kind: z.literal('edges'),
    edges: z
      .array(z.strictObject({ between: z.tuple([node, node]), link: z.string(), lanes }))
      .min(1)
      .max(1e5),
  }),
]);
export type Layout = z.infer<typeof layout>;

/** A way to hand over messages. */
const protocol = z.strictObject({
  /** From the moment both ranks are ready until the first byte enters the link. */
  messageUs: z.number().min(0).max(1e6),
  /** Share of the links' data rate that it reaches: flags among the data, fences, copies. */
  bandwidthShare: z.number().gt(0).max(1),
});

/** The communication library. */
const library = z.strictObject({
  /** Once a collective: call, kernel launch, return. */
  launchUs: z.number().min(0).max(1e6),
  /** Rate at which a rank adds what it receives; null: it adds while it copies, at no extra time. */
  reduceGBps: z.number().gt(0).max(1e6).nullable(),
  protocols: z
    .record(z.string(), protocol)
    .refine((protocols) => Object.keys(protocols).length > 0, 'name at least one'),
  /** Algorithms it has, by collective; a collective that is not listed may use every one there is. */
  algorithms: z.partialRecord(z.enum(COLLECTIVES), z.array(z.string()).min(1)),
});

/** What a network file in arch/network/ may say. */
export const networkSpec = z
  .strictObject({ ranks: z.number().int().min(2).max(MAX_RANKS), layout, links: z.record(z.string(), link), library })
  .superRefine((spec, context) => {
    const refuse = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const requireLink = (name: string, path: readonly (string | number)[]): void => {
      if (!Object.hasOwn(spec.links, name)) refuse(path, `name one of links: ${Object.keys(spec.links).join(', ')}`);
    };
    const { layout: shape, ranks } = spec;
    if (shape.kind === 'edges') {
      shape.edges.forEach(({ link: name }, index) => requireLink(name, ['layout', 'edges', index, 'link']));
    } else requireLink(shape.link, ['layout', 'link']);
    if (shape.kind === 'hosts') {
      requireLink(shape.uplink, ['layout', 'uplink']);
      if (ranks % shape.hosts !== 0) refuse(['layout', 'hosts'], `must divide the ${ranks} ranks`);
    }
    if (shape.kind === 'torus' && shape.rows * shape.columns !== ranks)
      refuse(['layout', 'rows'], `rows x columns must be the ${ranks} ranks`);
    for (const collective of COLLECTIVES) {
      const known = ALGORITHMS[collective];
      spec.library.algorithms[collective]?.forEach((name, index) => {
        if (!known.has(name))
          refuse(['library', 'algorithms', collective, index], `choose one of ${[...known.keys()].join(', ')}`);
      });
    }
  });
export type NetworkSpec = z.infer<typeof networkSpec>;
