import re

import numpy as np
import pytest

from sketcher_tf import request
from sketcher_tf.request import slerp
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketches import Sketch
from tests.testing import toys
from tests.testing.sketches import DOT, EMPTY, sketch_of

LONGEST = toys.SCHEMA.max_seq_len
FACES = Schema(
    (Factor("view", ("front", "side")), *toys.SCHEMA.factors), 1, 9, 8
)
SHARES = np.linspace(0, 1, 9, dtype=np.float32)[:, None]


# --- Requests ---------------------------------------------------------------


def test_sketch_k_is_the_same_however_many_there_are():
    many = request.new_request(FACES, "ring", 30, 0.5, 7)
    few = request.new_request(FACES, "ring", 4, 0.5, 7)
    for one, other in zip(many[:3], few[:3], strict=True):
        np.testing.assert_array_equal(one[:4], other)
    assert few.prefix is None
    np.testing.assert_array_equal(few.seeds, [(7, k) for k in range(4)])
    assert few.seeds.dtype == np.int32
    assert few.temperature.tolist() == [0.5] * 4
    # The factor that is not named varies, the other one does not.
    assert set(map(tuple, many.condition)) == {(1, 0, 1, 0), (0, 1, 1, 0)}


def test_tries_make_freer_where_there_are_many_words():
    def words(count):
        values = tuple(f"word {i}" for i in range(count))
        return Schema((Factor("category", values),), 1.0, 10, 16)

    many = words(request.MANY_WORDS)
    temperature = request.temperature_of_new
    assert temperature(None, 2, many) == request.TEMPERATURE_WITH_TRIES
    for schema, tries in ((many, 1), (words(request.MANY_WORDS - 1), 4)):
        usual = temperature(None, tries, schema)
        assert usual == request.DEFAULT_TEMPERATURE
    assert temperature(0.0, 4, many) == 0


def test_each_condition_gets_a_sketch():
    condition = request.conditions(toys.SCHEMA, ["ring", "zigzag", "ring"])
    wanted = request.request_for_each(condition, 0.0, 2)
    np.testing.assert_array_equal(wanted.condition, condition)
    np.testing.assert_array_equal(wanted.seeds, [(2, 0), (2, 1), (2, 2)])
    np.testing.assert_array_equal(wanted.temperature, 0)


def test_a_walk_shares_its_noise():
    ends = request.conditions(toys.SCHEMA, ["ring", "zigzag"])
    walk = request.walk_request(ends, 5, 0.2, 9)
    np.testing.assert_array_equal(walk.seeds, [(9, 0)] * 5)
    np.testing.assert_allclose(walk.condition[:, 0], [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(walk.condition.sum(axis=1), 1)
    latents = request.walk_latents(np.ones(3), -np.ones(3), 5)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents[[0, -1]], [[1] * 3, [-1] * 3])


def test_drawings_are_padded_and_stay_in_pixels():
    line = sketch_of([[3, 4], [10, 4]])
    points = request.drawings(toys.SCHEMA, [line, DOT, EMPTY])
    assert points.shape == (3, LONGEST + 1, 5)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(
        points[0, :3], [[3, 4, 1, 0, 0], [7, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    )
    assert points[..., 4].sum(axis=1).tolist() == [LONGEST - 1, LONGEST, 13]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: request.seed_pairs(0, 0),
            "count must be at least 1; received 0. Ask for one.",
        ),
        *(
            (
                lambda seed=seed: request.seed_pairs(seed, 1),
                f"seed must be 0 or more and below 2**31; received {seed}.",
            )
            for seed in (-1, 2**31)
        ),
        *(
            (
                lambda tau=tau: request.temperatures(tau, 1),
                "temperature must be 0 (greedy) or a positive number, at most "
                f"1e+06; received {tau}. Try 0.3.",
            )
            for tau in (-0.5, float("nan"), float("inf"), 2e6)
        ),
        (
            lambda: request.drawings(toys.SCHEMA, []),
            "there must be at least one drawing; received none. Give one.",
        ),
        (
            lambda: request.drawings(
                toys.SCHEMA, [Sketch(np.ones((LONGEST + 1, 3), np.float32))]
            ),
            f"a drawing may have at most {LONGEST} points; received "
            f"{LONGEST + 1}. Simplify it first.",
        ),
        (
            lambda: request.drawings(toys.SCHEMA, [sketch_of([[2e6, 0]])]),
            "an offset may be at most 1e+06 pixels; received 2e+06. Scale the "
            "drawing down.",
        ),
        (
            lambda: request.conditions(toys.SCHEMA, ["owl"]),
            "received 'owl'. Known: category: ring, zigzag.",
        ),
    ],
)
def test_mistakes_are_explained(call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call()


# --- Walks ------------------------------------------------------------------


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
