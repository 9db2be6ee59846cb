/** Runs whose whole reports are kept in reports/golden: a name, and the arguments of the command line. */
export const GOLDEN_CASES = [
  ['tpuv1.resnet50', ['resnet50', '--arch', 'tpuv1']],
  ['tpuv1.tpuv1-lstm1', ['tpuv1-lstm1', '--arch', 'tpuv1']],
  ['tpuv1-gddr5.tpuv1-mlp0', ['tpuv1-mlp0', '--arch', 'tpuv1-gddr5']],
  ['tpuv2.gpt2', ['gpt2', '--arch', 'tpuv2']],
  ['tpuv3.bert-base', ['bert-base', '--arch', 'tpuv3', '--batch', '8']],
  ['edge-16x16.mobilenet-v2', ['mobilenet-v2', '--arch', 'edge-16x16']],
  ['v100.alexnet', ['alexnet', '--arch', 'v100', '--batch', '32']],
  ['a100.tpuv1-mlp0', ['tpuv1-mlp0', '--arch', 'a100', '--precision', 'bf16']],
  ['p100.tpuv1-lstm1', ['tpuv1-lstm1', '--arch', 'p100', '--precision', 'fp32']],
  ['caterpillar-2x16.lenet-300-100', ['lenet-300-100', '--arch', 'caterpillar-2x16', '--training', '--batch', '1']],
  ['caterpillar-2x4.tpuv1-mlp1', ['tpuv1-mlp1', '--arch', 'caterpillar-2x4', '--precision', 'fp16']],
  ['scalesim-32x32-os.alexnet', ['alexnet', '--arch', 'scalesim-32x32-os']],
];

/** Renderings that are kept: what people read, and every number of every op. */
export const GOLDEN_FORMATS = { txt: 'table', csv: 'csv' };
