// Between latents: as in sketcher_tf/request.py.

/**
 * Spherical interpolation between vectors.
 *
 * Latents of a Gaussian lie near a sphere, and so does what is between them.
 */
export function slerp(
  start: Float32Array,
  stop: Float32Array,
  share: number,
): Float32Array {
  const dot = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, x, i) => sum + x * b[i], 0);
  const norms = Math.sqrt(dot(start, start) * dot(stop, stop));
  const cosine = norms ? dot(start, stop) / norms : 1;
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  // Of parallel ones there is no arc.
  const [from, to] =
    Math.sin(angle) < 1e-6
      ? [1 - share, share]
      : [(1 - share) * angle, share * angle].map(
          (part) => Math.sin(part) / Math.sin(angle),
        );
  return start.map((x, i) => from * x + to * stop[i]);
}
