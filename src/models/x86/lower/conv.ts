import { SUM_BITS } from './gemm-code.ts';
import { weightGradientWays } from './conv-gradient.ts';
import { pointWay } from './conv-points.ts';
import { rowWay } from './conv-rows.ts';
import type { ConvSetting } from './conv-setting.ts';
import type { ConvLoops } from './convolution.ts';
import type { Way } from './way.ts';

/** Direct convolutions in the blocked layout that holds a vector of channels of one position side by side (nChw16c). */
export function convWays(conv: ConvLoops, setting: ConvSetting): Way[] {
  const lanes = setting.math.bits / SUM_BITS[setting.math.format];
  const blocks = conv.groups > 1 && conv.laneChannels < lanes ? lanesAcrossGroups(conv, lanes) : conv;
  if (conv.pass === 'weight-gradient') return weightGradientWays(blocks, lanes, setting);
  return [blocks.taps === 1 ? pointWay(blocks, lanes, setting) : rowWay(blocks, lanes, setting)];
}

/** Depthwise: each lane works for a group of its own, as far as groups have as few channels in as out. */
function lanesAcrossGroups(conv: ConvLoops, lanes: number): ConvLoops {
  const together = Math.min(conv.groups, Math.max(1, Math.floor(lanes / conv.laneChannels)));
  return { ...conv, groups: Math.ceil(conv.groups / together), laneChannels: conv.laneChannels * together };
}
