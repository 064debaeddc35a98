// Whether two samples differ in their mean: Welch's test, two-sided.
(function () {
  "use strict";

  // ln Γ, by Lanczos' approximation (g = 7, n = 9).
  const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  function lnGamma(x) {
    const t = x - 1 + 7.5;
    const sum = LANCZOS.reduce((total, c, i) => (i === 0 ? c : total + c / (x - 1 + i)), 0);
    return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
  }

  // The regularised incomplete beta function, by Lentz' continued fraction.
  function beta(x, a, b) {
    if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
    if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
    const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log(1 - x)) / a;
    let f = 1, c = 1, d = 0;
    for (let i = 0; i <= 200; i++) {
      const m = Math.floor(i / 2);
      const numerator = i === 0 ? 1 : i % 2 === 0 ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) : -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / (1 + numerator * d || 1e-30);
      c = 1 + numerator / c || 1e-30;
      f *= c * d;
      if (Math.abs(1 - c * d) < 1e-10) break;
    }
    return front * (f - 1);
  }

  // The probability of so large a difference by chance; null where a sample has fewer than two values.
  gittrack.welch = (left, right) => {
    const a = gittrack.measure(left), b = gittrack.measure(right);
    if (!a || !b || a.count < 2 || b.count < 2) return null;
    const va = a.std ** 2 / a.count, vb = b.std ** 2 / b.count;
    if (va + vb === 0) return a.mean === b.mean ? 1 : 0;
    const t = (a.mean - b.mean) / Math.sqrt(va + vb);
    const freedom = (va + vb) ** 2 / (va ** 2 / (a.count - 1) + vb ** 2 / (b.count - 1));
    return beta(freedom / (freedom + t * t), freedom / 2, 0.5);
  };
})();
