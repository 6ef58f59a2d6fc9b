import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.drawing import tries
from sketcher_tf.drawing.readings import read_anew
from sketcher_tf.model import sampling
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import (
    DEFAULT_TRIES,
    DrawingRequest,
    Prefix,
    new_request,
    number_of_tries,
)
from sketcher_tf.schema import Factor
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.strokes import stroke3_to_stroke5
from tests.testing import toys

MOST = 5


@pytest.fixture(scope="module")
def request_(model):
    ring = new_request(model.schema, "ring", 12, 0.8, 7)
    half = model.schema.parse("ring*0.5+zigzag*0.5")
    return ring._replace(
        condition=np.concatenate([ring.condition[:9], 3 * [half]])
    )


@pytest.fixture(scope="module")
def enough(request_):
    """What will do for each row, but for completions."""
    return request_.condition @ np.log([0.7, 0.6])


@pytest.fixture(scope="module")
def given():
    stroke3 = np.float32([[3, 4, 0], [0, 1, 0], [1, 1, 0], [0, -1, 1]])
    points = np.tile(stroke3_to_stroke5(stroke3, 5), (12, 1, 1))
    scale = toys.SCHEMA.stroke5_scale
    return Prefix(points / scale, np.full(12, 4, np.int32))


class Traced:
    """A function of a request and a number or numbers, as a graph.

    Attributes:
        traces: how often it was.
    """

    def __init__(self, function):
        self.traces = 0
        self._function = function
        self._graph = tf.function(
            self._counted, autograph=False, reduce_retracing=True
        )

    def _counted(self, *arguments):
        self.traces += 1
        return self._function(*arguments)

    def __call__(self, request, number):
        return self._graph(*tf.nest.map_structure(_tensor, (request, number)))


def _tensor(value):
    return None if value is None else tf.convert_to_tensor(value)


@pytest.fixture(scope="module")
def best(model):
    """Draws with tries, int32 [B]."""
    return Traced(lambda *what: tries.draw(model, *what))


@pytest.fixture(scope="module")
def one_try(model):
    """The try of a number, written out: points, and how good they are."""

    def draw(request, number):
        prefix = request.prefix
        folded = tf.map_fn(
            lambda seed: tf.random.fold_in(seed, number + 2000), request.seeds
        )
        seeds = tf.where(number > 0, folded, request.seeds)
        put_back = tf.identity
        if prefix is not None:
            reading = read_anew(model.schema, prefix, number)
            prefix, put_back = reading.prefix, reading.put_back
        sketches = sampling.draw(
            model, request._replace(seeds=seeds, prefix=prefix)
        )
        ends = tf.reduce_any(sketches[..., 4] > 0, axis=1)
        found = model.agreement(sketches, request.condition)
        scores = found - 1e6 * tf.cast(~ends, tf.float32)
        return put_back(sketches), scores

    return Traced(draw)


@pytest.fixture(scope="module")
def all_tries(one_try, request_, given):
    """Whether prefixed -> points [MOST, B, T, 5], and scores [MOST, B]."""
    found = {}
    for prefix in (None, given):
        request = request_._replace(prefix=prefix)
        each = [one_try(request, np.int32(n)) for n in range(MOST)]
        found[prefix is not None] = [
            np.stack(part) for part in zip(*each, strict=True)
        ]
    return found


def drawn(best, request, number):
    numbers = np.full(len(request.seeds), number, np.int32)
    return best(request, numbers).points.numpy()


@pytest.mark.parametrize("prefixed", [False, True])
def test_the_first_good_try_is_kept_else_the_best(
    best, all_tries, request_, enough, given, prefixed
):
    request = request_._replace(prefix=given if prefixed else None)
    points, scores = all_tries[prefixed]
    good = scores >= (np.log(tries.ENOUGH_TO_GO_ON) if prefixed else enough)
    for number in (1, 3, MOST):
        first = np.argmax(good[:number], axis=0)
        likeliest = np.argmax(scores[:number], axis=0)
        kept = np.where(good[:number].any(axis=0), first, likeliest)
        expected = points[kept, np.arange(len(kept))]
        np.testing.assert_allclose(
            drawn(best, request, number), expected, atol=1e-4
        )
    # The example says something: some are kept at once, some later, some
    # never, and the best is not always the first.
    assert 0 < good[0].sum() < good.any(axis=0).sum()
    assert len(set(kept)) > 2


def test_one_try_is_what_there_was_before(model, best, request_, given):
    request = request_._replace(prefix=given)
    before = Traced(lambda request, _: sampling.draw(model, request))
    np.testing.assert_allclose(
        drawn(best, request, 1), before(request, np.int32(1)), atol=1e-5
    )


def test_a_sketch_depends_on_its_own_row_only(best, request_, given):
    numbers = np.int32([1, 4, 2, 3] * 3)
    request = request_._replace(prefix=given)
    together = best(request, numbers).points
    for i in (1, 2, 3, 10):
        row = slice(i, i + 1)
        prefix = Prefix(*(field[row] for field in given))
        alone = DrawingRequest(
            *(field[row] for field in request_[:3]), prefix=prefix
        )
        np.testing.assert_allclose(
            best(alone, numbers[row]).points[0],
            together[i],
            atol=1e-4,
        )


def test_what_is_accepted_costs_no_more(
    model, all_tries, request_, enough, monkeypatch
):
    rows = []

    def count(model, request, latents):
        rows.append(len(request.seeds))
        return draw(model, request, latents)

    draw = sampling.draw
    _, scores = all_tries[False]
    monkeypatch.setattr(sampling, "draw", count)
    tries.draw(model, request_, np.full(len(request_.seeds), MOST, np.int32))
    good = scores >= enough
    open_ = ~np.logical_or.accumulate(good, axis=0)[:-1]
    assert rows == [len(request_.seeds), *open_.sum(axis=1)]


def test_what_it_took_is_counted(best, all_tries, request_, enough):
    _, scores = all_tries[False]
    good = scores >= enough
    for number in (1, 3, MOST):
        some = good[:number]
        took = np.where(some.any(axis=0), some.argmax(axis=0) + 1, number)
        numbers = np.full(len(request_.seeds), number, np.int32)
        np.testing.assert_array_equal(best(request_, numbers).drawn, took)


def test_the_latents_are_those_of_the_try_that_is_kept(
    model, best, all_tries, request_
):
    kept = best(request_, np.full(len(request_.seeds), MOST, np.int32))
    first = sampling.draw_latents(model, request_)
    is_first = np.isclose(kept.latents, first).all(axis=1)
    [first_points, *_], _ = all_tries[False]
    same = np.isclose(first_points, kept.points, atol=1e-4).all(axis=(1, 2))
    np.testing.assert_array_equal(is_first, same)
    assert 0 < is_first.sum() < len(is_first)


def test_what_never_ends_is_worse_than_all_that_does(best, all_tries, request_):
    _, scores = all_tries[False]
    sketches = drawn(best, request_, MOST)
    some_end = (scores > -1e5).any(axis=0)
    assert some_end.any()
    np.testing.assert_array_equal(sketches[some_end][..., 4].any(axis=1), True)


def test_the_points_given_stay(best, request_, given):
    sketches = drawn(best, request_._replace(prefix=given), MOST)
    np.testing.assert_array_equal(
        sketches[:, :4], np.float32(given.points[:, :4])
    )


def test_a_sketcher_tries_by_itself_if_it_can(model):
    sketcher = Sketcher(model)
    best = sketcher.generate("ring", 6, 0.8, seed=7)
    again = sketcher.generate("ring", 6, 0.8, seed=7, tries=DEFAULT_TRIES)
    once = sketcher.generate("ring", 6, 0.8, seed=7, tries=1)
    assert strokes(best) == strokes(again) != strokes(once)


def strokes(sketches):
    return [sketch.stroke3.tolist() for sketch in sketches]


def test_without_a_critic_there_is_one_try():
    assert number_of_tries(None, has_critic=False) == 1
    sketcher = Sketcher(AISketcher(toys.CONFIG, toys.SCHEMA))
    assert strokes(sketcher.generate("ring")) == strokes(
        sketcher.generate("ring", tries=1)
    )
    with pytest.raises(ValueError, match="needs a model with a critic and wo"):
        sketcher.generate("ring", tries=2)
    for number in (0, 17):
        with pytest.raises(ValueError, match="tries must be 1 to 16; received"):
            number_of_tries(number, has_critic=True)


def test_a_critic_that_is_not_ready_is_not_asked(model):
    sketcher = Sketcher(AISketcher(model.config, toys.SCHEMA))
    assert sketcher.tries == 1
    with pytest.raises(ValueError, match="to its end"):
        sketcher.generate("ring", tries=2)
    sketcher.model.critic.sharpness.assign([0.5])
    assert Sketcher(sketcher.model).tries == DEFAULT_TRIES


def test_one_word_leaves_nothing_to_tell(model):
    schema = dataclasses.replace(
        toys.SCHEMA, factors=(Factor("category", ("ring",)),)
    )
    sketcher = Sketcher(AISketcher(model.config, schema))
    sketcher.model.critic.sharpness.assign([2.0])
    assert not sketcher.has_critic
    assert sketcher.tries == 1


def test_a_sketcher_counts_its_tries(model):
    sketcher = Sketcher(model)
    counted = sketcher.count_tries("ring", 6, 0.8, seed=7)
    assert counted.shape == (6,)
    assert counted.min() >= 1 and counted.max() <= DEFAULT_TRIES
    assert counted.max() > 1
    assert sketcher.count_tries("ring", 2, tries=1).tolist() == [1, 1]


def test_the_graph_is_traced_once_for_all_numbers(best, request_):
    drawn(best, request_, 3)
    before = best.traces
    drawn(best, request_, 4)
    assert best.traces == before
