import numpy as np
import pytest

from sketcher_tf.model.interpolation import slerp

SHARES = np.linspace(0, 1, 9, dtype=np.float32)[:, None]


@pytest.mark.parametrize("seed", range(5))
def test_slerp_stays_on_the_sphere(seed):
    start, stop = np.random.default_rng(seed).normal(size=(2, 6))
    stop *= np.linalg.norm(start) / np.linalg.norm(stop)
    walk = slerp(start.astype(np.float32), stop.astype(np.float32), SHARES)
    np.testing.assert_allclose(walk[0], start, atol=1e-5)
    np.testing.assert_allclose(walk[-1], stop, atol=1e-5)
    norms = np.linalg.norm(walk, axis=1)
    np.testing.assert_allclose(norms, np.linalg.norm(start), rtol=1e-5)
    # Steps of the same length, on the plane of both.
    steps = np.linalg.norm(np.diff(walk, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    np.testing.assert_allclose(
        walk[::-1], slerp(stop, start, SHARES), atol=1e-5
    )
    assert np.linalg.matrix_rank(walk, tol=1e-4) == 2


@pytest.mark.parametrize("times", [1, 2.5, -1, -2, 0])
@pytest.mark.parametrize("seed", range(5))
def test_slerp_of_parallel_vectors_is_a_line(seed, times):
    start = np.random.default_rng(seed).normal(size=6).astype(np.float32)
    stop = np.float32(times) * start
    np.testing.assert_allclose(
        slerp(start, stop, SHARES),
        (1 - SHARES) * start + SHARES * stop,
        atol=1e-4,
    )
