"""What the page computes without a browser is what Python computes."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from export.studio.build import SOURCE
from export.tflite.picture import picture
from export.tflite.readings import readings
from sketcher_tf.model.critic import Critic, agreement
from sketcher_tf.request import slerp
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import polylines_to_stroke3

_MODULES = (
    "drawing/frame",
    "drawing/likeness",
    "drawing/picture",
    "drawing/readings",
    "drawing/slerp",
    "model/critic",
)
_ROLLDOWN = SOURCE / "node_modules" / ".bin" / "rolldown"
_LINES = [[[10, 20], [130, 40], [90, 200]], [[60, 60], [60, 60]]]
_OTHER = [[[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]]

pytestmark = [
    pytest.mark.skipif(shutil.which("npm") is None, reason="install Node.js"),
]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Evaluates an expression with the modules as `m`."""
    if not _ROLLDOWN.exists():
        subprocess.run(
            ["npm", "--silent", "ci"], cwd=SOURCE, check=True, timeout=120
        )
    folder = tmp_path_factory.mktemp("modules")
    entry = folder / "entry.ts"
    entry.write_text(
        "\n".join(f"export * from '{SOURCE}/src/{name}';" for name in _MODULES)
    )
    bundle = folder / "bundle.mjs"
    subprocess.run(
        [_ROLLDOWN, entry, "--format=esm", f"--file={bundle}"],
        check=True,
        capture_output=True,
        timeout=60,
    )

    def evaluate(expression):
        script = (
            f"import * as m from '{bundle}';"
            "const plain = (_, x) => ArrayBuffer.isView(x) ? [...x] : x;"
            f"console.log(JSON.stringify({expression}, plain))"
        )
        found = subprocess.run(
            ["node", "--input-type=module", "-e", script],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return json.loads(found.stdout)

    return evaluate


def test_the_picture_is_pythons(evaluate):
    for size in (16, 64):
        found = evaluate(f"m.picture({_LINES}, {size})")
        wanted = picture([np.float32(line) for line in _LINES], size)
        np.testing.assert_allclose(found, wanted.ravel(), atol=1e-5)


def test_readings_are_pythons(evaluate):
    ring = [[20, 50], [40, 20], [80, 30], [85, 60], [45, 80], [22, 52]]
    other = ring[::-1]
    drawings = [[ring], [other, [[90, 30], [20, 35]]], [*_LINES, ring], []]
    for lines, found in zip(
        drawings, evaluate(f"{drawings}.map(m.readings)"), strict=True
    ):
        wanted = readings(Sketch(polylines_to_stroke3([*map(np.array, lines)])))
        assert len(found) == len(wanted)
        for one, reading in zip(found, wanted, strict=True):
            assert one["scale"] == pytest.approx(reading.scale)
            np.testing.assert_allclose(one["corner"], reading.corner)
            assert one["goesOn"] == reading.goes_on
            for line, there in zip(
                one["lines"], reading.sketch.polylines, strict=True
            ):
                np.testing.assert_allclose(line, there, atol=1e-3)


def test_an_arc_between_latents_is_pythons(evaluate):
    rng = np.random.default_rng(0)
    start, stop = rng.normal(size=(2, 6)).tolist()
    pairs = [(start, stop), (start, start), (start, [0.0] * 6)]
    shares = [0, 0.25, 1]
    found = evaluate(
        f"{json.dumps(pairs)}.map(([a, b]) => {shares}.map(share => "
        "m.slerp(Float32Array.from(a), Float32Array.from(b), share)))"
    )
    wanted = [
        slerp(np.array(a), np.array(b), np.array(shares)[:, None])
        for a, b in pairs
    ]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_agreement_is_the_critics(evaluate):
    rng = np.random.default_rng(1)
    sizes = [3, 2]
    parts = [rng.normal(size=n) for n in sizes]
    log_probs = np.concatenate([x - np.log(np.exp(x).sum()) for x in parts])
    conditions = [[1, 0, 0, 0, 1], [0.5, 0.5, 0, 1, 0], [0, 0, 1, 0.5, 0.5]]
    found = evaluate(
        f"{conditions}.map(asked => m.agreement("
        f"Float32Array.from({log_probs.tolist()}), asked, {sizes}))"
    )
    wanted = agreement(
        tf.constant(np.tile(log_probs, (3, 1)), tf.float32),
        tf.constant(conditions, tf.float32),
        sizes,
    )
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_what_is_enough_is_the_critics(evaluate):
    critic = Critic([3, 2], units=1, encoder_units=1)
    enough = np.log([0.1, 0.2, 0.4, 0.5, 0.8])
    critic.enough.assign(enough)
    conditions = [[0, 1, 0, 1, 0], [0.25, 0, 0.75, 0, 1]]
    found = evaluate(
        f"{conditions}.map(asked => m.threshold(asked, {enough.tolist()}, 2))"
    )
    wanted = critic.threshold(tf.constant(conditions, tf.float32))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_likeness_knows_no_place_and_size_but_shapes(evaluate):
    moved = [[[3 * x + 50, 3 * y] for x, y in line] for line in _LINES]
    same, apart, back = evaluate(
        f"[m.likeness({_LINES}, {moved}), m.likeness({_LINES}, {_OTHER}), "
        f"m.likeness({_OTHER}, {_LINES})]"
    )
    assert same == pytest.approx(1, abs=1e-5)
    assert 0 < apart < 0.8
    assert apart == pytest.approx(back)


def test_a_short_stroke_counts_as_much_as_a_long_one(evaluate):
    eye = [[50, 50], [51, 51]]
    missed, found = evaluate(
        f"[m.likeness({[*_OTHER, eye]}, {_OTHER}), "
        f"m.likeness({[*_OTHER, eye]}, {[*_OTHER, [[49, 50], [50, 51]]]})]"
    )
    assert missed == pytest.approx(0.75, abs=1e-3)
    assert found > 0.85


def test_a_drawing_is_fitted_into_a_frame(evaluate):
    strokes = json.dumps([{"by": "you", "points": line} for line in _LINES])
    own, frame, fitted = evaluate(
        f"[m.frameOf({_LINES})].flatMap(own => {{"
        "const frame = m.between(own, m.PAPER, 0.5);"
        f"return [m.fit({strokes}, own), frame, m.fit({strokes}, frame)]; }})"
    )
    assert [stroke["points"] for stroke in own] == _LINES
    assert frame["side"] == (180 + 255) / 2
    points = np.concatenate([stroke["points"] for stroke in fitted])
    low, high = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, frame["middle"])
    assert (high - low).max() == pytest.approx(frame["side"])
