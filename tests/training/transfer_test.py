import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.batch import SketchBatch
from sketcher_tf.configs import Config
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import START_TOKEN, stroke3_to_stroke5
from sketcher_tf.training.transfer import Origin, without_drawings
from tests.testing import toys

OLD_WORDS = ("zigzag", "spiral", "cross", "star", "leaf")


def schema(*words, factor="category", **changes):
    known = Schema((Factor(factor, words),), 20.0, 12, toys.IMAGE_SIZE)
    return dataclasses.replace(known, **changes)


def trained(known=None, **changes):
    """A model in which no weight is as it was made, nor like another."""
    settings = {f"model.{name}": value for name, value in changes.items()}
    model = AISketcher(
        toys.CONFIG.replace(settings.items()), known or schema(*OLD_WORDS)
    )
    rng = np.random.default_rng(7)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return model


def begin(old, data, keep_words=False):
    origin = Origin(old, keep_words)
    known = origin.reconcile(data)
    new = AISketcher(
        Config(training=toys.CONFIG.training).continued(old.config, "old"),
        known,
    )
    origin.begin(new)
    return new


def first_points(model, word, latents):
    """Means of the first two points' mixtures, in pixels."""
    condition = tf.constant(model.schema.parse(word)[None])
    context, state = model.start(condition, latents)
    points = []
    for point in (START_TOKEN, np.float32([1, -2, 1, 0, 0])):
        params, state = model.step(context, state, tf.constant(point[None]))
        points.append([x.numpy() for x in params])
    scale = model.schema.scale_factor
    return points, scale


DATA = schema(*toys.CATEGORIES, scale_factor=27.0, max_seq_len=9)


@pytest.mark.parametrize("keep_words", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"influence": "full", "rnn": "layer_norm"},
        {"rnn": "hyper", "image_latent_size": 0, "critic_units": 4},
        {"conditional": False, "influence": "none", "image_latent_size": 0},
    ],
    ids=["paper", "full", "hyper", "sketch_rnn"],
)
def test_a_word_that_both_know_is_drawn_as_before(sizes, keep_words):
    old = trained(**sizes)
    new = begin(old, DATA, keep_words)
    latents = tf.random.stateless_normal([1, old.latent_size], [0, 1])
    before, scale = first_points(old, "zigzag", latents)
    after, same_scale = first_points(new, "zigzag", latents)
    assert scale == same_scale
    for one, other in zip(before, after, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
    # So is what the encoder says of a drawing, and the prior of the word.
    one, other = (
        model.encode(a_drawing(model, "zigzag")) for model in (old, new)
    )
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-5)
    np.testing.assert_allclose(
        prior(new, "zigzag"), prior(old, "zigzag"), rtol=1e-4, atol=1e-5
    )


def a_drawing(model, word):
    size = model.schema.image_size
    return SketchBatch(
        tf.constant(
            stroke3_to_stroke5(np.eye(5, 3, dtype=np.float32), 8)[None]
        ),
        tf.constant(model.schema.parse(word)[None]),
        tf.ones([1, size, size, 1]),
    )


def prior(model, word):
    noise = tf.random.stateless_normal([1, model.prior.noise_size], [3, 4])
    return model.prior(
        tf.constant(model.schema.parse(word)[None]), noise, tf.ones([1])
    )


def rows(model, word):
    """The weights of a word's place in the condition, all in one."""
    place = model.schema.condition_size - model.schema.parse(word).argmax()
    kernels = (
        model.encoder.projection.kernel,
        model.decoder.first_state.kernel,
        model.decoder.rnn.context_kernel,
    )
    return np.concatenate([kernel.numpy()[-place] for kernel in kernels])


def test_a_new_word_begins_as_the_mean():
    old = trained()
    new = begin(old, DATA)
    mean = np.mean([rows(old, word) for word in OLD_WORDS], axis=0)
    np.testing.assert_allclose(rows(new, "ring"), mean, rtol=1e-5, atol=1e-6)


def test_the_critic_thinks_of_a_new_word_what_it_thinks_of_all():
    old = trained(critic_units=4, critic_filters=3)
    new = begin(old, DATA, keep_words=True)
    points = a_drawing(old, "zigzag").points
    before, after = (
        model.critic.logits(model.encoder.states(points)).numpy()[0]
        for model in (old, new)
    )
    np.testing.assert_allclose(after[1], before[0], atol=1e-5)
    np.testing.assert_allclose(after[2:], before[1:], atol=1e-5)
    np.testing.assert_allclose(after[0], before.mean(), atol=1e-5)


def test_what_is_enough_is_begun_anew():
    old = trained(critic_units=4)
    new = begin(old, DATA)
    np.testing.assert_allclose(new.critic.enough, np.log(2 * [0.7]), rtol=1e-6)


@pytest.mark.parametrize(("filters", "epochs"), [(0, 1), (5, 1), (3, 0)])
def test_a_critic_of_another_size_begins_anew_or_if_it_is_all(filters, epochs):
    old = trained(critic_units=4, critic_filters=3)
    origin = Origin(old)
    config = old.config.continued(old.config, "old").replace(
        [("model.critic_filters", filters), ("training.epochs", epochs)]
    )
    new = AISketcher(config, origin.reconcile(DATA))
    before = new.critic.get_weights()
    origin.begin(new)
    for mine, first in zip(new.critic.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, first)
    np.testing.assert_array_equal(
        new.decoder.first_state.bias, old.decoder.first_state.bias
    )


def test_new_factors_begin_where_the_old_ones_are_spread_evenly():
    old = trained()
    moods = (Factor("mood", ("glad", "sad")), Factor("size", ("big", "small")))
    data = dataclasses.replace(DATA, factors=moods)
    new = begin(old, data)
    latents = tf.zeros([1, old.latent_size])
    even = "+".join(f"{word}*1" for word in OLD_WORDS)
    before, _ = first_points(old, even, latents)
    after, _ = first_points(new, "mood=sad,size=big", latents)
    np.testing.assert_allclose(before[1][1], after[1][1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        prior(new, "mood=sad,size=big"), prior(old, even), rtol=1e-4, atol=1e-5
    )


def test_words_are_kept_behind_the_new_ones():
    origin = Origin(trained(), keep_words=True)
    known = origin.reconcile(DATA)
    assert known.words == ("ring", "zigzag", "spiral", "cross", "star", "leaf")
    assert without_drawings(known, DATA).tolist() == 2 * [False] + 4 * [True]
    known = Origin(origin.model).reconcile(DATA)
    assert known.words == ("ring", "zigzag")
    assert not without_drawings(known, DATA).any()


def test_units_are_the_models_unless_the_data_have_others():
    origin = Origin(trained())
    for size, scale in ((255, 20), (200, 20), (1020, 80), (51, 4)):
        data = dataclasses.replace(DATA, scale_factor=3.0, size_px=float(size))
        known = origin.reconcile(data)
        np.testing.assert_allclose(known.scale_factor, scale)
        # As much of the paper as the model's drawings filled.
        np.testing.assert_allclose(known.size_px / scale, 255 / 20)


@pytest.mark.parametrize("influence", ["shared", "full"])
def test_longer_drawings_weigh_their_last_steps_alike(influence):
    old = trained(influence=influence)
    data = dataclasses.replace(DATA, max_seq_len=15)
    new = begin(old, data)
    assert new.schema.max_seq_len == 15
    name = "step_weight" if influence == "shared" else "kernel"
    before, after = (getattr(m.influence, name).numpy() for m in (old, new))
    np.testing.assert_array_equal(after[:12], before)
    np.testing.assert_array_equal(after[12:], np.stack(3 * [before[-1]]))


def test_all_weights_of_the_condition_are_known():
    # Whatever else grows with the words would not be carried over.
    for rnn in ("lstm", "layer_norm", "hyper"):
        two, three = (
            AISketcher(
                toys.CONFIG.replace(
                    [
                        ("model.rnn", rnn),
                        ("model.critic_units", 4),
                        ("model.critic_filters", 3),
                    ]
                ),
                schema(*words),
            )
            for words in (("a", "b"), ("a", "b", "c"))
        )
        for one, other in zip(two.weights, three.weights, strict=True):
            if one.shape != other.shape:
                carried = ("kernel", "prior/", "critic_output/", "/enough")
                assert any(part in one.path for part in carried), one.path


@pytest.mark.parametrize(
    ("data", "keep_words", "told"),
    [
        (schema("a", image_size=32), False, "the image size of the model, 16"),
        (schema("a", factor="mood"), True, "its factors, category; received "),
    ],
)
def test_what_cannot_be_reconciled_is_refused(data, keep_words, told):
    with pytest.raises(ValueError, match=told):
        Origin(trained(), keep_words).reconcile(data)


def test_other_sizes_are_refused():
    origin = Origin(trained())
    known = origin.reconcile(DATA)
    config = origin.model.config.replace([("model.decoder_units", 17)])
    with pytest.raises(ValueError, match=r"Leave out --set model\.\*"):
        origin.begin(AISketcher(config, known))


def test_the_fingerprint_tells_models_apart():
    same = Origin(trained()).fingerprint
    assert same == Origin(trained()).fingerprint
    other = trained()
    other.decoder.output_projection.bias.assign_add(np.full(27, 1e-6))
    assert same != Origin(other).fingerprint
    renamed = trained(schema("a", *OLD_WORDS[1:]))
    assert same != Origin(renamed).fingerprint
