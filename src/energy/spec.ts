import { z } from 'zod';
import { ACTIONS } from '../events/events.ts';

const price = z.number().min(0).max(1e9);

/**
 * What energy costs on one machine. `pricesPj` is keyed by component, then action: pJ per MAC or vector operation for
 * `mac.*` and `vector.op`, pJ per byte for `read`, `write`, `transfer` and `shift`, at the machine's own node.
 */
export const energySpec = z.strictObject({
  technologyNm: z.number().gt(0).max(1000),
  /** Price table in arch/energy/ (name) or elsewhere (path), scaled to `technologyNm`; `pricesPj` completes and overrides it. */
  table: z.string(),
  /** Components that are SRAM: capacity in KiB of the memory that one access reaches; the table prices its `read` and `write`. */
  sramKiB: z
    .record(
      z.string(),
      z
        .number()
        .gt(0)
        .max(2 ** 30),
    )
    .optional(),
  pricesPj: z.record(z.string(), z.partialRecord(z.enum(ACTIONS), price)),
  /** One factor on every price of an action, fitted where a measured power is known; absent: 1. */
  dynamicScale: z.number().gt(0).max(100).optional(),
  /** Power drawn in every cycle whatever happens: leakage, clock, interfaces. */
  idlePowerW: z.number().min(0).max(1e5),
  /** Power a vendor or paper states for a busy chip; only printed and tested against, never used. */
  publishedBusyPowerW: z.number().min(0).max(1e5).nullable(),
  areaMm2: z.number().gt(0).max(1e5).nullable(),
});
export type EnergySpec = z.infer<typeof energySpec>;
