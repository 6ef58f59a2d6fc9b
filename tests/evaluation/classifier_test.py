import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.evaluation import classifier
from sketcher_tf.evaluation.classifier import (
    Classifier,
    ClassifierConfig,
    FactorLoss,
    distort,
    train_classifier,
    trained_classifier,
)
from sketcher_tf.evaluation.dataset import Drawings, read_split
from sketcher_tf.schema import Factor, Schema
from tests.testing import toys

CONFIG = ClassifierConfig(
    filters=4, features=8, epochs=2, min_steps=100, batch_size=16
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return toys.prepare(tmp_path_factory.mktemp("data") / "toys", 64, 4, 30)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "sketcher_tf" / "classifiers"


@pytest.fixture(scope="module")
def judge(data):
    drawings = read_split(data, "train", 1000)
    return Classifier(train_classifier(drawings, CONFIG), drawings.schema)


def test_held_out_drawings_are_recognised(judge, data):
    held_out = read_split(data, "test", 1000)
    labels, features = judge.predict(held_out.images)
    assert labels.shape == (30, 1)
    assert features.shape == (30, 8)
    assert np.mean(labels == held_out.labels) >= 0.95


def test_what_has_no_ink_has_no_name(judge, data):
    images = read_split(data, "test", 2).images
    images[1] = 0
    labels, _ = judge.predict(images)
    assert labels[0, 0] >= 0
    assert labels[1, 0] == -1


def test_a_name_does_not_depend_on_the_batch(judge, data):
    images = read_split(data, "test", 1000).images
    alone = np.concatenate(
        [judge.predict(x[None]).features for x in images[:5]]
    )
    together = judge.predict(images).features[:5]
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_the_same_seed_gives_the_same_classifier(data):
    drawings = read_split(data, "train", 1000)
    config = dataclasses.replace(CONFIG, min_steps=10)
    one, same = (
        Classifier(train_classifier(drawings, config), drawings.schema)
        .predict(drawings.images)
        .features
        for _ in range(2)
    )
    # Operations may sum in any order here, and Adam divides by the root of
    # small gradients: few steps, and a tolerance far below what a seed does.
    assert np.abs(one - same).max() < 0.05 * np.abs(one).max()


def test_weights_are_averaged_over_the_last_steps(judge):
    optimizer = judge.model.optimizer
    assert optimizer.use_ema
    # A twentieth of 2 epochs of 50 steps are 5 steps.
    assert optimizer.ema_momentum == pytest.approx(1 - 1 / 5)


@pytest.fixture
def trainings(monkeypatch, cache):
    """The drawings of each training; none is done, which would take long."""
    seen = []

    def train(drawings, config):
        seen.append(drawings)
        return classifier.build(drawings.schema, config)

    monkeypatch.setattr(classifier, "train_classifier", train)
    return seen


def test_it_is_trained_once(data, trainings):
    images = read_split(data, "test", 9).images
    first, again = (trained_classifier(data, CONFIG) for _ in range(2))
    assert len(trainings) == 1
    np.testing.assert_array_equal(
        first.predict(images).features, again.predict(images).features
    )
    for changed in ({"seed": 3}, {"filters": 2}):
        trained_classifier(data, dataclasses.replace(CONFIG, **changed))
    assert len(trainings) == 3


def test_other_training_drawings_make_another(data, trainings, tmp_path):
    more = toys.prepare(tmp_path / "more", 65, 4, 30)
    trained_classifier(data, CONFIG)
    trained_classifier(more, CONFIG)
    assert [len(drawings) for drawings in trainings] == [64, 65]


def test_other_words_make_another(data, trainings, tmp_path):
    renamed = tmp_path / "renamed"
    shutil.copytree(data, renamed)
    path = renamed / "schema.json"
    words = json.dumps(toys.CATEGORIES[0]), json.dumps("circle")
    path.write_text(path.read_text().replace(*words))
    for folder in (data, renamed):
        trained_classifier(folder, CONFIG)
    assert [d.schema.words[0] for d in trainings] == ["ring", "circle"]


def test_held_out_drawings_do_not_train(data, trainings):
    trained_classifier(data, dataclasses.replace(CONFIG, max_drawings=40))
    [found] = trainings
    expected = read_split(data, "train", 40)
    np.testing.assert_array_equal(found.images, expected.images)


def test_every_factor_has_a_softmax():
    logits = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    labels = np.array([[0, 0], [1, 2], [0, 1], [1, 1], [0, 2], [1, 0]])
    sums = [logits[:, :2], logits[:, 2:]]
    expected = [
        sum(
            np.log(np.exp(part[i]).sum()) - part[i, labels[i, f]]
            for f, part in enumerate(sums)
        )
        for i in range(6)
    ]
    loss = FactorLoss([2, 3])
    assert float(loss(labels, logits)) == pytest.approx(np.mean(expected))


def test_every_factor_is_named():
    schema = Schema(
        (Factor("shape", ("ring", "bar")), Factor("side", ("left", "right"))),
        *(1.0, 12, 16),
    )
    images = np.zeros((80, 16, 16), np.uint8)
    labels = np.stack([np.arange(80) % 2, np.arange(80) // 2 % 2], axis=1)
    for image, (shape, side) in zip(images, labels, strict=True):
        part = image[4:12, 2 + 8 * side : 6 + 8 * side]
        part[...] = 255
        if shape == 0:
            part[1:-1, 1:-1] = 0
    drawings = Drawings((None,) * 80, images, labels, schema)
    judge = Classifier(train_classifier(drawings, CONFIG), schema)
    assert np.mean(judge.predict(images).labels == labels) >= 0.95


@pytest.mark.parametrize("size", [16, 64])
def test_distortion_keeps_the_middle_and_the_ink(size):
    images = np.zeros((200, size, size), np.uint8)
    third = size // 3
    images[:, third : size - third, third : size - third] = 255
    found = distort(tf.constant(images), tf.constant([0, 1], tf.int64))
    assert found.shape == (200, size, size, 1)
    ink = found.numpy().sum(axis=(1, 2, 3)) / (size - 2 * third) ** 2
    # Stretched by up to exp(0.15) each way.
    assert 0.7 < ink.min() < 0.85
    assert 1.2 < ink.max() < 1.4
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    for axis in (x, y):
        shift = np.sum(found[..., 0] * axis, axis=(1, 2)) / np.sum(
            found[..., 0], axis=(1, 2)
        )
        assert abs(np.mean(shift)) < 0.01 * size
        assert 0.04 * size < np.abs(shift).max() < 0.07 * size


def test_distortion_turns_and_does_not_shear():
    y, x = np.mgrid[:64, :64] - 31.5
    for shape, turned in ((x**2 + y**2 < 400, False), (abs(y) < 4, True)):
        images = np.repeat(shape[None] * np.uint8(255), 100, axis=0)
        images[:, :, [*range(12), *range(52, 64)]] = 0
        found = distort(tf.constant(images), tf.constant([0, 1], tf.int64))
        slopes = [slope(picture) for picture in found.numpy()[..., 0]]
        # A disk has no direction to turn, but a shear would make it aslant.
        assert (np.max(np.abs(slopes)) > 0.1) == turned
        assert (np.max(np.abs(slopes)) < 0.02) != turned
        assert np.max(np.abs(slopes)) < np.tan(np.deg2rad(10)) * 1.4
        assert not turned or min(slopes) < 0 < max(slopes)


def slope(picture):
    """Of y over x, fitted to the ink."""
    y, x = np.mgrid[: len(picture), : len(picture)]
    table = np.cov(x.ravel(), y.ravel(), aweights=picture.ravel())
    return table[0, 1] / table[0, 0]


def test_distortion_is_a_function_of_the_seed():
    images = np.zeros((9, 16, 16), np.uint8)
    images[:, 4:12, 9:13] = 255
    one, same, other = (
        distort(tf.constant(images), tf.constant([0, n], tf.int64))
        for n in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    # Left stays left, and every picture has a fate of its own.
    assert np.all(np.sum(one[:, :, :8], (1, 2, 3)) < np.sum(one, (1, 2, 3)) / 2)
    assert len({x.numpy().tobytes() for x in one}) == 9


def test_real_drawings_are_named(shared_data, tmp_path, monkeypatch):
    """A tenth of the training still names most of three categories."""
    from sketcher_tf.data.sources import Options, prepare

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sources = ",".join(
        str(shared_data / "quickdraw" / f"{name}.ndjson")
        for name in ("apple", "bicycle", "crab")
    )
    folder = prepare(sources, Options())
    judge = trained_classifier(
        folder, ClassifierConfig(epochs=2, batch_size=64, filters=12)
    )
    held_out = read_split(folder, "test", 1000)
    labels, _ = judge.predict(held_out.images)
    assert np.mean(labels == held_out.labels) > 0.85
