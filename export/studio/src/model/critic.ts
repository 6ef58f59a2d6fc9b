// What the critic's answer means: as in sketcher_tf/model/critic.py.

/**
 * How surely a drawing shows what was asked for, a log probability.
 *
 * Of one factor, that it has one of the values asked for; of several factors,
 * that of the worst.
 *
 * @param logProbs of each value of each factor.
 * @param condition what was asked for.
 * @param sizes the number of values of each factor.
 */
export function agreement(
  logProbs: Float32Array,
  condition: readonly number[],
  sizes: readonly number[],
): number {
  let at = 0;
  const parts = sizes.map((size) => {
    const asked = [...logProbs.subarray(at, at + size)].filter(
      (_, i) => condition[at + i] > 0,
    );
    at += size;
    return Math.log(asked.reduce((sum, log) => sum + Math.exp(log), 0));
  });
  return Math.min(...parts);
}

/** The agreement at which a drawing is good enough: the mean of what it is to show. */
export function threshold(
  condition: readonly number[],
  enough: readonly number[],
  factors: number,
): number {
  const asked = condition.map((share, i) => share * enough[i]);
  return asked.reduce((sum, log) => sum + log, 0) / factors;
}
