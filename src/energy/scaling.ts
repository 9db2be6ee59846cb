import { InputError } from '../errors.ts';

/** Energy of a switching inverter chain as a polynomial in supply voltage: a2 V^2 + a1 V + a0, in arbitrary units. */
interface Node {
  readonly nm: number;
  readonly polynomial: readonly [a2: number, a1: number, a0: number];
  readonly nominalV: number;
}

/**
 * Stillmaker and Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to 7 nm",
 * Integration 58 (2017), Table 5 (high performance models). The rows of 65 and 32 nm are those of the authors' published
 * example; the others were taken from a public transcription of the table. Supply voltages: 45 nm as in Horowitz 2014;
 * the others are the usual nominal ones (estimated).
 */
const NODES: readonly Node[] = [
  { nm: 90, polynomial: [4.762, -4.781, 2.092], nominalV: 1.2 },
  { nm: 65, polynomial: [3.755, -4.398, 1.975], nominalV: 1.1 },
  { nm: 45, polynomial: [1.018, -0.3107, 0.1539], nominalV: 0.9 },
  { nm: 32, polynomial: [0.8367, -0.4341, 0.1701], nominalV: 0.9 },
  { nm: 20, polynomial: [0.373, -0.1582, 0.04104], nominalV: 0.9 },
  { nm: 16, polynomial: [0.2958, -0.1241, 0.03024], nominalV: 0.8 },
  { nm: 14, polynomial: [0.2363, -0.09675, 0.02239], nominalV: 0.8 },
  { nm: 10, polynomial: [0.2068, -0.09311, 0.02375], nominalV: 0.75 },
  { nm: 7, polynomial: [0.1776, -0.09097, 0.02447], nominalV: 0.7 },
];

/** Energy factor of one of the tabulated nodes at a supply voltage (volts). Throws InputError for a node that is not tabulated. */
export function energyFactor(nm: number, supplyV: number): number {
  const node = NODES.find((candidate) => candidate.nm === nm);
  if (node === undefined) {
    throw InputError.of(
      'technologyNm',
      `${nm} nm is not tabulated`,
      `choose one of ${NODES.map((known) => known.nm).join(', ')}`,
    );
  }
  const [a2, a1, a0] = node.polynomial;
  return a2 * supplyV ** 2 + a1 * supplyV + a0;
}

/** Factor at nominal voltage; between two tabulated nodes a power law of the feature size joins them. */
function nominalFactor(nm: number): number {
  const smaller = NODES.findIndex((node) => node.nm <= nm);
  const exact = NODES[smaller];
  if (exact === undefined || nm > NODES[0]!.nm) {
    const range = `${NODES.at(-1)!.nm} to ${NODES[0]!.nm} nm`;
    throw InputError.of(
      'energy.technologyNm',
      `${nm} nm`,
      `energy scaling covers ${range}; price every action in a table of your own node`,
    );
  }
  if (exact.nm === nm) return energyFactor(nm, exact.nominalV);
  const larger = NODES[smaller - 1]!;
  const share = Math.log(larger.nm / nm) / Math.log(larger.nm / exact.nm);
  const from = energyFactor(larger.nm, larger.nominalV);
  return from * (energyFactor(exact.nm, exact.nominalV) / from) ** share;
}

/** What a switching energy at `fromNm` becomes at `toNm`, both at nominal voltage. Throws InputError outside 7 to 90 nm. */
export function energyScale(fromNm: number, toNm: number): number {
  return fromNm === toNm ? 1 : nominalFactor(toNm) / nominalFactor(fromNm);
}
