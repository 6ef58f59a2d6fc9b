import dataclasses

import numpy as np
import pytest

from sketcher_tf.drawing.thresholds import fit_thresholds
from sketcher_tf.drawing.tries import Best
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.request import MANY_WORDS, TEMPERATURE_WITH_TRIES
from sketcher_tf.schema import Factor
from sketcher_tf.sketcher import Sketcher
from tests.testing import toys

ALL = 32  # drawings that a word is measured by


def scored(scores):
    """Drawings that get those scores, a word after the other."""
    waiting = list(scores)

    def draw(request, tries):
        assert len(request.seeds) == len(tries) == ALL
        assert set(tries) == {1}
        return Best(None, None, waiting.pop(0), None)

    return draw


def test_a_word_is_measured_by_its_own_drawings(model):
    hard = np.log(np.linspace(0.01, 0.33, ALL))
    harder = hard - 1
    fit_thresholds(model, scored([hard, harder]))
    expected = [np.quantile(hard, 0.6), np.quantile(harder, 0.6)]
    np.testing.assert_allclose(model.critic.enough, expected, rtol=1e-5)


def test_many_words_are_measured_as_they_are_drawn_with_tries(model):
    words = tuple(f"word {number}" for number in range(MANY_WORDS))
    schema = dataclasses.replace(
        toys.SCHEMA, factors=(Factor("category", words),)
    )
    temperatures = set()

    def draw(request, tries):
        temperatures.update(request.temperature.tolist())
        return Best(None, None, np.zeros(ALL), None)

    fit_thresholds(AISketcher(model.config, schema), draw)
    assert temperatures == {np.float32(TEMPERATURE_WITH_TRIES)}


def test_what_is_sure_is_enough_and_what_never_ends_is_not(model):
    sure = np.full(ALL, np.log(0.999))
    endless = np.full(ALL, -1e6)
    fit_thresholds(model, scored([sure, endless]))
    np.testing.assert_allclose(
        model.critic.enough, np.log([0.99, 0.001]), rtol=1e-5
    )


def test_the_better_drawings_are_kept_at_once(model):
    sketcher = Sketcher(model)
    sketcher.fit_thresholds()
    limits = np.log([0.001, 0.99])
    for word, enough in zip(
        toys.CATEGORIES, model.critic.enough.numpy(), strict=True
    ):
        took = sketcher.count_tries(word, ALL)
        at_once = np.mean(took == 1)
        if limits[0] < enough < limits[1] - 1e-6:
            assert at_once == pytest.approx(0.4, abs=1 / ALL)
