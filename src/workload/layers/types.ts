/** Layer types of network files; workloads/README.md describes each. */
export const LAYER_TYPES: readonly string[] = [
  'conv', 'deconv', 'linear', 'pool', 'globalpool', 'norm', 'act', 'add', 'mul', 'concat', 'part', 'reshape', 'flatten', 'softmax', 'embedding',
  'interaction', 'attention', 'additive-attention', 'crop', 'lstm', 'gru', 'rnn', 'upsample', 'identity', 'tokens', 'constant', 'step',
];
