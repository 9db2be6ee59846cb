/** Coefficients of the rational approximations of FreeBSD's s_erf.c (Sun Microsystems 1993), constant term first. */
const NEAR_TOP = [
  0.12837916709551256, -0.3250421072470015, -0.02848174957559851, -0.005770270296489442, -2.3763016656650163e-5,
];
const NEAR_BOTTOM = [
  1, 0.39791722395915535, 0.0650222499887673, 0.005081306281875766, 0.00013249473800432164, -3.960228278775368e-6,
];
const MIDDLE_TOP = [
  -0.0023621185607526594, 0.41485611868374833, -0.3722078760357013, 0.31834661990116175, -0.11089469428239668,
  0.035478304325618236, -0.002166375594868791,
];
const MIDDLE_BOTTOM = [
  1, 0.10642088040084423, 0.540397917702171, 0.07182865441419627, 0.12617121980876164, 0.01363708391202905,
  0.011984499846799107,
];
const FAR_TOP = [
  -0.009864944034847148, -0.6938585727071818, -10.558626225323291, -62.375332450326006, -162.39666946257347,
  -184.60509290671104, -81.2874355063066, -9.814329344169145,
];
const FAR_BOTTOM = [
  1, 19.651271667439257, 137.65775414351904, 434.56587747522923, 645.3872717332679, 429.00814002756783,
  108.63500554177944, 6.570249770319282, -0.0604244152148581,
];
const FARTHEST_TOP = [
  -0.0098649429247001, -0.799283237680523, -17.757954917754752, -160.63638485582192, -637.5664433683896,
  -1025.0951316110772, -483.5191916086514,
];
const FARTHEST_BOTTOM = [
  1, 30.33806074348246, 325.7925129965739, 1536.729586084437, 3199.8582195085955, 2553.0504064331644,
  474.52854120695537, -22.44095244658582,
];
/** erf(1) rounded to single precision, as the middle interval's approximation is built around it. */
const MIDDLE_BASE = 0.8450629115104675;

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let index = coefficients.length - 1; index >= 0; index--) sum = sum * x + coefficients[index]!;
  return sum;
}

/** Error function, to about 1e-15. */
export function errorFunction(x: number): number {
  const size = Math.abs(x);
  if (size < 0.84375) return x + (x * polynomial(NEAR_TOP, x * x)) / polynomial(NEAR_BOTTOM, x * x);
  const sign = x < 0 ? -1 : 1;
  if (size < 1.25) {
    const beyond = size - 1;
    return sign * (MIDDLE_BASE + polynomial(MIDDLE_TOP, beyond) / polynomial(MIDDLE_BOTTOM, beyond));
  }
  if (Number.isNaN(x) || size >= 6) return sign * (Number.isNaN(x) ? x : 1);
  const inverse = 1 / (size * size);
  const ratio =
    size < 1 / 0.35
      ? polynomial(FAR_TOP, inverse) / polynomial(FAR_BOTTOM, inverse)
      : polynomial(FARTHEST_TOP, inverse) / polynomial(FARTHEST_BOTTOM, inverse);
  return sign * (1 - Math.exp(-size * size - 0.5625 + ratio) / size);
}
