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

- CP needs the fewest epochs: here it needs as many as SGD, to within a test. Mini-batches of 50 take as many as both to 95 % (to 90 % within
  two tests), once each has a rate and a length of run of its own, and 1.2 times as many to 97 %. To 98 % on lenet-300-100 CP takes 2.75 epochs of a run of 3,
  SGD just misses it (97.96 %), mini-batches take 5.7 epochs of a run of 15: they miss it in 3 (97.80 %), and no length between was tried.
  On mlp-500 CP meets it after 2.3 epochs, SGD after 2.75, a test later; mini-batches just miss it in 3 (97.97 %) and take 4.75 of a run of 15.
- CP needs least energy: of the methods of one sample a step, yes, or as little as SGD: a sample takes ${energy('lenet-300-100', 'CP', SMALL)} of SGD's energy on
  lenet-300-100 and ${energy('mlp-500', 'CP', SMALL)} on mlp-500 (${SMALL}). Against mini-batches CP needs less to 98 % alone, where they take
  twice the samples on both networks.
- "Smaller networks favour non-batched operation": in energy not here, to 95 and 97 %. A sample takes ${energy('lenet-300-100', 'mini-batch', SMALL)} (lenet-300-100) and ${energy('mlp-500', 'mini-batch', SMALL)}
  (mlp-500) of SGD's energy in a mini-batch, and so few more samples do not outweigh that. In time the 512 PEs of ${SMALL} are kept
  busy by one sample nearly as well: ${time('lenet-300-100', 'CP', SMALL)} and ${time('mlp-500', 'CP', SMALL)} of SGD's time by CP, ${time('lenet-300-100', 'mini-batch', SMALL)} and ${time('mlp-500', 'mini-batch', SMALL)} by mini-batches, which the samples to 97 % outweigh. The 2048 PEs of
  ${LARGE} are not, and favour batches: ${time('lenet-300-100', 'mini-batch', LARGE)} and ${time('mlp-500', 'mini-batch', LARGE)}. The claim holds for high accuracies, where batches need more samples.
- "Larger networks favour batched operation": in costs a sample, on either machine. mlp-2500 in mini-batches takes ${energy('mlp-2500', 'mini-batch', SMALL)} of SGD's energy on
  ${SMALL}, whose PEs cannot hold the weights, so that each step of one sample reads them from off-chip memory; on ${LARGE}, where
  they fit, it takes ${energy('mlp-2500', 'mini-batch', LARGE)}, by CP ${energy('mlp-2500', 'CP', LARGE)}. It was not trained, so how many samples each method needs is open.
- FA and DFA: on these networks six to nine times the samples of SGD to 90 %; after 3 epochs both end at 95.8 % on lenet-300-100, at 95.0 % (FA) and 93.8 % (DFA)
  on mlp-500. Less energy a sample (DFA on
  mlp-500: ${energy('mlp-500', 'DFA', SMALL)}) does not make up for that. On lenet-300-100 rates from 0.0025 to 0.02 differ by less
  than a point for both, so that the rate is not what holds them back. FA keeps fixed random tensors as large as the weights; on ${LARGE} they do not fit beside those of mlp-2500 (${energy('mlp-2500', 'FA', LARGE)}).
`;
}
