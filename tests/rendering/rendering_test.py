import io
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
import svgelements
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.GifImagePlugin import GifImageFile

from sketcher_tf import rendering
from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import SkipReport
from sketcher_tf.data.formats.reading import read_drawings
from sketcher_tf.rendering import gif
from sketcher_tf.sketches import Sketch
from sketcher_tf.strokes import fit_to_box
from tests.testing.sketches import (
    DOT,
    EMPTY,
    HOUSE,
    NASTY,
    SQUARE,
    sketch_of,
    sketches,
)

SVG = "{http://www.w3.org/2000/svg}"


def paths_of(svg):
    """The strokes as svgelements reads them: absolute points [n, 2]."""
    paths = svgelements.SVG.parse(io.StringIO(svg)).elements(
        lambda element: isinstance(element, svgelements.Path)
    )
    return [
        np.array([(segment.end.x, segment.end.y) for segment in path])
        for path in paths
    ]


def texts_of(svg, tag):
    return [node.text for node in ET.fromstring(svg).iter(SVG + tag)]


def darkness(image):
    return 255 - np.asarray(image.convert("L"), np.int16)


def frames_of(path):
    """The frames of a GIF in RGB and how long each stays."""
    gif = GifImageFile(path)
    with gif:
        assert gif.info["loop"] == 0  # for ever
        frames = []
        for number in range(gif.n_frames):
            gif.seek(number)
            frames.append((gif.convert("RGB"), gif.info["duration"]))
    return [list(column) for column in zip(*frames, strict=True)]


def redness(frame):
    """Where a frame has the colour of the pen, as a mask."""
    red, _, blue = np.moveaxis(np.asarray(frame, np.int16), -1, 0)
    return red - blue > 100


# --- SVG --------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(sketches, st.sampled_from([64, 256]))
def test_svg_holds_the_points(sketch, size):
    svg = rendering.to_svg(sketch, size)
    found = paths_of(svg)
    wanted = sketch.polylines
    assert len(found) == len(wanted)
    root = ET.fromstring(svg)
    assert root.attrib["viewBox"] == f"0 0 {size} {size}"
    for line, points in zip(wanted, found, strict=True):
        assert len(points) == max(len(line), 2)  # a dot has a second point
        assert (points >= 0).all() and (points <= size).all()
    if len(sketch.stroke3) < 2:
        return
    # Same shape: equal once both are moved and scaled into the same box.
    dots = [len(line) == 1 for line in wanted]
    found = [
        points[:1] if dot else points
        for points, dot in zip(found, dots, strict=True)
    ]
    for a, b in zip(
        fit_to_box(wanted, 100), fit_to_box(found, 100), strict=True
    ):
        if np.ptp(np.concatenate(wanted), axis=0).any():
            np.testing.assert_allclose(a, b, atol=0.05)


def test_svg_fills_the_picture_and_is_centred():
    points = np.concatenate(paths_of(rendering.to_svg(HOUSE, 200)))
    low, high = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose(low + high, 200, atol=0.02)
    assert (high - low).max() == pytest.approx(200 * 0.82, abs=0.02)


def test_svg_is_drawn_as_strokes_with_round_ends():
    root = ET.fromstring(rendering.to_svg(HOUSE))
    group = root.find(f"{SVG}g")
    assert len(list(root.iter(f"{SVG}path"))) == 3
    assert group.attrib["stroke-linecap"] == "round"
    assert group.attrib["stroke-linejoin"] == "round"
    assert group.attrib["fill"] == "none"
    assert not root.findall(f".//{SVG}rect")


def test_svg_numbers_are_short():
    path = next(ET.fromstring(rendering.to_svg(HOUSE)).iter(f"{SVG}path"))
    for number in path.attrib["d"].strip("M").replace("L", " ").split():
        assert len(number.partition(".")[2]) <= 2
        assert not number.endswith(".0")


def test_svg_of_a_point_is_a_dot_in_the_middle():
    (points,) = paths_of(rendering.to_svg(DOT, 100))
    np.testing.assert_array_equal(points, [[50, 50], [50, 50]])


def test_svg_title_is_the_category_escaped():
    svg = rendering.to_svg(sketch_of(SQUARE, category=NASTY))
    assert texts_of(svg, "title") == ['a<b & "c" ]]>   ']
    svg.encode()
    assert (
        texts_of(rendering.to_svg(sketch_of(SQUARE, category="")), "title")
        == []
    )


def test_svg_is_read_as_a_drawing(tmp_path):
    rendering.save({"house": [HOUSE]}, tmp_path / "house.svg")
    intake = Intake(report=SkipReport(strict=True))
    (drawing,) = read_drawings(str(tmp_path), intake)
    assert drawing.stroke3[:, 2].sum() == 3
    assert np.abs(drawing.stroke3[0]).max() <= 255


def test_sheet_svg_has_every_stroke_and_label():
    rows = {NASTY: [HOUSE, EMPTY], "b": [DOT, HOUSE, HOUSE], "none": []}
    svg = rendering.sheet_svg(rows, cell=60)
    assert len(paths_of(svg)) == 3 * 3 + 1
    assert texts_of(svg, "text") == ['a<b & "c" ]]>   ', "b", "none"]
    assert 'text-anchor="end"' in svg  # labels end where the sheet says
    width, height = rendering.sheet_png(rows, cell=60).size
    assert ET.fromstring(svg).attrib["viewBox"] == f"0 0 {width} {height}"


def test_sheet_svg_and_sheet_png_agree():
    rows = {"a": [HOUSE, EMPTY, HOUSE], "long label": [EMPTY, DOT]}
    ink = darkness(rendering.sheet_png(rows))
    for x, y in np.concatenate(paths_of(rendering.sheet_svg(rows))):
        assert ink[int(y), int(x)] > 100


# --- PNG --------------------------------------------------------------------


def test_png_is_dark_on_white_and_smooth():
    image = rendering.to_png(sketch_of([[0, 0], [100, 60]]), 200)
    grey = np.asarray(image)
    assert image.size == (200, 200)
    assert (grey == 255).mean() > 0.9
    assert (grey < 40).sum() > 200
    assert len(np.unique(grey)) > 10


def test_png_shows_all_strokes_whatever_the_scale():
    ink = darkness(rendering.to_png(HOUSE))
    small = Sketch(HOUSE.stroke3 * np.float32([0.01, 0.01, 1]))
    difference = darkness(rendering.to_png(small)) - ink
    assert np.abs(difference).mean() < 1
    assert ink[:128].any() and ink[128:].any()


def test_sheet_png_has_ink_in_its_cells_only():
    rows = {"": [HOUSE, EMPTY, HOUSE], " ": [EMPTY]}
    image = rendering.sheet_png(rows, cell=60)
    assert image.size == (3 * 60 + 20, 2 * 60 + 20)  # padding 10, no labels
    ink = darkness(image)
    cells = ink[10:130, 10:190].reshape(2, 60, 3, 60).any(axis=(1, 3))
    np.testing.assert_array_equal(cells, [[1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(ink[10:70, 10:70], ink[10:70, 130:190])
    assert ink.sum() == ink[10:130, 10:190].sum()


def test_sheet_png_shows_labels_left_of_their_rows():
    image = rendering.sheet_png({"": [EMPTY], "owl": [EMPTY]}, cell=60)
    ink = darkness(image)
    assert image.height == 140
    assert not ink[:70].any()
    rows, columns = np.nonzero(ink[70:130, :-60])
    assert abs(rows.mean() - 30) < 2.5
    assert columns.max() < image.width - 60 - 10
    assert ink.max() < 180  # less than the drawings'


def test_long_labels_are_shortened():
    width = rendering.sheet_png({"w" * 500: [EMPTY]}, cell=60).width
    assert width < 2.5 * 60 + 60 + 40
    (label,) = texts_of(rendering.sheet_svg({"w" * 500: []}, cell=60), "text")
    assert label.startswith("www") and label.endswith("…")


@pytest.mark.parametrize("finished", [True, False])
def test_unfinished_sketches_are_marked_on_sheets(finished):
    sketch = sketch_of([[0, 0], [9, 0]], finished=finished)
    ink = darkness(rendering.sheet_png({"": [sketch]}, cell=96))
    corner = ink[16 + 80 : 16 + 96, 16 + 80 : 16 + 96]
    assert corner.any() == (not finished)
    assert corner.max() < 100
    svg = rendering.sheet_svg({"": [sketch]})
    assert ("polygon" in svg) == (not finished)


# --- GIF --------------------------------------------------------------------


def test_gif_draws_point_by_point(tmp_path):
    path = tmp_path / "new folder" / "house.gif"
    rendering.to_gif(HOUSE, path, size=128, frame_ms=50)
    frames, durations = frames_of(path)
    assert durations == [50] * 9 + [2000]  # nine points, then at rest
    assert frames[0].size == (128, 128)
    points = np.concatenate(paths_of(rendering.to_svg(HOUSE, 128)))
    for frame, (x, y) in zip(frames[:-1], points[:9], strict=True):
        rows, columns = np.nonzero(redness(frame))
        assert abs(columns.mean() - x) < 1 and abs(rows.mean() - y) < 1
    ink = [(np.asarray(frame).max(axis=-1) < 100).sum() for frame in frames]
    square_top = int(points[0, 1])
    assert not (darkness(frames[4])[: square_top - 4] > 100).any()  # no roof
    # The drawing only grows, but the pen covers a little of it.
    assert all(after >= before - 25 for before, after in pairwise(ink))
    assert ink[0] < 10 < ink[3] < ink[-1]


def test_gif_pauses_where_the_pen_stays(tmp_path):
    still = sketch_of([[0, 0], [9, 9], [9, 9], [9, 9], [0, 9]])
    rendering.to_gif(still, tmp_path / "a.gif", frame_ms=50)
    assert frames_of(tmp_path / "a.gif")[1] == [50, 150, 50, 2000]


def test_gif_ends_with_the_whole_drawing_and_no_pen(tmp_path):
    rendering.to_gif(HOUSE, tmp_path / "a.gif", size=128)
    last = frames_of(tmp_path / "a.gif")[0][-1]
    assert not redness(last).any()
    difference = darkness(last) - darkness(rendering.to_png(HOUSE, 128))
    assert np.abs(difference).max() <= 8  # half a step of 16 shades


def test_gif_of_many_points_has_a_bounded_number_of_frames(tmp_path):
    angle = np.linspace(0, 20, 500)
    spiral = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)
    sketch = sketch_of(spiral)
    rendering.to_gif(sketch, tmp_path / "a.gif", size=64)
    frames, durations = frames_of(tmp_path / "a.gif")
    assert 90 < len(frames) <= 121
    assert durations[-1] == 2000
    difference = darkness(frames[-1]) - darkness(rendering.to_png(sketch, 64))
    assert np.abs(difference).max() <= 8


def test_gif_of_a_large_sheet_has_fewer_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(gif, "_MAX_PIXELS", 10 * 64 * 64)
    sketch = sketch_of(np.random.default_rng(0).normal(size=(100, 2)))
    rendering.to_gif(sketch, tmp_path / "a.gif", size=64)
    assert len(frames_of(tmp_path / "a.gif")[0]) == 10 + 1


def test_gif_of_a_sheet_draws_all_at_once(tmp_path):
    short = sketch_of([[0, 0], [1, 3], [5, 0]], finished=False)
    rows = {"a": [HOUSE, short], "b": [EMPTY]}
    rendering.save(rows, tmp_path / "a.gif")
    frames, durations = frames_of(tmp_path / "a.gif")
    sheet = rendering.sheet_png(rows)
    assert len(frames) == 9 + 1
    assert durations[-1] == 2000
    assert np.abs(darkness(frames[-1]) - darkness(sheet)).max() <= 8
    mark = (slice(13 + 82, 13 + 96), slice(-13 - 14, -13))
    marked = [darkness(frame)[mark].any() for frame in frames]
    assert marked == [False] * 2 + [True] * 8  # once it is cut off
    halves = [np.hsplit(redness(frame)[:, -205:-13], 2) for frame in frames]
    pens = [[half.any() for half in both] for both in halves]
    assert pens == [[True, True]] * 3 + [[True, False]] * 6 + [[False] * 2]


def test_numbers_that_are_not_finite_are_refused():
    broken = Sketch(np.array([[np.nan, 0, 1]], np.float32))
    for render in (rendering.to_svg, rendering.to_png, rendering.to_ndjson):
        with pytest.raises(ValueError, match="finite"):
            render(broken)
