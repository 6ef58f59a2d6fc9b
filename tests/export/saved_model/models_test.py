"""The exported graphs of models of all kinds, without writing them."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from export.saved_model.drawings import from_pixels, to_pixels
from export.saved_model.publish import metadata_of, weights_of
from export.saved_model.sessions import SessionCalls
from export.saved_model.signatures import trace
from export.saved_model.stateless import StatelessCalls
from sketcher_tf import contract
from sketcher_tf.schema import Factor
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.strokes import END_TOKEN
from tests.testing import toys
from tests.testing.exports import make_model

FACES = dataclasses.replace(
    toys.SCHEMA,
    factors=(
        Factor("gender", ("female", "male")),
        Factor("emotion", ("happy", "sad", "angry")),
    ),
)
KINDS = {
    "sketch_rnn": {
        "conditional": False,
        "influence": "none",
        "image_latent_size": 0,
    },
    "layer_norm": {"rnn": "layer_norm", "influence": "full"},
    "hyper": {"rnn": "hyper", "influence": "shared", "image_latent_size": 0},
    "mixed_bfloat16": {},
}
COUNT, SEED = 3, 5


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    if request.param == "mixed_bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        sizes = dataclasses.replace(toys.MODEL, **KINDS[request.param])
        config = dataclasses.replace(toys.CONFIG, model=sizes)
        made = make_model(config, FACES)
        mixed = made.decoder.rnn.compute_dtype == "bfloat16"
        assert mixed == (request.param == "mixed_bfloat16")
        yield made
    finally:
        keras.config.set_dtype_policy("float32")


def inputs(model):
    words = [f"gender=male,emotion={x}" for x in ("happy", "sad", "angry")]
    return {
        "condition": tf.constant([FACES.parse(word) for word in words]),
        "seed": tf.constant([[SEED, k] for k in range(COUNT)]),
        "temperature": tf.ones([COUNT]),
    }


def test_draws_what_python_draws(model):
    metadata = metadata_of(model, {})
    given = inputs(model)
    calls = StatelessCalls(model, metadata)
    generate = trace(contract.GENERATE, metadata.sizes, calls.generate)
    drawn = generate(**given)
    sketcher = Sketcher(model)
    for k, emotion in enumerate(("happy", "sad", "angry")):
        word = f"gender=male,emotion={emotion}"
        sketch = sketcher.generate(word, COUNT, 1.0, SEED)[k]
        length = len(sketch.stroke3)
        assert drawn["length"][k] == length
        assert drawn["finished"][k] == sketch.finished
        points = drawn["strokes"][k, :length].numpy()[:, [0, 1, 3]]
        np.testing.assert_allclose(points, sketch.stroke3, atol=0.05)
    assert_tracked(model, generate)
    assert_sessions_draw(model, metadata, given, drawn)


def assert_tracked(model, graph, others=()):
    tracked = {v.ref() for v in (*weights_of(model), *others)}
    assert {v.ref() for v in graph.variables} <= tracked
    assert graph.variables


def assert_sessions_draw(model, metadata, given, drawn):
    calls = SessionCalls(model, metadata, 2, f"sessions-of-{id(model)}")
    opening = trace(contract.OPEN, metadata.sizes, calls.open)
    step = trace(contract.STEP, metadata.sizes, calls.step)
    for k in range(COUNT):
        session = tf.constant(k, tf.int64)
        opened = opening(
            session_id=session,
            strokes=tf.zeros([0, 5]),
            latents=tf.zeros([0]),
            **{name: value[k] for name, value in given.items()},
        )
        np.testing.assert_allclose(
            opened["latents"], drawn["latents"][k], atol=1e-4
        )
        points = np.concatenate(
            [
                step(
                    session_id=session,
                    step=tf.constant(n, tf.int64),
                    num_points=tf.constant(5),
                )["strokes"]
                for n in range(4)
            ]
        )
        expected = drawn["strokes"][k, : drawn["length"][k]]
        np.testing.assert_allclose(points, expected, atol=0.05)
    assert_tracked(model, step, calls.variables)
    assert_tracked(model, opening, calls.variables)


# --- Pixels and units ---------------------------------------------------------


def a_drawing(lengths, rows):
    rng = np.random.default_rng(0)
    strokes = np.tile(END_TOKEN, (len(lengths), rows, 1))
    for row, length in zip(strokes, lengths, strict=True):
        row[:length, :2] = rng.normal(scale=30, size=(length, 2))
        row[:length, 2:] = np.eye(3)[rng.integers(2, size=length)]
    return strokes


@pytest.mark.parametrize("lengths", [[0], [3, 0, 8], [12]])
def test_pixels_become_units_and_pixels_again(lengths):
    schema = toys.SCHEMA
    strokes = a_drawing(lengths, max(lengths) + 2)
    # What stands after an end token says nothing.
    dirty = strokes.copy()
    for row, length in zip(dirty, lengths, strict=True):
        row[length + 1 :] = [3, 4, 0, 1, 0]
    for given in (strokes, dirty, strokes[:, : max(lengths)]):
        points, length = from_pixels(tf.constant(given), schema)
        assert length.numpy().tolist() == lengths
        assert points.shape == (len(lengths), max(lengths) + 1, 5)
        np.testing.assert_allclose(
            points[..., :2],
            strokes[:, : max(lengths) + 1, :2] / schema.scale_factor,
            rtol=1e-6,
        )
        again, length, finished = to_pixels(points, schema)
        assert length.numpy().tolist() == lengths
        assert finished.numpy().all()
        np.testing.assert_allclose(
            again, strokes[:, : max(lengths) + 1], rtol=1e-6
        )


def test_what_is_beyond_the_longest_drawing_is_dropped():
    schema = toys.SCHEMA
    limit = schema.max_seq_len
    endless = a_drawing([limit + 1], limit + 1)
    strokes, length, finished = to_pixels(tf.constant(endless), schema)
    assert length == limit and not finished[0]
    np.testing.assert_array_equal(strokes[0, limit], END_TOKEN)
    # As much room as is left.
    _, length, _ = to_pixels(tf.constant(endless[:, :4]), schema, limit - 3)
    assert length == 3
    _, length, _ = to_pixels(tf.constant(endless[:, :0]), schema, limit + 1)
    assert length == 0
