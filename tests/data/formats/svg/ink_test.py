"""What of the paint is the pen's: strokes, their pieces, and dots."""

import numpy as np
import pytest

from tests.data.formats.svg.paint_test import LINE, strokes

DOT = '<circle cx="50" cy="80" r="1.5" fill="black"/>'


@pytest.mark.parametrize(
    "dot",
    [
        DOT,
        '<ellipse cx="50" cy="80" rx="1.5" ry="1.4"/>',
        '<path d="M48.5 80a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0z"/>',
        '<rect x="48.5" y="78.5" width="3" height="3" rx="1.5"/>',
        '<circle cx="50" cy="80" r="1.5" fill="red" stroke="red"/>',
        '<circle cx="50" cy="80" r="1" fill="none" stroke="red" '
        'stroke-width="2"/>',
        '<path d="M50 80h0" stroke="red" stroke-linecap="round"/>',
        '<line x1="50" y1="80" x2="50" y2="80" stroke="red" '
        'style="stroke-linecap: square"/>',
    ],
)
def test_filled_circles_between_strokes_are_dots(tmp_path, dot):
    body = f'<g stroke-width="2">{LINE}</g>{dot}'
    line, point = strokes(tmp_path, body)
    assert line[0] == [0, 0]
    assert point[0] == point[1]
    np.testing.assert_allclose(point[0], [40 * 255 / 70, 255], atol=3)


@pytest.mark.parametrize(
    "other",
    [
        '<circle cx="50" cy="60" r="30" fill="gold"/>',
        '<rect x="48" y="78" width="3" height="3"/>',
        '<path d="M40 80h9l-3 2z"/>',
        DOT.replace("black", "none"),
        '<path d="M50 80h0" stroke="red"/>',
    ],
)
def test_other_fills_between_strokes_are_decoration(tmp_path, other):
    assert len(strokes(tmp_path, LINE + other)) == 1


def test_pieces_are_joined_in_order_only(tmp_path):
    def line(*ends):
        return '<path d="M{} {}L{} {}" stroke="red" fill="none"/>'.format(*ends)

    body = line(0, 0, 50, 0) + line(50.001, 0, 50, 50) + line(50, 50, 0, 50)
    assert strokes(tmp_path, body) == [[[0, 0], [255, 0], [255, 255], [0, 255]]]
    body = line(0, 0, 50, 0) + line(50, 50, 0, 50) + line(50, 0, 50, 50)
    assert len(strokes(tmp_path, body)) == 3
    body = line(0, 0, 50, 0) + line(52, 0, 50, 50)
    assert len(strokes(tmp_path, body)) == 2


def test_a_closed_shape_is_a_stroke_of_its_own(tmp_path):
    body = (
        '<g fill="none" stroke="red"><rect width="50" height="50"/>'
        '<path d="M0 0L50 50"/><path d="M50 50L0 50z"/></g>'
    )
    assert len(strokes(tmp_path, body)) == 3


def test_one_path_may_be_several_dots(tmp_path):
    eye = "M{} 80a1.5 1.5 0 1 1-3 0a1.5 1.5 0 0 1 3 0"
    eyes = f'<path d="{eye.format(30)}{eye.format(60)}"/>'
    lines = strokes(tmp_path, LINE + eyes)
    assert len(lines) == 3
    assert all(one == other for one, other in lines[1:])
    bar = f'<path d="{eye.format(30)}M40 50H60V52H40Z"/>'
    assert len(strokes(tmp_path, LINE + bar)) == 1
