import type { StepCost } from './costs.ts';
import { MACHINES } from './methods.ts';
import type { Finding } from './report.ts';

const [SMALL, LARGE] = MACHINES;

/** What one sample takes by a method relative to another one, on a machine. */
function ratioOf(findings: readonly Finding[]) {
  return (network: string, of: string, to: string, machine: string, quantity: 'energyPj' | 'seconds'): string => {
    const { costs } = findings.find(({ subject }) => subject.name === network)!;
    const sample = (name: string): number => {
      const cost = costs.find((one: StepCost) => one.method.name === name && one.machine === machine)!;
      return cost[quantity] / cost.method.batch;
    };
    return (sample(of) / sample(to)).toFixed(2);
  };
}

/** Written by hand, but for ratios of costs; read it again when training runs change. */
export function conclusions(findings: readonly Finding[]): string {
  const ratio = ratioOf(findings);
  const energy = (network: string, of: string, machine: string): string =>
    ratio(network, of, 'SGD', machine, 'energyPj');
  const time = (network: string, of: string, machine: string): string => ratio(network, of, 'SGD', machine, 'seconds');
  return `## What this shows of the findings of Li and Pedram 2017

Their abstract says which networks favour batches; what is said of epochs and energy to accuracy we know at second hand.

- CP needs the fewest epochs: here it needs as many as SGD, to within a test or two on every network, and which is ahead follows the rates that
  were picked: CP's is twice SGD's on mlp-500, half of it on mlp-2500. Mini-batches of 50 take as many as both to 95 % (on
  mlp-2500 fewer), once each has a rate and lengths of run of its own, and a test or two more to 97 %. To 98 % on lenet-300-100 CP takes 2.75 epochs of a run of 3, SGD just misses it
  (97.96 %), mini-batches take 4.75 of a run of 6. On mlp-500 CP takes 2.3, SGD 2.75, mini-batches 3.3 of a run of 6.
- CP needs least energy: of the methods of one sample a step, yes, or as little as SGD: a sample takes ${energy('lenet-300-100', 'CP', SMALL)} of SGD's energy on
  lenet-300-100 and ${energy('mlp-500', 'CP', SMALL)} on mlp-500 (${SMALL}). Against mini-batches CP needs less to 98 % alone, where they take
  1.7 and 1.4 times the samples; on mlp-500 that is a tenth of the energy or none, less than one test.
- "Smaller networks favour non-batched operation": in energy not here, to 95 and 97 %. A sample takes ${energy('lenet-300-100', 'mini-batch', SMALL)} (lenet-300-100) and ${energy('mlp-500', 'mini-batch', SMALL)}
  (mlp-500) of SGD's energy in a mini-batch, and so few more samples do not outweigh that. In time the 512 PEs of ${SMALL} are kept
  busy by one sample nearly as well: ${time('lenet-300-100', 'CP', SMALL)} and ${time('mlp-500', 'CP', SMALL)} of SGD's time by CP, ${time('lenet-300-100', 'mini-batch', SMALL)} and ${time('mlp-500', 'mini-batch', SMALL)} by mini-batches, which the samples to 97 % outweigh. The
  2048 PEs of ${LARGE} are not, and favour batches: ${time('lenet-300-100', 'mini-batch', LARGE)} and ${time('mlp-500', 'mini-batch', LARGE)}. The claim holds for high accuracies, where batches
  need more samples.
- "Larger networks favour batched operation": on ${SMALL} by far. Its PEs cannot hold the weights of mlp-2500, so that each step of one
  sample reads them from off-chip memory: a sample takes ${energy('mlp-2500', 'mini-batch', SMALL)} of SGD's energy in a mini-batch, and each accuracy a fourteenth to a fifth of it.
  On ${LARGE}, where the weights fit, a sample takes ${energy('mlp-2500', 'mini-batch', LARGE)} (by CP ${energy('mlp-2500', 'CP', LARGE)}): batches need half as much to 95 %, and as much
  as SGD to 97 %, which it meets in 0.64 epochs and they in 0.92. They alone come to 98 %, in three epochs that the others were not given.
- FA and DFA: on the smaller networks six to nine times the samples of SGD to 90 %; after 3 epochs both end at 95.8 % on lenet-300-100, at 95.0 %
  (FA) and 93.8 % (DFA) on mlp-500. After one epoch of mlp-2500 they are at 87.7 and 91.8 %. Less energy a sample (DFA on
  mlp-500: ${energy('mlp-500', 'DFA', SMALL)}) does not make up for that. On lenet-300-100 rates from 0.0025 to 0.02 differ by less
  than a point for both, so that the rate is not what holds them back. FA keeps fixed random tensors as large as the weights; on ${LARGE} they do
  not fit beside those of mlp-2500 (${energy('mlp-2500', 'FA', LARGE)} of SGD's energy). A machine that made them anew from a seed would save that; this one keeps them.
`;
}
