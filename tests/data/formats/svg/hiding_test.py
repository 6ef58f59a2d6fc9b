"""What lies below something else is drawn as far as it is seen."""

import numpy as np
import pytest

from tests.data.formats.svg.paint_test import strokes

FRAME = '<path d="M0 0H100V100H0Z" fill="none" stroke="#000"/>'
BELOW = '<path d="M10 50H90" stroke="#000"/>'
SQUARE = '<path d="M30 30H70V70H30Z" {}/>'
PARTS = [(10, 30), (70, 90)]  # of the line, left and right of the square


def spans(lines):
    """From where to where the pieces of a horizontal line go."""
    return [
        tuple(sorted(x * 100 / 255 for x, _ in line))
        for line in lines
        if np.ptp(line, axis=0)[1] == 0
    ]


def below(folder, above):
    return spans(strokes(folder, FRAME + BELOW + above))


@pytest.mark.parametrize(
    "above",
    [
        SQUARE.format('fill="#fff" stroke="#000"'),
        SQUARE.format('fill="#e44"'),
        SQUARE.format('fill="#e44" stroke="#000" transform="translate(0 9)"'),
        f"<g fill='#fff' stroke='#000'>{SQUARE.format('')}</g>",
        '<rect x="30" y="20" width="40" height="60" fill="#fff"/>',
        '<path d="M50 20V80" stroke="#fff" stroke-width="40"/>',
    ],
)
def test_an_area_on_top_hides_a_line(tmp_path, above):
    found = below(tmp_path, above)
    found = [one for one in found if one[0] < 29 or one[1] > 71]
    np.testing.assert_allclose(found, PARTS, atol=1.5)


@pytest.mark.parametrize(
    "above",
    [
        SQUARE.format('fill="none" stroke="#000"'),
        SQUARE.format('fill="#fff" fill-opacity=".5"'),
        SQUARE.format('fill="#fff" opacity=".5"'),
        SQUARE.format('fill="url(#g)"')
        + '<linearGradient id="g"><stop stop-color="red"/>'
        '<stop stop-opacity="0"/></linearGradient>',
        SQUARE.format('fill="url(#p)"') + '<pattern id="p" width="4"/>',
        SQUARE.format('fill="#fff" style="mix-blend-mode: multiply"'),
        SQUARE.format('fill="#000"'),  # of the same colour: nobody sees a gap
        '<path d="M48 10L52 10L52 90L48 90Z" fill="#e44"/>',  # a pen's line
        '<path d="M50 10V90" stroke="#e44" stroke-width="9"/>',
        '<clipPath id="c"><path d="M0 0H9V9H0Z"/></clipPath>'
        + SQUARE.format('fill="#fff" clip-path="url(#c)"'),
    ],
)
def test_what_lets_a_line_be_seen_does_not_cut_it(tmp_path, above):
    assert (10, 90) in [
        tuple(round(x) for x in one) for one in below(tmp_path, above)
    ]


def test_an_area_below_hides_nothing(tmp_path):
    lines = strokes(tmp_path, FRAME + SQUARE.format('fill="#e44"') + BELOW)
    np.testing.assert_allclose(spans(lines), [(10, 90)], atol=1)


def test_an_outline_is_seen_beside_the_fill_that_it_surrounds(tmp_path):
    thick = SQUARE.format('fill="none" stroke="#000" stroke-width="4"')
    lines = strokes(tmp_path, FRAME + thick + SQUARE.format('fill="#abc"'))
    assert len(lines) == 2
    assert len(lines[1]) == 5


def test_a_dot_is_hidden_too(tmp_path):
    dot = '<circle cx="50" cy="50" r="1.5"/>'
    white = SQUARE.format('fill="#fff"')
    assert len(strokes(tmp_path, FRAME + dot)) == 2
    assert len(strokes(tmp_path, FRAME + dot + white)) == 1
    assert len(strokes(tmp_path, FRAME + white + dot)) == 2
