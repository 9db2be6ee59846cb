import { type CaterpillarSpec, peCount } from './spec.ts';

/** Area of all PEs by part, mm2. */
export function areaMm2({ rings, core, pe, area }: CaterpillarSpec): {
  readonly memoryA: number;
  readonly memoryB: number;
  readonly logic: number;
  readonly total: number;
} {
  const pes = peCount({ rings, core });
  const memoryA = pes * pe.memoryAKiB * area.sramMm2PerKiB;
  const memoryB = pes * pe.memoryBKiB * area.sramMm2PerKiB * area.secondPortFactor;
  const logic = pes * area.logicMm2PerPe;
  return { memoryA, memoryB, logic, total: memoryA + memoryB + logic };
}
