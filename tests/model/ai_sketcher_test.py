import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.batch import Lesson, SketchBatch
from sketcher_tf.configs import PRESETS, Config, LossConfig
from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.model.losses import LossTerms
from sketcher_tf.model.mixture import MixtureParams
from sketcher_tf.model.prior.fit import fit_prior
from sketcher_tf.strokes import START_TOKEN
from tests.testing import toys

LONGEST = toys.SCHEMA.max_seq_len
LENGTHS = (5, LONGEST, 1, 8)
BRIEF = (3, 5, 1, 4)  # where nothing is traced, and each step takes its time
SEED = tf.constant([3, 4])
RNNS = ("lstm", "layer_norm", "hyper")
INFLUENCES = ("full", "shared", "none")


def make_model(config=toys.CONFIG, **sizes):
    """A model whose weights are large enough for everything to matter."""
    config = config.replace((f"model.{k}", v) for k, v in sizes.items())
    model = AISketcher(config, toys.SCHEMA)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith(("seed", "prior")):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    return model


def compiled(model, rate=1e-2):
    model.compile(keras.optimizers.Adam(rate), jit_compile=False)
    # Outside of a graph, so that a step is traced once and not twice.
    model.optimizer.build(model.trainable_variables)
    return model


def make_batch(lengths=LENGTHS, steps=LONGEST + 1, seed=0):
    """Random walks, each drawing the same in every batch of its number."""
    rows = []
    for number, length in enumerate(lengths):
        rng = np.random.default_rng([seed, number])
        points = np.tile(np.array([0, 0, 0, 0, 1], np.float32), (steps, 1))
        points[:length, :2] = rng.normal(size=(length, 2))
        points[:length, 2:] = np.eye(3)[rng.choice(2, length, p=[0.7, 0.3])]
        condition = np.eye(2, dtype=np.float32)[number % 2]
        image = rng.random((toys.IMAGE_SIZE, toys.IMAGE_SIZE, 1), np.float32)
        rows.append((points, condition, image))
    return SketchBatch(*map(tf.constant, map(np.stack, zip(*rows))))  # noqa: B905


def make_latents(model, count=4):
    return tf.random.stateless_normal([count, model.latent_size], SEED)


def teacher_forced(model, batch, latents):
    return model.teacher_forced(batch.points, batch.condition, latents)


def step_by_step(model, batch, latents):
    context, state = model.start(batch.condition, latents)
    point = tf.tile(START_TOKEN[None], [len(batch.points), 1])
    steps = []
    for following in tf.unstack(batch.points, axis=1):
        params, state = model.step(context, state, point)
        steps.append(params)
        point = following
    return MixtureParams(
        *(tf.stack(field, axis=1) for field in zip(*steps, strict=True))
    )


def assert_close(one, two, atol):
    for name, a, b in zip(one._fields, one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=atol, err_msg=name)


def values(variables):
    return [v.numpy() for v in variables]


def assert_identical(one, two):
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


# --- Prediction -------------------------------------------------------------


@pytest.mark.parametrize("influence", INFLUENCES)
@pytest.mark.parametrize("rnn", RNNS)
def test_step_predicts_what_training_predicts(rnn, influence):
    model = make_model(rnn=rnn, influence=influence)
    batch, latents = make_batch(BRIEF, 6), make_latents(model)
    looped = step_by_step(model, batch, latents)
    assert_close(looped, teacher_forced(model, batch, latents), 1e-4)
    # The test would show nothing if predictions did not change with time.
    assert np.std(looped.loc, axis=1).max() > 0.1


@pytest.mark.parametrize("influence", INFLUENCES)
@pytest.mark.parametrize("rnn", RNNS)
def test_a_point_matters_only_after_it(rnn, influence):
    model = make_model(rnn=rnn, influence=influence)
    batch, latents = make_batch([6], 7), make_latents(model, 1)
    before = teacher_forced(model, batch, latents)
    for j in (0, 3, 5):
        points = batch.points.numpy()
        points[:, j, :2] += 2
        changed = batch._replace(points=tf.constant(points))
        after = teacher_forced(model, changed, latents)
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a[:, : j + 1], b[:, : j + 1])
        assert np.abs(before.loc - after.loc)[:, j + 1].max() > 1e-4


@pytest.mark.parametrize("influence", ["full", "shared"])
def test_points_long_past_matter_through_the_influence(influence):
    """The recurrent state forgets; the sum over all steps does not."""
    model = make_model(influence=influence)
    batch = make_batch([LONGEST])
    points = batch.points.numpy()
    points[:, 0, :2] += 2
    one, two = (
        model.influences(p, model.encoder.forward_rnn(p))[0]
        for p in (batch.points, tf.constant(points))
    )
    difference = np.abs(one - two).max(axis=(0, 2))
    assert difference[0] == 0
    assert difference[1:].min() > 1e-3


def test_everything_given_matters():
    model = make_model()
    batch, latents = make_batch(), make_latents(model)
    base = teacher_forced(model, batch, latents).loc
    other = batch._replace(condition=batch.condition[:, ::-1])
    assert np.abs(base - teacher_forced(model, other, latents).loc).min() > 0
    for i in range(model.latent_size):
        shifted = latents + tf.one_hot(i, model.latent_size)
        moved = teacher_forced(model, batch, shifted).loc
        assert np.abs(base - moved).max() > 1e-3
    terms = model.loss_terms(batch, SEED, training=False)
    other = batch._replace(image=1 - batch.image)
    changed = model.loss_terms(other, SEED, training=False)
    assert np.abs(terms.offset_loss - changed.offset_loss).min() > 1e-5


def test_the_baseline_ignores_condition_and_image():
    model = AISketcher(tiny(PRESETS["sketch_rnn"]), toys.SCHEMA)
    assert not hasattr(model, "image_autoencoder")
    assert not hasattr(model, "influence")
    batch = make_batch()
    other = batch._replace(
        condition=batch.condition[:, ::-1], image=1 - batch.image
    )
    for a, b in zip(
        model.loss_terms(batch, SEED, training=False),
        model.loss_terms(other, SEED, training=False),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    latents = make_latents(model)
    assert_close(
        step_by_step(model, batch, latents),
        step_by_step(model, other, latents),
        0,
    )


# --- Loss -------------------------------------------------------------------


@pytest.mark.parametrize("influence", INFLUENCES)
@pytest.mark.parametrize("rnn", RNNS)
def test_padding_does_not_count(rnn, influence):
    model = make_model(rnn=rnn, influence=influence)
    lengths = (5, 1, 4)
    short, long = (
        model.loss_terms(make_batch(lengths, steps), SEED, training=True)
        for steps in (6, LONGEST + 1)
    )
    assert_close(short, long, 1e-5)


def test_what_is_read_may_differ_from_what_is_drawn():
    """The latents are of what is read, the influence of what is drawn."""
    model = make_model()
    batch, other = make_batch(), make_batch(seed=1)
    same, changed, expected, as_read = (
        model.loss_terms(lesson, SEED, training=True)
        for lesson in (
            Lesson(*batch, batch.points, tf.ones(batch.points.shape[:2])),
            Lesson(*batch, other.points, tf.ones(batch.points.shape[:2])),
            batch,
            other,
        )
    )
    assert_close(same, expected, 1e-6)
    np.testing.assert_array_equal(changed.latent_kl, as_read.latent_kl)
    np.testing.assert_array_equal(changed.influence_kl, same.influence_kl)
    assert np.abs(changed.latent_kl - same.latent_kl).min() > 1e-3
    assert np.abs(changed.offset_loss - same.offset_loss).max() > 1e-3


def test_points_count_by_their_weight():
    model, batch = make_model(), make_batch()
    steps = np.indices(batch.points.shape[:2])[1]
    half, begun, rest, whole = (
        model.loss_terms(
            Lesson(*batch, batch.points, tf.constant(weight, tf.float32)),
            SEED,
            training=False,
        )
        for weight in (steps * 0 + 0.5, steps < 3, steps >= 3, steps * 0 + 1)
    )
    for name in ("offset_loss", "pen_loss"):
        all_of_it = getattr(whole, name)
        for parts in (
            2 * getattr(half, name),
            getattr(begun, name) + getattr(rest, name),
        ):
            np.testing.assert_allclose(parts, all_of_it, rtol=1e-5)
        assert (getattr(begun, name) != 0).numpy().all()


@pytest.mark.parametrize("influence", ["full", "shared"])
def test_the_influence_cannot_overflow_behind_the_drawing(influence):
    """Infinity times a mask of 0 would be NaN, and so would its gradient."""
    model = make_model(influence=influence)
    batch = make_batch((3, 1, 2))

    def loss_and_gradients():
        with tf.GradientTape() as tape:
            terms = model.loss_terms(batch, SEED, training=False)
            loss = sum(map(tf.reduce_sum, terms))
        return loss, tape.gradient(loss, model.trainable_variables)

    expected, _ = loss_and_gradients()
    # By step: step_weight [N_max] or kernel [N_max, H, 2A].
    per_step = (
        model.influence.kernel
        if influence == "full"
        else model.influence.step_weight
    )
    grown = per_step.numpy()
    grown[3:] *= 1e4
    per_step.assign(grown)
    loss, gradients = loss_and_gradients()
    np.testing.assert_allclose(loss, expected)
    for gradient in gradients:
        if gradient is not None:
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("influence", INFLUENCES)
def test_drawings_of_a_batch_do_not_mix(influence, monkeypatch):
    monkeypatch.setattr(
        "sketcher_tf.model.objective._normal",
        lambda shape, seed: tf.zeros(shape),
    )
    model = make_model(influence=influence)
    batch = make_batch()
    together = model.loss_terms(batch, SEED, training=False)
    for i in range(len(LENGTHS)):
        alone = SketchBatch(*(field[i : i + 1] for field in batch))
        assert_close(
            model.loss_terms(alone, SEED, training=False),
            LossTerms(*(term[i : i + 1] for term in together)),
            1e-5,
        )


def test_noise_comes_from_the_seed():
    model, batch = make_model(recurrent_dropout=0.0), make_batch()
    one, same, other = (
        model.loss_terms(batch, tf.constant(seed), training=False)
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert_close(one, same, 0)
    assert np.abs(one.offset_loss - other.offset_loss).min() > 0
    # The divergences are exact, not sampled.
    np.testing.assert_array_equal(one.latent_kl, other.latent_kl)
    np.testing.assert_array_equal(one.influence_kl, other.influence_kl)


# --- Training ---------------------------------------------------------------


def test_image_latents_are_noisy_in_training_only():
    batch, weight = make_batch(), tf.constant(0.5)
    quiet, noisy = (
        make_model(recurrent_dropout=0.0, image_latent_noise=noise)
        for noise in (0.0, 1.0)
    )
    for training in (False, True):
        one, other = (
            model.losses_of(batch, SEED, weight, training)
            for model in (quiet, noisy)
        )
        same = float(one.offset_loss) == float(other.offset_loss)
        assert same is not training
        assert float(one.latent_kl) == float(other.latent_kl)


def tiny(config):
    sizes = dataclasses.asdict(toys.MODEL)
    names = ["encoder_units", "decoder_units", "latent_size", "num_mixtures"]
    changes = {f"model.{name}": sizes[name] for name in names}
    changes["model.image_filters"] = 2
    changes["model.influence_size"] = 3
    changes["model.image_latent_size"] = min(config.model.image_latent_size, 4)
    return config.replace(changes.items())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains(preset):
    model = compiled(AISketcher(tiny(PRESETS[preset]), toys.SCHEMA))
    before = values(model.trainable_variables)
    logs = model.train_step(make_batch())
    assert all(np.isfinite(float(value)) for value in logs.values())
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert np.abs(variable - old).max() > 0, variable.path


def test_the_image_autoencoder_is_frozen():
    model = compiled(make_model())
    images = model.image_autoencoder
    ids = {id(variable) for variable in images.variables}
    assert ids
    assert not ids & {id(v) for v in model.trainable_variables}
    assert not images.trainable_variables
    before = values(images.variables)
    model.train_step(make_batch())
    assert_identical(before, images.variables)


def memoryless_loss(points):
    """The best that one Gaussian and one pen distribution for all steps do."""
    drawn = points[points[..., 4] == 0]
    covariance = np.cov(drawn[:, :2].T, ddof=0)
    offset = np.log(2 * np.pi) + 1 + np.linalg.slogdet(covariance)[1] / 2
    counts = np.array([*drawn[:, 2:4].sum(axis=0), len(points)])
    pen = -counts @ np.log(counts / counts.sum())
    return (len(drawn) * offset + pen) / len(points) / LONGEST


def test_overfits_a_batch():
    config = Config(
        model=dataclasses.replace(toys.MODEL, recurrent_dropout=0.0),
        loss=LossConfig(kl_weight=0.01),
    )
    keras.utils.set_random_seed(1)
    model = compiled(AISketcher(config, toys.SCHEMA), 0.02)
    batch = make_batch()
    step = tf.function(model.train_step, autograph=False)
    for _ in range(100):
        step(batch)
    model.reset_metrics()
    loss = float(model.test_step(batch)["reconstruction_loss"])
    points = batch.points.numpy()
    # Learning these random walks by heart is the only way to be surer, by a
    # nat and a half at each of their points, than the best memoryless guess.
    margin = 1.5 * np.mean(LENGTHS) / LONGEST
    assert loss < memoryless_loss(points) - margin


def test_mixed_precision_is_close():
    plain = make_model()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = compiled(AISketcher(toys.CONFIG, toys.SCHEMA))
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(plain.get_weights())
    assert {v.dtype for v in mixed.trainable_variables} == {"float32"}
    batch, latents = make_batch(BRIEF, 6), make_latents(mixed)
    looped = step_by_step(mixed, batch, latents)
    expected = teacher_forced(plain, batch, latents)
    difference = np.abs(looped.loc - expected.loc)
    # bfloat16 has 8 bits; errors of 2^-8 add up over sums and steps.
    assert 0 < difference.mean() < 0.03
    for one, two in zip(
        mixed.loss_terms(batch, SEED, training=False),
        plain.loss_terms(batch, SEED, training=False),
        strict=True,
    ):
        assert one.dtype == tf.float32
        np.testing.assert_allclose(one, two, rtol=0.1, atol=0.05)
    before = values(mixed.trainable_variables)
    logs = tf.function(mixed.train_step, autograph=False)(batch)
    assert np.isfinite(float(logs["loss"]))
    assert all(
        np.abs(variable - old).max() > 0
        for variable, old in zip(mixed.trainable_variables, before, strict=True)
    )


# --- Saving -----------------------------------------------------------------


@pytest.mark.parametrize("rnn", RNNS)
def test_a_saved_model_goes_on_as_if_nothing_had_happened(tmp_path, rnn):
    model = compiled(make_model(rnn=rnn))
    batch = make_batch(BRIEF, 6)
    model.train_step(batch)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    latents = make_latents(model)
    assert_close(
        teacher_forced(model, batch, latents),
        teacher_forced(loaded, batch, latents),
        0,
    )
    assert type(loaded.optimizer) is type(model.optimizer)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert int(loaded.optimizer.iterations) == 1
    model.reset_metrics()
    logs, loaded_logs = model.train_step(batch), loaded.train_step(batch)
    assert {k: float(v) for k, v in logs.items()} == {
        k: float(v) for k, v in loaded_logs.items()
    }
    assert_identical(model.variables, loaded.variables)
    assert_identical(model.optimizer.variables, loaded.optimizer.variables)


def test_the_prior_is_saved_with_the_model(tmp_path):
    model = make_model()
    batches = tf.data.Dataset.from_tensors(make_batch([6] * 12)).repeat(2)
    fit_prior(model, batches)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert np.abs(model.prior.mean).min() > 0
    assert_identical(model.prior.variables, loaded.prior.variables)


def test_config_round_trip():
    config = toys.CONFIG.replace(
        {"model.rnn": "hyper", "loss.kl_weight": 0.25}.items()
    )
    model = AISketcher(config, toys.SCHEMA)
    again = AISketcher.from_config(model.get_config())
    assert again.config == config
    assert again.schema == toys.SCHEMA
    assert again.get_config() == model.get_config()
    assert [v.shape for v in again.variables] == [
        v.shape for v in model.variables
    ]


def test_fit_prior_is_of_the_aggregated_posterior():
    model = make_model(prior_components=1)
    batches = [make_batch([6] * 10, seed=seed) for seed in (1, 2)]
    dataset = tf.data.Dataset.from_tensor_slices(
        SketchBatch(*(tf.stack(f) for f in zip(*batches, strict=True)))
    )
    fit_prior(model, dataset)
    posteriors = [model.encode(batch) for batch in batches]
    means = np.concatenate(
        [
            np.concatenate([p.strokes.mean, p.image_latents], axis=1)
            for p in posteriors
        ]
    )
    variances = np.concatenate([np.exp(p.strokes.log_var) for p in posteriors])
    classes = np.concatenate([np.argmax(b.condition, axis=1) for b in batches])
    size = toys.MODEL.latent_size
    prior = model.prior
    for k in (0, 1):
        own = means[classes == k]
        np.testing.assert_allclose(
            prior.mean[k, 0], own.mean(axis=0), atol=1e-5
        )
        total = own.var(axis=0)
        total[:size] += variances[classes == k].mean(axis=0)
        got = prior.diagonal[k] ** 2 + np.sum(prior.factors[k] ** 2, axis=-1)
        np.testing.assert_allclose(got, total, rtol=1e-4, atol=1e-8)
