import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf

from sketcher_tf.model.ai_sketcher import AISketcher
from sketcher_tf.sketcher import Sketcher
from sketcher_tf.sketches import Sketch
from sketcher_tf.training import run_folder
from tests.testing import toys
from tests.testing.sketches import sketch_of

LONGEST = toys.SCHEMA.max_seq_len
SCALE = toys.SCHEMA.scale_factor
RING, ZIGZAG = (
    Sketch(toys.drawing(number).stroke3, category)
    for number, category in enumerate(toys.CATEGORIES)
)


@pytest.fixture(scope="module")
def sketcher():
    model = AISketcher(toys.CONFIG, toys.SCHEMA)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if not weight.path.startswith("seed"):
            weight.assign(rng.normal(scale=0.4, size=weight.shape))
    # Else many sketches would end before they have begun.
    bias = model.decoder.output_projection.bias
    bias.assign_add(-3 * np.eye(1, bias.shape[0], 2)[0])
    return Sketcher(model)


def assert_same(one, two):
    assert one.category == two.category
    assert one.finished == two.finished
    assert one.stroke3.shape == two.stroke3.shape
    np.testing.assert_array_equal(one.stroke3[:, 2], two.stroke3[:, 2])
    np.testing.assert_allclose(one.stroke3, two.stroke3, atol=1e-4 * SCALE)


def differ(one, two):
    return one.stroke3.shape != two.stroke3.shape or not np.allclose(
        one.stroke3, two.stroke3, atol=1e-2
    )


# --- generate ---------------------------------------------------------------


def test_sketch_k_does_not_depend_on_how_many_there_are(sketcher):
    five = sketcher.generate("ring", count=5, temperature=1.0, seed=3)
    two = sketcher.generate("ring", count=2, temperature=1.0, seed=3)
    assert len(five) == 5
    assert len(two) == 2
    for one, same in zip(two, five[:2], strict=True):
        assert_same(one, same)
    others = sketcher.generate("ring", count=2, temperature=1.0, seed=4)
    drawn = five + others
    assert all(
        differ(drawn[i], drawn[j]) for i in range(len(drawn)) for j in range(i)
    )
    for sketch in drawn:
        assert sketch.category == "ring"
        assert sketch.stroke3.dtype == np.float32
        assert len(sketch.stroke3) <= LONGEST


def test_a_batch_changes_not_a_bit():
    """At the sizes that are in use: toys are too small for some products."""
    sizes = dataclasses.replace(
        toys.CONFIG.model, encoder_units=256, decoder_units=512, num_mixtures=20
    )
    config = dataclasses.replace(toys.CONFIG, model=sizes)
    model = AISketcher(config, toys.SCHEMA)
    bias = model.decoder.output_projection.bias
    bias.assign_add(-1e4 * np.eye(1, bias.shape[0], 2)[0])  # no ends
    whole = Sketcher(model).generate("ring", count=21, temperature=0.7)
    sketcher = Sketcher(model)
    for count in (3, 1, 7, 16):  # the first call is no exception
        part = sketcher.generate("ring", count=count, temperature=0.7)
        for one, other in zip(part, whole, strict=False):
            np.testing.assert_array_equal(one.stroke3, other.stroke3)
    latents = sketcher.encode(whole)
    for count in (1, 2, 5):
        np.testing.assert_array_equal(
            sketcher.encode(whole[:count]), latents[:count]
        )


def test_offsets_are_in_pixels(sketcher, monkeypatch):
    stroke5 = np.zeros((2, LONGEST + 1, 5), np.float32)
    stroke5[:, :, :2] = [0.5, -2]
    stroke5[:, :, 2] = 1
    stroke5[0, 3] = [0, 0, 0, 0, 1]  # the other one has no end
    monkeypatch.setattr(sketcher, "_draw", lambda *_: tf.constant(stroke5))
    ended, cut_off = sketcher.generate("zigzag", count=2)
    offset = [0.5 * SCALE, -2 * SCALE, 0]
    np.testing.assert_allclose(ended.stroke3, [offset] * 3)
    np.testing.assert_allclose(cut_off.stroke3, [offset] * LONGEST)
    assert ended.finished
    assert not cut_off.finished


def test_the_category_matters_and_blends(sketcher):
    words = ["ring", "zigzag", "ring*0.5+zigzag*0.5"]
    drawn = [sketcher.generate(w, temperature=0.0, seed=1)[0] for w in words]
    assert [sketch.category for sketch in drawn] == words
    assert differ(drawn[0], drawn[1])
    assert differ(drawn[0], drawn[2])
    assert differ(drawn[1], drawn[2])
    [pure] = sketcher.generate("ring*2", temperature=0.0, seed=1)
    np.testing.assert_array_equal(pure.stroke3, drawn[0].stroke3)


# --- complete ---------------------------------------------------------------


def test_completions_begin_with_what_is_given(sketcher):
    half = Sketch(RING.stroke3[:3] * [1, 1, 0], "ring")
    drawn = sketcher.complete(half, count=3, temperature=1.0, seed=2)
    assert len(drawn) == 3
    for sketch in drawn:
        assert sketch.category == "ring"
        np.testing.assert_allclose(sketch.stroke3[:3], half.stroke3, rtol=1e-6)
    assert differ(drawn[0], drawn[1])
    [alone] = sketcher.complete(half, temperature=1.0, seed=2)
    assert_same(alone, drawn[0])
    [other] = sketcher.complete(half, "zigzag", temperature=1.0, seed=2)
    assert other.category == "zigzag"


def test_nothing_and_everything_can_be_completed(sketcher):
    nothing = Sketch(np.zeros((0, 3), np.float32), "ring")
    [sketch] = sketcher.complete(nothing)
    assert sketch.category == "ring"
    full = Sketch(np.ones((LONGEST, 3), np.float32), "ring")
    [sketch] = sketcher.complete(full)
    np.testing.assert_allclose(sketch.stroke3, full.stroke3)


# --- reconstruct and interpolate --------------------------------------------


def test_each_drawing_is_reconstructed(sketcher):
    drawn = sketcher.reconstruct([RING, ZIGZAG, RING], temperature=0.0)
    assert [s.category for s in drawn] == ["ring", "zigzag", "ring"]
    assert_same(drawn[0], drawn[2])  # without noise
    assert differ(drawn[0], drawn[1])
    [alone] = sketcher.reconstruct([ZIGZAG], temperature=0.0)
    assert_same(alone, drawn[1])
    [as_ring] = sketcher.reconstruct([ZIGZAG], "ring", temperature=0.0)
    assert as_ring.category == "ring"
    assert differ(as_ring, alone)


def test_interpolation_goes_from_one_reconstruction_to_the_other(sketcher):
    options = {"temperature": 0.5, "seed": 5}
    walk = sketcher.interpolate(RING, ZIGZAG, count=4, **options)
    assert [s.category for s in walk] == ["ring to zigzag"] * 4
    for end, drawing in ((walk[0], RING), (walk[-1], ZIGZAG)):
        [sketch] = sketcher.reconstruct([drawing], **options)
        assert_same(end, Sketch(sketch.stroke3, end.category, sketch.finished))
    assert differ(walk[0], walk[1])
    assert differ(walk[1], walk[2])
    assert differ(walk[2], walk[3])
    still = sketcher.interpolate(RING, RING, count=2, **options)
    assert still[0].category == "ring"
    assert_same(*still)
    assert len(sketcher.interpolate(RING, ZIGZAG, count=1)) == 1


# --- Errors -----------------------------------------------------------------


def too_long():
    return Sketch(np.ones((LONGEST + 1, 3), np.float32), "ring")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda s: s.generate("owl"),
            "a condition must use the words of the model; received 'owl'. "
            "Known: category: ring, zigzag.",
        ),
        (
            lambda s: s.generate("ring", count=0),
            "count must be at least 1; received 0. Ask for one.",
        ),
        (
            lambda s: s.generate("ring", temperature=-0.5),
            "temperature must be 0 (greedy) or a positive number, at most "
            "1e+06; received -0.5. Try 0.3.",
        ),
        (lambda s: s.generate("ring", temperature=float("nan")), "nan. Try"),
        (
            lambda s: s.generate("ring", seed=-1),
            "seed must be 0 or more and below 2**31; received -1. Take it "
            "modulo 2**31.",
        ),
        (lambda s: s.generate("ring", temperature=float("inf")), "inf. Try"),
        (
            lambda s: s.complete(too_long()),
            f"a drawing may have at most {LONGEST} points; received "
            f"{LONGEST + 1}. Simplify it first.",
        ),
        (lambda s: s.reconstruct([RING, too_long()]), "Simplify it first."),
        (lambda s: s.interpolate(too_long(), RING), "Simplify it first."),
        (lambda s: s.interpolate(RING, ZIGZAG, count=0), "received 0."),
        (lambda s: s.reconstruct([]), "at least one drawing; received none."),
        (
            lambda s: s.complete(sketch_of([[0, 0], [1, 1]], category="")),
            "received ''. Known: category: ring, zigzag.",
        ),
        (
            lambda s: s.complete(Sketch(np.full((1, 3), np.nan), "ring")),
            "stroke3 must hold finite numbers",
        ),
    ],
)
def test_errors_say_what_to_do(sketcher, call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call(sketcher)


# --- Loading ----------------------------------------------------------------


def test_a_saved_model_draws_the_same(sketcher, tmp_path):
    sketcher.model.save(tmp_path / "model.keras")
    expected = sketcher.generate("ring", count=2, temperature=1.0, seed=1)
    for path in (tmp_path, str(tmp_path / "model.keras")):
        loaded = Sketcher.load(path)
        drawn = loaded.generate("ring", count=2, temperature=1.0, seed=1)
        for one, two in zip(drawn, expected, strict=True):
            np.testing.assert_array_equal(one.stroke3, two.stroke3)


def test_a_missing_model_is_reported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as error:
        Sketcher.load("runs/cats")
    assert str(error.value) == (
        "a model must be a run folder, a .keras file, hf://user/model or one "
        f"of {', '.join(run_folder.pretrained())}; received 'runs/cats'. Train "
        "one with `python -m sketcher_tf.train`."
    )
