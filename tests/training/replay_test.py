from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import stroke3_to_stroke5
from sketcher_tf.training.replay import Replay, recall


def schema(genders, moods):
    factors = (Factor("gender", genders), Factor("mood", moods))
    return Schema(factors, 20.0, 12, 16)


def test_what_is_asked_of_the_first_model_is_what_is_shown():
    old = schema(("male", "female"), ("sad", "happy"))
    new = schema(("male", "female"), ("angry", "happy", "sad"))
    # There are drawings of angry men; the first model knows no angry women.
    kept = np.array([False, True, True, True, True, True])
    asked = []

    def draw(request):
        asked.extend(request.condition)
        return tf.zeros([len(request.seeds), 13, 5])

    replay = recall(SimpleNamespace(schema=old, tries=1, draw=draw), new, kept)
    expected = [
        f"gender={gender},mood={mood}"
        for gender in ("male", "female")
        for mood in ("happy", "sad")
        for _ in range(2)
    ]
    for known, rows in ((old, asked), (new, replay.condition)):
        np.testing.assert_array_equal(rows, [known.parse(c) for c in expected])
    assert replay.points.shape == (8, 13, 5)


def test_what_is_picked_is_whole_and_no_longer_than_it_has_to_be():
    lengths = (3, 7, 5)
    points = [
        stroke3_to_stroke5(np.full((n, 3), (n, 0, 0), np.float32), 13)
        for n in lengths
    ]
    replay = Replay(np.stack(points), np.eye(3, dtype=np.float32))
    found, shown = replay.pick(tf.constant(50), tf.constant([1, 2]))
    assert found.shape == (50, 7 + 1, 5)
    number = shown.numpy().argmax(axis=1)
    assert set(number) == {0, 1, 2}
    np.testing.assert_array_equal(found, np.stack(points)[number, :8])
    _, others = replay.pick(tf.constant(50), tf.constant([1, 3]))
    assert (others.numpy() != shown.numpy()).any()
