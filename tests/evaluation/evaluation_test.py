import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from sketcher_tf.data.manifest import read_manifest
from sketcher_tf.evaluation import evaluation, measurements
from sketcher_tf.evaluation.classifier import trained_classifier
from sketcher_tf.evaluation.dataset import read_split
from sketcher_tf.evaluation.describe import plain
from sketcher_tf.evaluation.evaluation import evaluate
from sketcher_tf.evaluation.intervals import Estimate
from sketcher_tf.evaluation.likelihood import drawing_losses
from sketcher_tf.evaluation.metrics import words_of
from sketcher_tf.evaluation.predictions import (
    nearest_drawings,
    novelty,
    predict_generated,
    predict_real,
    predict_redrawn,
)
from sketcher_tf.evaluation.samples import blends_of, first_half, reread
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3
from tests.testing import toys
from tests.testing.evaluations import BASE, NASTY, SETTINGS, prepare

WORDS = [
    *("category=ring", "category=zigzag", "mood=a"),
    f"mood={NASTY}",
]


@pytest.fixture(scope="module", autouse=True)
def cache(evaluated):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(evaluated.cache))
        yield


@pytest.fixture(scope="module")
def data(evaluated):
    return evaluated.data


@pytest.fixture(scope="module")
def models(evaluated):
    return evaluated.models


@pytest.fixture(scope="module")
def found(evaluated):
    return evaluated.evaluation


@pytest.fixture(scope="module")
def judge(data):
    return trained_classifier(data, SETTINGS.classifier)


@pytest.fixture(scope="module")
def training(data):
    return read_split(data, "train", 1000)


def test_results_are_json(found):
    text = json.dumps(found.results, allow_nan=False)
    assert json.loads(text) == found.results
    assert found.results["version"] == 1
    assert list(found.results["models"]) == ["ours", BASE]
    assert found.results["training"] == 40
    assert found.results["trained_elsewhere"] == []


def test_the_same_seed_gives_the_same_results(found, models, data):
    again = evaluate(models, data, SETTINGS)
    assert again.results == found.results
    other = dataclasses.replace(SETTINGS, seed=4)
    ours = {"ours": models["ours"]}
    assert (
        evaluate(ours, data, other).results["models"]["ours"]["generated"]
        != found.results["models"]["ours"]["generated"]
    )


def test_what_is_judged_is_what_the_api_draws(found, models):
    sketcher, drawn = models["ours"], found.gallery.samples["ours"]
    assert list(drawn.generated) == WORDS
    expected = sketcher.generate(WORDS[1], 4, temperature=0.5, seed=3)
    for one, other in zip(drawn.generated[WORDS[1]], expected, strict=True):
        np.testing.assert_allclose(one.stroke3, other.stroke3, atol=1e-4)
    held_out = found.gallery.held_out
    expected = sketcher.reconstruct(held_out, temperature=0.5, seed=3)
    for one, other in zip(
        drawn.redrawn["reconstructed"], expected, strict=True
    ):
        np.testing.assert_allclose(one.stroke3, other.stroke3, atol=1e-4)


def test_completed_drawings_begin_with_the_given_half(found):
    gallery = found.gallery
    completed = gallery.samples["ours"].redrawn["completed"]
    for whole, drawn in zip(gallery.held_out, completed, strict=True):
        given = len(whole.stroke3) // 2
        np.testing.assert_allclose(
            drawn.stroke3[:given], whole.stroke3[:given], atol=1e-3
        )
    assert any(
        len(drawn.stroke3) > len(whole.stroke3) // 2
        for whole, drawn in zip(gallery.held_out, completed, strict=True)
    )


def test_a_half_has_a_point_at_least():
    dot = Sketch(np.array([[1, 2, 1]], np.float32), "dot")
    assert len(first_half(dot).stroke3) == 1
    odd = Sketch(np.zeros((5, 3), np.float32), "x")
    assert len(first_half(odd).stroke3) == 2
    assert not first_half(odd).finished


def test_another_hand_draws_the_same_lines():
    angles = np.linspace(0, 2 * np.pi, 9)
    ring = 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = np.float32([[0, 0], [5, 0], [9, 9]])
    sketch = Sketch(polylines_to_stroke3([line, ring]), "x", finished=False)
    begun = set()
    for seed in range(20):
        again = reread(sketch, np.random.default_rng(seed))
        straight, round_ = again.polylines
        np.testing.assert_allclose(straight, line[::-1], atol=1e-4)
        np.testing.assert_allclose(round_[0], round_[-1], atol=1e-4)
        # The same points, one after the other, the other way round.
        place = np.abs(ring[:-1] - round_[0]).sum(axis=1).argmin()
        begun.add(place)
        back = ring[(place - np.arange(9)) % 8]
        np.testing.assert_allclose(round_, back, atol=1e-4)
    assert len(begun) > 4


def test_held_out_drawings_are_of_the_split(found, data):
    test = read_split(data, "test", 1000)
    known = {stroke3.tobytes() for stroke3 in test.stroke3}
    held_out = found.gallery.held_out
    assert {s.stroke3.tobytes() for s in held_out} <= known
    assert len(held_out) == found.results["held_out"]
    words = words_of(test.schema)
    for sketch, meant in zip(held_out, found.gallery.target, strict=True):
        assert sketch.category == ",".join(words[w].text for w in meant)
    # At most 4 of a word are wanted; a drawing has two words.
    counts = np.bincount(np.concatenate(found.gallery.target))
    assert counts.min() >= 4 > counts.max() / 2


def test_shares_confusions_and_ratios_agree(found):
    results = found.results
    for model in results["models"].values():
        table = np.array(model["confusion"])
        assert table.sum(axis=1).tolist() == [4] * 4
        recognised = model["generated"]["recognised"]
        shares = [share["value"] for share in recognised["words"].values()]
        assert shares == (np.diag(table) / 4).tolist()
        assert recognised["share"]["value"] == pytest.approx(np.mean(shares))
        for what in (
            "generated",
            "reconstructed",
            "completed",
            "completed_reread",
        ):
            assert model[what]["ratio_to_real"]["value"] == pytest.approx(
                model[what]["recognised"]["share"]["value"]
                / results["real"]["recognised"]["share"]["value"],
                rel=1e-5,
            )


def test_the_baseline_is_the_model_without_extensions(found):
    results = found.results
    assert results["baseline"] == BASE
    assert list(results["comparisons"]) == ["ours"]
    assert not any(results["models"][BASE]["extensions"].values())
    assert all(results["models"]["ours"]["extensions"].values())
    shares = [
        results["models"][name]["generated"]["recognised"]["share"]["value"]
        for name in ("ours", BASE)
    ]
    compared = results["comparisons"]["ours"]
    assert compared["recognised_difference"]["value"] == pytest.approx(
        shares[0] - shares[1]
    )
    # 4 words of 4 drawings, in pairs: 8 distances of each model.
    assert compared["diversity"]["all"]["df"] == 14
    assert compared["diversity"]["words"]["mood=a"]["df"] == 2


def test_losses_are_means_over_the_held_out_drawings(found, models, data):
    test = read_split(data, "test", 1000)
    held_out = {s.stroke3.tobytes() for s in found.gallery.held_out}
    rows = [i for i, x in enumerate(test.stroke3) if x.tobytes() in held_out]
    losses = drawing_losses(models[BASE].model, test.take(np.array(rows)))
    said = found.results["models"][BASE]["losses"]
    n_max = read_manifest(data).schema.max_seq_len
    close = {"rel": 1e-3}
    for value, expected in (
        (said["reconstruction"], losses.reconstruction),
        (said["reconstruction_padded"], losses.reconstruction_padded),
        (said["reconstruction_nats"], losses.reconstruction * n_max),
        (
            said["nats_per_point"],
            losses.reconstruction * n_max / losses.points,
        ),
        (said["latent_kl_nats"], losses.latent_kl * toys.MODEL.latent_size),
    ):
        assert value["value"] == pytest.approx(expected.mean(), **close)
        assert value["low"] < value["value"] < value["high"]


def test_drawing_real_ones_again_judges_them_alike(judge, training):
    words = words_of(training.schema)
    real = predict_real(training, judge, words)
    again = predict_redrawn(training.sketches(), real, judge)
    for field in dataclasses.fields(real):
        np.testing.assert_array_equal(
            getattr(again, field.name), getattr(real, field.name)
        )
    rows = [s for s in training.sketches() if "category=ring" in s.category]
    drawn = predict_generated({"category=ring": rows}, judge, words)
    assert drawn.target.tolist() == [0] * len(rows)
    np.testing.assert_array_equal(
        drawn.features, real.features[real.target == 0]
    )


def test_training_drawings_are_copies_of_themselves(judge, training):
    real = predict_real(training, judge, words_of(training.schema))
    found = novelty(real, real, np.random.default_rng(0))
    assert found == (Estimate(0, 0, 0), 1.0)
    # Distinct drawings of so few pixels may have the same features.
    nearest = nearest_drawings(real, real)
    same = real.features[np.searchsorted(real.drawing, nearest)]
    np.testing.assert_allclose(same, real.features, atol=1e-3)


def test_blends_go_from_word_to_word(data):
    schema = read_manifest(data).schema
    blends = blends_of(schema)
    assert list(blends) == ["ring to zigzag", f"a to {NASTY}"]
    shares = [schema.parse(text)[0] for text in blends["ring to zigzag"]]
    assert shares == [1, 0.75, 0.5, 0.25, 0]


def test_plain_results_are_json():
    values = {
        "a": Estimate(1 / 3, float("nan"), float("inf")),
        1: [np.arange(2), np.float64(2e-9), True, None, "x"],
    }
    assert plain(values) == {
        "a": {"value": 0.333333, "low": None, "high": None},
        "1": [[0, 1], 2e-9, True, None, "x"],
    }


def test_models_of_other_words_are_refused(models, data, tmp_path):
    other = toys.prepare(tmp_path / "toys", 8, 2, 4)
    with pytest.raises(ValueError, match="received, for ours, category=ring"):
        evaluate(models, other, SETTINGS)


def test_models_of_another_training_split_are_told(data, monkeypatch, caplog):
    measured = SimpleNamespace(
        training=[],
        held_out=read_split(data, "test", 2),
        held_out_words=list,
        measure=lambda name: {},
        measure_real=dict,
        compare=lambda baseline: {},
        samples={},
        nearest={},
    )
    monkeypatch.setattr(evaluation, "Measurements", lambda *_: measured)
    schema = read_manifest(data).schema
    changes = {
        "same": {},
        "rounded": {"scale_factor": schema.scale_factor * (1 + 1e-13)},
        "scaled": {"scale_factor": schema.scale_factor * 1.001},
        "longer": {"max_seq_len": schema.max_seq_len + 1},
    }
    others = {
        name: SimpleNamespace(schema=dataclasses.replace(schema, **change))
        for name, change in changes.items()
    }
    found = evaluate(others, data, SETTINGS, "same")
    assert found.results["trained_elsewhere"] == ["scaled", "longer"]
    assert [record.args[0] for record in caplog.records] == ["scaled", "longer"]
    assert "may have seen the held-out drawings" in caplog.text


def test_an_unknown_baseline_is_refused(models, data):
    with pytest.raises(
        ValueError, match=r"received 'x'\. Known: ours, <u>base"
    ):
        evaluate(models, data, SETTINGS, "x")


def test_something_must_be_held_out(models, tmp_path, monkeypatch):
    folder = tmp_path / "toys"
    monkeypatch.setattr(
        toys,
        "drawings",
        lambda *_: [toys.drawing(i, "train") for i in range(8)],
    )
    prepare(folder)
    monkeypatch.setattr(measurements, "trained_classifier", lambda *_: None)
    with pytest.raises(ValueError, match="the test split must hold at least 2"):
        evaluate(models, folder, SETTINGS)
