"""What a plotter draws of a file is the sketch, on A4, the right way up."""

import re

import numpy as np
import pytest

from sketcher_tf import rendering
from tests.testing.sketches import DOT, HOUSE, sketch_of

WIDE = sketch_of([[0, 7], [50, 0], [100, 7]])


def hpgl_strokes(text):
    """Pen, position, strokes: a plotter, as the manuals describe it."""
    strokes = []
    for command in text.strip().rstrip(";").split(";"):
        pairs = re.findall(r"(-?\d+),(-?\d+)", command)
        points = [(int(x) / 40, int(y) / 40) for x, y in pairs]
        if command[:2] == "PU" and points:
            position = points[-1]
        elif command[:2] == "PD":
            strokes.append([position, *points])
    return strokes


def gcode_strokes(text):
    assert text.index("G21") < text.index("G90") < text.index("X")
    at, strokes = {"X": 0.0, "Y": 0.0, "Z": 0.0}, []
    for line in text.splitlines():
        words = re.findall(r"([A-Z])(-?[\d.]+)", line.partition(";")[0])
        moved = {k: float(v) for k, v in words if k in at}
        was_down, at = at["Z"] == 0, at | moved
        if "Z" in moved:
            assert not {"X", "Y"} & set(moved)
            strokes += [[(at["X"], at["Y"])]] * (at["Z"] == 0)
        elif moved:
            assert was_down == (("G", "1") in words)
            if was_down:
                strokes[-1] = [*strokes[-1], (at["X"], at["Y"])]
    assert at == {"X": 0, "Y": 0, "Z": 5}
    return strokes


def dxf_strokes(text):
    lines = text.splitlines()
    pairs = list(zip(map(int, lines[::2]), lines[1::2], strict=True))
    assert pairs[-1] == (0, "EOF")
    strokes, kind, x = [], "", 0.0
    for code, value in pairs:
        if code == 0:
            kind = value
            strokes += [[]] * (kind in ("POLYLINE", "POINT"))
        elif code == 10:
            x = float(value)
        elif code == 20 and kind in ("VERTEX", "POINT"):
            strokes[-1] = [*strokes[-1], (x, float(value))]
    return strokes


READERS = {
    ".hpgl": hpgl_strokes,
    ".gcode": gcode_strokes,
    ".dxf": dxf_strokes,
}


@pytest.mark.parametrize("ending", list(READERS))
@pytest.mark.parametrize(
    ("sketch", "page"), [(HOUSE, (210, 297)), (WIDE, (297, 210))]
)
def test_a_sketch_fills_the_page(tmp_path, ending, sketch, page):
    path = tmp_path / f"a{ending}"
    rendering.save({"cat": [sketch]}, path)
    strokes = READERS[ending](path.read_text())
    low, high = (
        np.concatenate(sketch.polylines).min(axis=0),
        np.concatenate(sketch.polylines).max(axis=0),
    )
    scale = ((np.array(page) - 20) / (high - low)).min()
    for drawn, line in zip(strokes, sketch.polylines, strict=True):
        expected = (line - (low + high) / 2) * scale * [1, -1]
        np.testing.assert_allclose(
            drawn, expected + np.divide(page, 2), atol=0.02
        )


@pytest.mark.parametrize("ending", list(READERS))
def test_a_sheet_and_its_dots_stay_on_the_page(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    rendering.save({"a": [HOUSE] * 2 + [DOT], "b": [WIDE]}, path)
    strokes = READERS[ending](path.read_text())
    assert len(strokes) == 2 * len(HOUSE.polylines) + 2
    points = np.concatenate(strokes)
    assert (points > 9.9).all()
    assert (points < [287.1, 200.1]).all()
