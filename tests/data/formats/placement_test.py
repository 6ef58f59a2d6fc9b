"""Where drawings go: canvases, whole drawings and parts, density."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.data.formats.placement import (
    Placement,
    is_dense,
    parse_canvas,
)
from sketcher_tf.schema import Factor, Schema
from sketcher_tf.strokes import Lines, bounds, stroke3_to_polylines

SCHEMA = Schema((Factor("category", ("cat",)),), 30.0, 40, 64)
LABELS = {"category": "cat"}


def circle(size, at=(0.0, 0.0), points=121):
    turn = np.linspace(0, 2 * np.pi, points)
    unit = np.column_stack([np.cos(turn), np.sin(turn)]) / 2 + 0.5
    return unit * size + at


def read(lines, *, recorded=False, own=None, strict=False, **placement):
    """What a model gets to see, as lines, and the report."""
    rules = Rules.of_model(SCHEMA, Placement(**placement))
    intake = Intake(rules, SkipReport(strict))
    drawing = intake.polylines(
        Lines.join(lines), LABELS, "a:1", canvas=own, recorded=recorded
    )
    return stroke3_to_polylines(drawing.stroke3), intake.report


def box(lines):
    low, high = bounds(lines)
    return np.round([*low, *high]).tolist()


HEAD = circle(80, (160, 100))


@pytest.mark.parametrize("recorded", [False, True])
def test_a_part_keeps_its_place_and_size_with_times_or_without(recorded):
    lines, report = read([HEAD], recorded=recorded, whole=False)
    assert box(lines) == [160, 100, 240, 180]
    assert 10 < len(lines[0]) < 40  # of 121
    assert not report.notes


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        # 255 / 400 of what it was
        ({"canvas": (400.0, 300.0)}, [102, 64, 153, 115]),
        ({"canvas": (100.0, 400.0)}, [102, 64, 153, 115]),
        ({"fit": True}, [0, 0, 255, 255]),
        ({"fit": True, "canvas": (400.0, 300.0)}, [0, 0, 255, 255]),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_canvas_or_a_fit_stands_above_all(
    recorded, placement, expected, whole
):
    lines, _ = read([HEAD], recorded=recorded, whole=whole, **placement)
    assert box(lines) == pytest.approx(expected, abs=1)
    assert len(lines[0]) < 60


def test_the_files_own_canvas_is_that_of_a_part():
    lines, _ = read([HEAD], recorded=True, own=(400, 200), whole=False)
    assert box(lines) == pytest.approx([102, 64, 153, 115], abs=1)
    lines, _ = read([HEAD], recorded=True, own=(400, 200), whole=True)
    assert box(lines) == [0, 0, 255, 255]


@pytest.mark.parametrize("size", [0.001, 1.0, 255.0, 4e4])
def test_whole_drawings_are_simplified_in_their_own_units(size):
    """By density alone, whatever the unit is; and left where they are."""
    place = (3 * size, size)
    lines, _ = read([circle(size, place)])
    assert len(lines[0]) == len(read([circle(255)])[0][0]) < 40
    low, high = bounds(lines)
    np.testing.assert_allclose(low, place, atol=0.01 * size)
    np.testing.assert_allclose(high - low, size, rtol=0.01)


def test_simplified_drawings_are_left_as_they_are():
    corners = circle(255, points=20)
    assert not is_dense(Lines.join([corners]), 255.0)
    lines, _ = read([corners, corners[:2]])
    np.testing.assert_allclose(lines[0], corners, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "whole", "told"),
    [
        (255, True, False),
        (128, True, False),
        (360, True, False),
        (480, True, True),
        (0.9, True, True),
        (40, True, True),
        (40, False, False),  # a nose, say
        (0.9, False, True),
        (1080, False, True),
    ],
)
def test_a_size_far_from_the_models_is_told(size, whole, told):
    _, report = read([circle(size, points=20)], whole=whole)
    assert bool(report.notes) == told
    if told:
        [message] = report.messages()
        seen = message.rpartition(" to ")[2].partition(",")[0]
        assert float(seen) == pytest.approx(size, rel=0.02)
        assert "255" in message
        assert "--canvas" in message
        assert "--fit" in message


def test_too_many_points_are_simplified_further_unless_strict():
    rng = np.random.default_rng(0)
    scribble = rng.uniform(0, 255, (300, 2))
    lines, report = read([scribble])
    assert 30 < len(lines[0]) <= 40
    assert "simplified further, to the model's 40" in report.messages()[0]
    with pytest.raises(BadDrawingError, match="300 points > 40"):
        read([scribble], strict=True)
    with pytest.raises(BadDrawingError, match="300 points > 40"):
        Intake(Rules(40)).polylines(Lines.join([scribble]), LABELS, "a:1")


def test_endless_ink_is_refused():
    back_and_forth = np.array([[0, 0], [255, 255]] * 1000)
    with pytest.raises(BadDrawingError, match="too long"):
        read([back_and_forth], recorded=True)


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_a_canvas_is_two_numbers(width, height):
    for sign in "xX*, ":
        if sign != " ":
            text = f" {width:f} {sign}{height:f}"
            expected = pytest.approx((width, height), abs=1e-6)
            assert parse_canvas(text) == expected
    assert parse_canvas(None) is None


@pytest.mark.parametrize("text", ["", "400", "0x9", "axb", "4x-3", "nanx1"])
def test_other_canvases_are_refused(text):
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        parse_canvas(text)
