import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sketcher_tf.sketches import Sketch, Sketches


def sketch(category="cat"):
    return Sketch(np.array([[9, 0, 0], [0, 9, 1]], np.float32), category)


def labels(svg):
    texts = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [(text.text or "").strip() for text in texts]


def places(svg):
    groups = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g")
    return [g.get("transform") for g in groups if g.get("transform")]


def test_a_sketch_shows_itself():
    svg = sketch()._repr_svg_()
    assert 'width="128"' in svg
    assert "<title>cat</title>" in svg


def test_what_a_call_returns_is_a_list_that_shows_itself():
    found = Sketches([sketch(), sketch("pig")])
    assert found == list(found)
    assert labels(found._repr_svg_()) == ["cat", "pig"]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ([], []),
        (["cat"] * 10, ["cat"]),
        (["cat"] * 11, ["cat", ""]),
        (["cat"] * 21 + ["pig"] * 11, ["cat", "", "", "pig", ""]),
        (["cat", "pig", "cat"], ["cat", "pig", "cat"]),
    ],
)
def test_a_sheet_has_a_row_per_category_of_ten_at_most(words, rows):
    svg = Sketches(map(sketch, words)).to_svg()
    assert labels(svg) == rows
    assert len(set(places(svg))) == len(words)
