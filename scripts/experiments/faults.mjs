// Accuracy of LeNet-300-100 on MNIST under flipped bits and perforated sums; writes reports/training/faults.md: about three minutes.
import { build, install } from '../bootstrap.mjs';
import { percent, train, writeReport } from './command.mjs';

install();
build();
const RATES = ['1e-7', '1e-6', '1e-5', '1e-4', '1e-3'];
const SHARES = ['0.1', '0.25', '0.5'];
const PRECISIONS = ['fp32', 'fp16', 'fp8e4m3'];
const flips = ['weights', 'activations'].flatMap((where) => RATES.map((rate) => `${where}:${rate}`));
const scaled = { fp32: 'none', fp16: 'automatic', fp8e4m3: '1024' };

const reports = PRECISIONS.map((precision) => {
  const options = ['--precision', precision, '--loss-scale', scaled[precision], '--rounding', 'stochastic'];
  const faults = ['--faults', flips.join(','), '--perforate', SHARES.join(',')];
  const report = train('lenet-300-100', '--epochs', '3', '--learning-rate', '0.05', ...options, ...faults);
  console.log(`${precision}: ${percent(report.testAccuracy)}`);
  return report;
});

const table = (first, rows) => `| ${first} | ${PRECISIONS.join(' | ')} |
|---|${PRECISIONS.map(() => '---:|').join('')}
${rows.map(([name, of]) => `| ${name} | ${reports.map((report) => percent(of(report))).join(' | ')} |`).join('\n')}
`;
const flipped = (where) => [
  ['0', (report) => report.testAccuracy],
  ...RATES.map((rate) => [rate, (report) => report.faults[`${where}:${rate}`]]),
];
writeReport(
  'faults.md',
  `# Faults in LeNet-300-100 on MNIST

Written by \`node scripts/experiments/faults.mjs\`: 3 epochs, batch 64, momentum 0.9, cosine schedule from 0.05, stochastic rounding, seed 1;
then the 10,000 test images under faults of one seed. Numbers are test accuracies. Nothing is trained or corrected after a fault.

## Bits of weights, flipped once before the test

${table('chance of each bit', flipped('weights'))}
## Bits of what products read, flipped anew in every batch

${table('chance of each bit', flipped('activations'))}
## Perforated sums

One of every n terms of each sum is left out, what is left is rescaled.

${table('share left out', [
  ['0', (report) => report.testAccuracy],
  ...SHARES.map((share) => [share, (report) => report.faults[`perforate:${share}`]]),
])}
What a flip costs is set by the exponent: the top exponent bit makes a weight of 0.1 into 3.4e37 in fp32 (times 2^128), 6,554 in fp16
(times 2^16) and 26 in fp8e4m3 (times 2^8), and a number has fewer bits to hit in the narrow formats. With one seed the rate at which
accuracy breaks down is known to a factor of ten, no better.
`,
);
