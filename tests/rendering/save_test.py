import json
import os
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import assume, given, settings
from PIL import Image

from sketcher_tf import rendering
from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.placement import is_dense, longest_side
from sketcher_tf.data.formats.reading import read_drawings
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import Lines, stroke3_to_polylines
from tests.testing.sketches import (
    DOT,
    EMPTY,
    HOUSE,
    NASTY,
    SQUARE,
    sketch_of,
    sketches,
)

# --- ndjson -----------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(sketches)
def test_ndjson_reads_back_and_writes_the_same_row(tmp_path_factory, sketch):
    path = tmp_path_factory.mktemp("rows") / "cat.ndjson"
    rendering.save({"": [sketch]}, path)
    drawings = list(read_drawings([str(path)], Intake()))
    lines = Lines.join(sketch.polylines)
    assume(
        not is_dense(lines, longest_side(lines.points))
    )  # it would be simplified
    if not drawings:  # no points, or all in the same place
        points = sketch.stroke3[1:, :2]
        assert np.abs(points).max(initial=0) <= 0.01
        return
    (drawing,) = drawings
    assert drawing.labels == {"category": "cat"}
    again = rendering.to_ndjson(Sketch(drawing.stroke3, "cat"))
    assert again + "\n" == path.read_text()
    np.testing.assert_array_equal(drawing.stroke3[:, 2], sketch.stroke3[:, 2])
    # Both ends of an offset are rounded to 2 decimals.
    np.testing.assert_allclose(
        drawing.stroke3[1:, :2], sketch.stroke3[1:, :2], atol=0.0102
    )


def test_ndjson_is_the_format_of_quick_draw():
    strokes = [[[0, 255, 30], [7, 0, 9]], [[12, 13], [80, 81]]]
    lines = [np.array(stroke).T + np.array([11, -4]) for stroke in strokes]
    row = json.loads(rendering.to_ndjson(sketch_of(*lines, category="é")))
    assert row["word"] == "é"
    assert row["recognized"] is True
    assert row["drawing"] == strokes
    numbers = json.dumps(row["drawing"])
    assert "." not in numbers  # whole numbers stay whole


def test_ndjson_keys():
    row = json.loads(rendering.to_ndjson(HOUSE, key_id="seed-7"))
    assert row["key_id"] == "seed-7"
    keys = [
        json.loads(rendering.to_ndjson(sketch))["key_id"]
        for sketch in (
            HOUSE,
            Sketch(HOUSE.stroke3.copy(), "cat"),
            Sketch(HOUSE.stroke3, "pig"),
            Sketch(DOT.stroke3, "cat"),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all(len(key) == 16 and key.isdigit() for key in keys)


# --- Files ------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        ".svg",
        ".png",
        ".gif",
        ".ndjson",
        ".PNG",
        ".json",
        ".npz",
        ".hpgl",
        ".gcode",
        ".dxf",
    ],
)
@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"a": []},
        {"a": [EMPTY]},
        {"a": [DOT]},
        {"a": [EMPTY, DOT], NASTY: [HOUSE]},
    ],
)
def test_everything_can_be_saved(tmp_path, rows, ending):
    path = tmp_path / "deep" / "down" / f"all{ending}"
    assert rendering.save(rows, path) == [path]
    assert os.listdir(path.parent) == [path.name]
    if ending == ".ndjson":
        count = sum(map(len, rows.values()))
        assert len(path.read_text().splitlines()) == count
    elif ending == ".svg":
        ET.fromstring(path.read_text())
    elif ending in (".PNG", ".png", ".gif"):
        with Image.open(path) as image:
            image.load()


def test_a_single_sketch_is_saved_without_a_sheet(tmp_path):
    rendering.save({"a": [], "house": [HOUSE]}, tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (256, 256)
    rendering.save({"house": [HOUSE]}, tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_text() == rendering.to_svg(HOUSE)
    rendering.save({"house": [HOUSE] * 2}, tmp_path / "two.svg")
    assert "house</text>" in (tmp_path / "two.svg").read_text()


def test_a_sketch_without_category_takes_its_label(tmp_path):
    unnamed = sketch_of(SQUARE, category="")
    rendering.save({"owl": [unnamed, HOUSE]}, tmp_path / "a.ndjson")
    lines = (tmp_path / "a.ndjson").read_text().splitlines()
    assert [json.loads(line)["word"] for line in lines] == ["owl", "cat"]
    assert unnamed.category == ""


def test_separate_files_have_safe_names_of_their_own(tmp_path):
    rows = {
        "ice cream": [HOUSE, DOT],
        "a/b": [HOUSE],
        "A b": [EMPTY],
        "../..": [HOUSE],
        "cat*0.5+pig*0.5": [HOUSE],
        "x" * 300: [HOUSE],
    }
    files = rendering.save(rows, tmp_path / "out.svg", separate=True)
    assert [file.name for file in files] == [
        "out-ice_cream-1.svg",
        "out-ice_cream-2.svg",
        "out-a_b-1.svg",
        "out-A_b-2.svg",
        "out-.._..-1.svg",
        "out-cat_0.5_pig_0.5-1.svg",
        f"out-{'x' * 40}-1.svg",
    ]
    assert sorted(os.listdir(tmp_path)) == sorted(f.name for f in files)
    assert files[1].read_text() == rendering.to_svg(DOT)


@pytest.mark.parametrize("name", ["a.jpg", "a", ".png"])
def test_unknown_endings_are_refused(tmp_path, name):
    with pytest.raises(
        ValueError,
        match=(
            r"must end in one of \.animated\.svg, \.dxf, \.gcode, \.gif, "
            r"\.hpgl, \.json, \.ndjson, \.npz, \.png, \.svg; received "
            rf"'{name}'\. Name the file for example sketches\.png\."
        ),
    ):
        rendering.save({"cat": [HOUSE]}, tmp_path / name)
    assert not os.listdir(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_text("old")

    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        rendering.save({"a": [HOUSE]}, path)
    assert os.listdir(tmp_path) == ["a.png"]
    assert path.read_text() == "old"


# --- Exchange ---------------------------------------------------------------


def lines_read(path):
    return [
        [line.tolist() for line in stroke3_to_polylines(drawing.stroke3)]
        for drawing in read_drawings([str(path)], Intake())
    ]


TWO = sketch_of([[3, 4], [60, 90]], [[10, 20], [90, 7]])  # axes or points?


def test_json_reads_back_as_polylines(tmp_path):
    rendering.save({"": [HOUSE, TWO]}, tmp_path / "a.json")
    found = lines_read(tmp_path / "a.json")
    assert found[1] == [[[3, 4], [60, 90]], [[10, 20], [90, 7]]]
    for line, expected in zip(found[0], HOUSE.polylines, strict=True):
        np.testing.assert_allclose(line, expected, atol=0.005)
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["word"] for row in rows] == ["cat", "cat"]


def test_npz_is_sketch_rnns(tmp_path):
    rendering.save({"": [HOUSE] * 25 + [TWO]}, tmp_path / "cat.npz")
    with np.load(tmp_path / "cat.npz", allow_pickle=True) as arrays:
        sizes = {name: len(arrays[name]) for name in arrays.files}
        assert sizes == {"train": 22, "valid": 2, "test": 2}
        assert all(a.dtype == np.int16 for n in sizes for a in arrays[n])
    found = lines_read(tmp_path / "cat.npz")
    assert len(found) == 26
    low = HOUSE.polylines[1].min(axis=0)  # the roof is leftmost and topmost
    for line, expected in zip(found[0], HOUSE.polylines, strict=True):
        np.testing.assert_allclose(line, expected - low, atol=0.5)


def test_an_animated_svg_is_the_same_drawing(tmp_path):
    path = tmp_path / "house.animated.svg"
    assert rendering.save({"": [HOUSE]}, path) == [path]
    assert "@keyframes" in path.read_text()
    rendering.save({"": [HOUSE]}, tmp_path / "house.svg")
    assert lines_read(path) == lines_read(tmp_path / "house.svg")
    with pytest.raises(ValueError, match="an animated SVG shows one sketch"):
        rendering.save({"": [HOUSE, HOUSE]}, path)
    files = rendering.save({"": [HOUSE, TWO]}, path, separate=True)
    assert files[1].name == "house-sketch-2.animated.svg"
