"use strict";
// Statistics of the rating page: no page needed, so that tests can run them.

const Anova = (() => {
  // Lanczos' approximation, g = 7, of log gamma(x), x > 0.
  const LANCZOS = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028,
    771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];

  function logGamma(x) {
    const shifted = x - 1;
    let sum = LANCZOS[0];
    for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (shifted + i);
    const t = shifted + 7.5;
    return (
      0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t +
      Math.log(sum)
    );
  }

  // The continued fraction of the incomplete beta function, by Lentz.
  function betaFraction(x, a, b) {
    const tiny = 1e-300;
    const safe = (value) => (Math.abs(value) < tiny ? tiny : value);
    let c = 1;
    let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
    let result = d;
    for (let m = 1; m < 1000; m++) {
      const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / safe(1 + even * d);
      c = safe(1 + even / c);
      result *= d * c;
      const odd =
        (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / safe(1 + odd * d);
      c = safe(1 + odd / c);
      result *= d * c;
      if (Math.abs(d * c - 1) < 1e-15) break;
    }
    return result;
  }

  // Regularised incomplete beta function I_x(a, b).
  function incompleteBeta(x, a, b) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const front = Math.exp(
      logGamma(a + b) - logGamma(a) - logGamma(b) +
        a * Math.log(x) + b * Math.log1p(-x),
    );
    return x < (a + 1) / (a + b + 2)
      ? (front * betaFraction(x, a, b)) / a
      : 1 - (front * betaFraction(1 - x, b, a)) / b;
  }

  // P(F > f) for an F of df and dfError degrees of freedom.
  function fSurvival(f, df, dfError) {
    if (Number.isNaN(f)) return NaN;
    if (f === Infinity) return 0;
    return incompleteBeta(dfError / (dfError + df * f), dfError / 2, df / 2);
  }

  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const squares = (values) => values.reduce((a, b) => a + b * b, 0);

  // Greenhouse and Geisser's estimate of how far the differences between
  // sources are from having one variance: 1 if they have, 1 / df at worst.
  // residuals: one row per subject; rows and columns sum to 0.
  function sphericity(residuals) {
    const sources = residuals[0].map((_, j) => residuals.map((r) => r[j]));
    const products = sources.flatMap((a) =>
      sources.map((b) => a.reduce((sum, x, i) => sum + x * b[i], 0)),
    );
    const trace = squares(residuals.flat());
    return trace ** 2 / ((sources.length - 1) * squares(products));
  }

  // One-way repeated-measures analysis of variance, both degrees of freedom
  // multiplied by the Greenhouse-Geisser epsilon.
  // rows: one per subject, a rating per source; at least 2 by 2.
  function repeatedMeasures(rows) {
    const subjects = rows.length;
    const sources = rows[0].length;
    const grand = mean(rows.flat());
    const centred = rows.map((row) => row.map((rating) => rating - grand));
    const bySource = centred[0].map((_, j) => mean(centred.map((r) => r[j])));
    const total = squares(centred.flat());
    const effect = subjects * squares(bySource);
    const between = sources * squares(centred.map(mean));
    const error = Math.max(total - effect - between, 0);
    // Equal ratings leave rounding errors, which would make an F of their own.
    const tiny = 1e-12 * total;
    const residuals = centred.map((row) =>
      row.map((rating, j) => rating - mean(row) - bySource[j]),
    );
    const epsilon = error > tiny ? sphericity(residuals) : 1;
    const df = epsilon * (sources - 1);
    const dfError = df * (subjects - 1);
    const f =
      error > tiny
        ? (effect * (subjects - 1)) / error
        : effect > tiny
          ? Infinity
          : NaN;
    return {
      f,
      df,
      dfError,
      epsilon,
      p: fSurvival(f, df, dfError),
      etaSquared: effect > tiny ? effect / (effect + error) : 0,
    };
  }

  // Mean rating of each subject and source. Subjects are the readers if there
  // are several, else the words; those without a rating of every source are
  // left out. ratings: [{reader, word, source, rating}]
  function table(ratings, sources) {
    const readers = new Set(ratings.map((r) => r.reader));
    const unit = readers.size > 1 ? "reader" : "word";
    const cells = new Map();
    for (const { [unit]: subject, source, rating } of ratings) {
      if (!cells.has(subject)) cells.set(subject, sources.map(() => []));
      cells.get(subject)[sources.indexOf(source)].push(rating);
    }
    const rows = [...cells.values()].filter((r) => r.every((c) => c.length));
    return { unit, rows: rows.map((row) => row.map(mean)) };
  }

  return { fSurvival, repeatedMeasures, table };
})();
