"""Inputs that people have brought, each with what should become of it.

The folders of `cases/` are kinds of trouble: an SVG's geometry without its
paint, one pen stroke in many elements, other units, files that are something
else, arrays that mean something else, refusals without a reason.
"""

from pathlib import Path

import numpy as np
import pytest

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.placement import Placement
from sketcher_tf.data.formats.reading import read_drawings, read_sketches
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import bounds, stroke3_to_polylines

CASES = Path(__file__).with_name("cases")
SCHEMA = Schema((Factor("category", ("pig", "cat")),), 31.0, 250, 64)


def read(name, rules=None, strict=True):
    """The drawings of a case, and what is said of them."""
    intake = Intake(rules or Rules(), SkipReport(strict))
    drawings = list(read_drawings([str(CASES / name)], intake))
    return drawings, " ".join(intake.report.messages())


def lengths(drawing):
    return [len(line) for line in stroke3_to_polylines(drawing.stroke3)]


def given(name, **placement):
    """The case as a model gets it, as lines."""
    rules = Rules.of_model(SCHEMA, Placement(**placement))
    [sketch, *_] = read_sketches(
        str(CASES / name), 10, rules, words=SCHEMA.words
    )
    return sketch.polylines


def test_pages_and_hidden_layers_are_no_strokes():
    [drawing], _ = read("svg-background/srnn")
    assert lengths(drawing) == [3, 2]
    [drawing], _ = read("svg-background/ink")
    assert lengths(drawing) == [12]


def test_what_nobody_sees_is_no_stroke():
    drawings, _ = read("svg-invisible")
    assert [lengths(drawing) for drawing in drawings] == [[2]] * 5


def test_touching_pieces_are_one_stroke():
    [drawing], _ = read("svg-fragments")
    [length] = lengths(drawing)
    assert 10 < length < 35


def test_a_flat_folder_is_one_word():
    drawings, _ = read("svg-flat-folder/flat")
    assert [d.labels["category"] for d in drawings] == ["flat"] * 6


def test_a_models_own_limit_counts():
    _, told = read("longer-than-250", strict=False)
    assert "50 too long (300 points > 250; --max_seq_len takes" in told
    drawings, _ = read("longer-than-250", Rules(300))
    assert len(drawings) == 50
    lines = given("longer-than-250/long300.npz")
    assert sum(map(len, lines)) <= 250


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("image-as-bin", "b28.png is a raster image"),
        ("not-the-file", "cat_html.npz is an HTML page: download the raw"),
        ("not-the-file/cat_html.npz", "an HTML page: download the raw file"),
        ("npz-other-layout/full_numpy_bitmap_cat.npy", "bitmaps: they hold no"),
        ("npz-other-layout/strokes.npz", "called train, valid and test"),
        ("npz-other-layout/strokes.npz", "which has strokes. Save them again"),
    ],
)
def test_other_files_are_named_with_the_remedy(name, told):
    with pytest.raises(ValueError, match="must") as error:
        read(name)
    assert told in str(error.value)


@pytest.mark.parametrize("name", ["head_raw.ndjson", "head_xy.ndjson"])
def test_a_part_of_a_drawing_keeps_its_place(name):
    [line] = given(f"raw-completion-scaled/{name}", whole=False)
    np.testing.assert_array_equal(bounds([line]), [[160, 80], [240, 160]])
    assert len(line) < 40
    [line] = given(
        f"raw-completion-scaled/{name}", whole=False, canvas=(400.0, 400.0)
    )
    np.testing.assert_allclose(bounds([line]), [[102, 51], [153, 102]], atol=1)


@pytest.mark.parametrize("name", ["pig_unit.ndjson", "pig_1200.ndjson"])
@pytest.mark.parametrize("whole", [True, False])
def test_own_units_are_told_or_fitted(caplog, name, whole):
    given(f"own-units/{name}", whole=whole)
    assert "far from the model's 255 pixels" in caplog.text
    caplog.clear()
    lines = given(f"own-units/{name}", whole=whole, fit=True)
    np.testing.assert_allclose(bounds(lines)[1].max(), 255, atol=1)
    assert "far" not in caplog.text


@pytest.mark.parametrize(
    "name", ["pig.csv", "pigs_array.json", "pigs_obj.json"]
)
def test_tables_and_documents_are_read(name):
    drawings, _ = read(f"json-csv/{name}")
    assert [drawing.labels["category"] for drawing in drawings] == ["pig"] * 4
    assert [lengths(drawing) for drawing in drawings] == [[3, 2]] * 4


def test_stroke5_is_read():
    drawings, _ = read("npz-other-layout/stroke5.npz")
    assert len(drawings) == 50
    assert len({len(drawing.stroke3) for drawing in drawings}) > 10


@pytest.mark.parametrize(
    ("name", "told", "count"),
    [
        ("absolute.npz", "taken as absolute points, not offsets", 50),
        ("padded3.npz", "cut before the zeros behind their end", 40),
    ],
)
def test_arrays_of_another_meaning_are_converted(name, told, count):
    path = f"npz-silently-wrong/{name}"
    drawings, said = read(path, strict=False)
    assert f"{count} rows {told}" in said
    assert len(drawings) == count
    offsets = np.concatenate([d.stroke3[1:, :2] for d in drawings])
    assert 0.3 < np.mean(offsets < 0) < 0.7
    assert all(drawing.stroke3[-1, 2] == 1 for drawing in drawings)
    with pytest.raises(ValueError, match="without --strict"):
        read(path)


def test_a_refusal_has_its_reason():
    with pytest.raises(
        ValueError, match=r"1 row skipped: 1 wrong shape \(x and"
    ):
        given("no-reason/null.ndjson")
    assert len(given("no-reason/points.ndjson")) == 2
    [line] = given("no-reason/head_xy400.ndjson", whole=False)
    assert len(line) < 40


def test_filled_outlines_become_centre_lines():
    [drawing], told = read("svg-outlines")
    assert "the centre lines of the fills" in told
    [line] = stroke3_to_polylines(drawing.stroke3)
    assert len(line) < 6
    np.testing.assert_allclose(line[[0, -1]], [[0, 1], [255, 30]], atol=6)
