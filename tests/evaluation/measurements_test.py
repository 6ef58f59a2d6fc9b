"""What is measured on what, with drawings and a classifier made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from sketcher_tf.data.manifest import Manifest, Split
from sketcher_tf.evaluation import measurements, metrics
from sketcher_tf.evaluation.classifier import (
    ClassifierConfig,
    Prediction,
)
from sketcher_tf.evaluation.dataset import Drawings
from sketcher_tf.evaluation.likelihood import DrawingLosses
from sketcher_tf.evaluation.measurements import EvaluationConfig, Measurements
from sketcher_tf.evaluation.predictions import (
    Predictions,
    nearest_drawings,
    novelty,
)
from sketcher_tf.evaluation.samples import BLEND_SHARES, Samples, draw
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.sketches import Sketch

WORDS = ("cat", "pig")
SCHEMA = Schema((Factor("category", WORDS),), 20.0, 12, 16)
COUNT = 4
SETTINGS = EvaluationConfig(
    count=COUNT,
    temperature=0.5,
    seed=3,
    split="valid",
    classifier=ClassifierConfig(max_drawings=70),
)


def hash_of(*bits):
    """A hash with these bits set."""
    return np.packbits(np.isin(np.arange(64), bits))


def predictions(meant, features=None, bits=None):
    """Rows of these words; each has as many bits of its hash set as `bits`."""
    count = len(meant)
    return Predictions(
        np.array(meant),
        np.arange(count),
        np.zeros((count, 1), int),
        np.zeros((count, 2)) if features is None else np.array(features),
        np.array([hash_of(*range(n)) for n in bits or [0] * count]),
    )


def test_novelty_is_of_the_own_word():
    drawn = predictions([0, 0, 1], bits=[4, 30, 45])
    training = predictions([0, 0, 1, 1], bits=[0, 10, 40, 30])
    found = novelty(drawn, training, np.random.default_rng(0))
    assert found.distance.value == pytest.approx((4 + 20 + 5) / 3)
    # 4 bits are a copy, 5 are none.
    assert found.copies == pytest.approx(1 / 3)


def test_the_first_rows_of_each_word_are_taken():
    found = predictions([1, 0, 1, 0, 1]).first(np.array([1, 2]))
    assert found.drawing.tolist() == [0, 1, 2]


def test_the_nearest_drawing_has_the_nearest_features():
    training = predictions([0, 1, 1], [[0, 0], [5, 5], [9, 0]])
    drawn = predictions([0, 0, 1], [[8, 1], [1, 1], [5, 6]])
    assert nearest_drawings(drawn, training).tolist() == [2, 0, 1]


def drawings(labels, seed, points=6):
    """Random strokes of these words, random rasters."""
    rng = np.random.default_rng(seed)
    count = len(labels)
    return Drawings(
        tuple(rng.normal(0, 9, (points, 3)).astype("f") for _ in labels),
        rng.integers(256, size=(count, 16, 16), dtype=np.uint8),
        np.array(labels, int)[:, None],
        SCHEMA,
    )


class Judge:
    """Features are two pixels; everything is a cat."""

    schema = SCHEMA

    def predict(self, images):
        labels = np.zeros((len(images), 1), int)
        return Prediction(labels, images[:, 5:7, 5].astype(np.float32))


def scribbles(seed):
    points = np.random.default_rng(seed).normal(0, 20, (COUNT, 8, 3))
    return [Sketch(row.astype("f") * [1, 1, 0], "") for row in points]


def draw_by_hand(sketcher, real, *_):
    """New drawings, one of eight cut off; "same" draws but one drawing."""
    one, other = scribbles(7), scribbles(8)
    one[2] = Sketch(one[2].stroke3, "", finished=False)
    if sketcher.name == "same":
        one = other = one[:1] * COUNT
    generated = dict(zip(WORDS, (one, other), strict=True))
    redrawn = dict.fromkeys(
        ("reconstructed", "completed", "completed_reread"), real
    )
    return Samples(generated, redrawn, {}, np.array([1, 3, 4, 4]))


def losses(count):
    values = np.arange(1, 6)[:, None] * np.ones(count)
    return DrawingLosses(*values)


@pytest.fixture
def splits():
    """3 and 2 held-out drawings of the words; the others have another use."""
    return {
        "train": drawings([0, 1] * 20, 1),
        "valid": drawings([0, 1, 0, 1, 0], 2),
        "test": drawings([0] * 9, 3),
    }


@pytest.fixture
def make(monkeypatch, splits):
    """Makes the study of models whose longest drawings are given."""
    limits = []

    def read_split(folder, split, limit):
        limits.append(limit)
        return splits[split]

    def read_manifest(folder):
        counts = {n: Split((), {6: len(x)}) for n, x in splits.items()}
        return Manifest(SCHEMA, counts, {})

    replaced = {
        "read_manifest": read_manifest,
        "read_split": read_split,
        "trained_classifier": lambda *_: Judge(),
        "describe_model": lambda _: {},
        "drawing_losses": lambda _, held_out: losses(len(held_out)),
        "draw": draw_by_hand,
    }
    for name, value in replaced.items():
        monkeypatch.setattr(measurements, name, value)

    def make(**longest):
        sizes = SimpleNamespace(latent_size=8)
        model = SimpleNamespace(config=SimpleNamespace(model=sizes))
        models = {
            name: SimpleNamespace(
                name=name, model=model, schema=SimpleNamespace(max_seq_len=n)
            )
            for name, n in longest.items()
        }
        found = Measurements(models, None, SETTINGS)
        assert set(limits) == {SETTINGS.classifier.max_drawings}
        return found

    return make


def test_the_split_of_the_settings_is_held_out(make, splits):
    held_out = make(a=12).held_out
    assert held_out.stroke3 == splits["valid"].stroke3


def test_what_a_model_cannot_take_is_not_held_out(make, splits):
    long = drawings([1, 1], 4, points=9)
    short = splits["valid"]
    splits["valid"] = Drawings(
        long.stroke3 + short.stroke3,
        np.concatenate([long.images, short.images]),
        np.concatenate([long.labels, short.labels]),
        SCHEMA,
    )
    assert len(make(a=12, b=9).held_out) == 7
    assert make(a=12, b=8).held_out.stroke3 == short.stroke3


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_gaussian_needs_two_drawings(make, splits, split):
    splits[split] = drawings([0], 1)
    with pytest.raises(
        ValueError,
        match=f"the {split} split must hold at least 2 .* received 1",
    ):
        make(a=12)


def test_frechet_distances_are_of_equal_sets_to_the_training(make, splits):
    found = make(a=12)
    results, real = found.measure("a"), found.measure_real()
    gaussian = metrics.feature_gaussian
    reference = gaussian(Judge().predict(splits["train"].images).features)
    # 3 and 2 drawings of the words are held out, 4 and 4 are new.
    new = found.generated["a"].features[[0, 1, 2, COUNT, COUNT + 1]]
    held_out = Judge().predict(splits["valid"].images).features
    assert results["generated"]["frechet"].value == pytest.approx(
        metrics.frechet_distance(gaussian(new), reference)
    )
    assert real["frechet"].value == pytest.approx(
        metrics.frechet_distance(gaussian(held_out), reference)
    )


def test_precision_is_of_drawings_that_count_once_each():
    """Rows of several words would be their own nearest ones."""
    drawn = predictions([0, 0, 1], [[0, 0], [1, 0], [2, 0]])
    doubled = drawn.take(np.array([0, 0, 1, 2, 2]))
    assert doubled.once().drawing.tolist() == [0, 1, 2]


def test_the_training_drawings_cover_themselves(make):
    found = make(a=12)
    coverage = found._coverage(found._training_sample())
    assert coverage.precision.value == coverage.recall.value == 1
    drawn = found.measure("a")["generated"]["coverage"]
    assert 0 <= drawn.recall.value <= 1


def test_tries_cost_what_is_drawn(make):
    assert make(a=12).measure("a")["tries"].value == 3


def test_the_real_diversity_is_that_of_training_drawings(make, splits):
    splits["valid"].images[:] = splits["valid"].images[0]
    spread = make(a=12).measure_real()["diversity"]["words"]["cat"]
    assert spread.count == COUNT
    assert spread.mean.value > 20  # of random hashes, and 0 of equal ones


def test_drawings_that_were_cut_off_are_counted(make):
    assert make(a=12).measure("a")["unfinished"] == 1 / 8


def test_losses_are_told_by_their_names(make):
    found = make(a=12).measure("a")["losses"]
    means = {name: x.value for name, x in found.items() if name != "n_max"}
    assert means == {
        "reconstruction": 1,
        "reconstruction_padded": 2,
        "reconstruction_nats": 1 * 12,
        "nats_per_point": 1 * 12 / 3,
        "latent_kl": 4,
        "latent_kl_nats": 4 * 8,
        "influence_kl": 5,
    }


def test_the_nearest_training_drawings_are_kept(make, splits):
    found = make(a=12)
    found.measure("a")
    training = Judge().predict(splits["train"].images).features
    for new, seen in zip(
        found.generated["a"].features, found.nearest["a"], strict=True
    ):
        row = np.linalg.norm(training - new, axis=1).argmin()
        assert seen.stroke3 is splits["train"].stroke3[row]


def test_a_positive_t_is_of_more_diversity_than_the_baseline(make):
    found = make(same=12, other=12)
    for name in found.models:
        found.measure(name)
    more = found.compare("same")["other"]["diversity"]
    less = found.compare("other")["same"]["diversity"]
    assert more["all"].t > 0 > less["all"].t
    assert more["words"]["cat"].t > 0 > less["words"]["cat"].t


class Recorder:
    """A model that draws nothing, and remembers what it was asked for."""

    schema = SCHEMA

    def __init__(self):
        self.asked = []

    def generate(self, word, count, temperature, seed):
        options = {"temperature": temperature, "seed": seed}
        self.asked.append(("generate", options))
        return [Sketch(np.zeros((1, 3)), word)] * count

    def count_tries(self, word, count, temperature, seed):
        options = {"temperature": temperature, "seed": seed}
        self.asked.append(("count_tries", options))
        return np.full(count, 2, np.int32)

    def reconstruct(self, sketches, **options):
        self.asked.append(("reconstruct", options))
        return sketches

    def complete(self, sketch, **options):
        self.asked.append(("complete", options))
        return [sketch]


def test_all_is_drawn_at_one_temperature_from_the_seed():
    model, held_out = Recorder(), drawings([0, 1, 0], 0).sketches()
    found = draw(model, held_out, 2, temperature=0.7, seed=2**31 - 2)
    assert all(options["temperature"] == 0.7 for _, options in model.asked)
    seeds = {name: [] for name, _ in model.asked}
    for name, options in model.asked:
        seeds[name].append(options["seed"])
    assert set(seeds["generate"] + seeds["reconstruct"]) == {2**31 - 2}
    assert set(seeds["count_tries"]) == {2**31 - 2}
    assert found.tries.tolist() == [2] * 4
    # Each completion has a seed of its own, within the range of seeds.
    assert seeds["complete"] == 2 * [2**31 - 2, 2**31 - 1, 0]
    assert [len(row) for row in found.redrawn.values()] == [3, 3, 3]
    assert [len(row) for row in found.blends.values()] == [len(BLEND_SHARES)]
