"""Filled shapes are drawn by their centre lines or outlines, if alone."""

import numpy as np
import pytest

from tests.data.formats.svg.ink_test import DOT
from tests.data.formats.svg.paint_test import (
    BOX,
    LINE,
    document,
    read,
    strokes,
)

FILL = (
    '<path d="M0 1Q20 3 40 5 60 8 80 10Q81 11 80 12 60 10 40 7 20 5 0 3'
    'Q-1 2 0 1Z"/>'
)


def test_pens_of_filled_outlines_become_their_centre_line(tmp_path):
    lines, report = read(tmp_path, document(FILL))
    [line] = lines
    assert 2 <= len(line) < 6
    np.testing.assert_allclose(line[0], [0, 1], atol=6)
    np.testing.assert_allclose(line[-1], [255, 28], atol=6)
    assert "centre lines of the fills" in report.messages()[0]


def test_without_scikit_image_outlines_are_taken(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skimage.morphology", None)
    lines, report = read(tmp_path, document(FILL))
    assert lines[0][0] == lines[0][-1]
    assert "scikit-image" in report.messages()[0]


def test_the_page_and_its_colour_are_no_fill_of_the_drawing(tmp_path):
    page = BOX.format('fill="white"')
    white = '<rect x="20" y="30" width="9" height="9" fill="#fff"/>'
    plain = strokes(tmp_path, FILL)
    assert strokes(tmp_path, page + FILL) == plain
    assert strokes(tmp_path, page + FILL + white) == plain
    dark = BOX.format('fill="black"') + FILL.replace(
        "<path", '<path fill="#fff"'
    )
    assert strokes(tmp_path, dark) == plain
    no_canvas = (
        '<rect x="-5" y="-5" width="99" height="99" fill="#eee"/>' + FILL
    )
    assert strokes(tmp_path, no_canvas, "") == plain


def test_a_ring_is_a_closed_line_and_a_disc_an_outline(tmp_path):
    ring = (
        '<path fill-rule="evenodd" d="M0 50a50 50 0 1 1 100 0a50 50 0 1 1-100 0'
        'zM6 50a44 44 0 1 1 88 0a44 44 0 1 1-88 0z"/>'
    )
    [line] = strokes(tmp_path, ring)
    away = np.hypot(*(np.array(line) - 127.5).T)
    assert np.abs(away - 127.5).max() < 8
    assert np.abs(np.subtract(line[0], line[-1])).max() < 12
    [line] = strokes(tmp_path, '<circle cx="50" cy="50" r="50"/>')
    assert line[0] == line[-1]
    np.testing.assert_allclose(
        np.hypot(*(np.array(line) - 127.5).T), 127.5, atol=3
    )


def test_dots_among_filled_pens_stay_dots(tmp_path):
    lines = strokes(tmp_path, FILL + DOT)
    assert len(lines) == 2
    assert lines[1][0] == lines[1][1]


def test_a_fork_is_followed_straight_on(tmp_path):
    cross = '<path d="M48 0h4v48h48v4h-48v48h-4v-48h-48v-4h48z"/>'
    lines = strokes(tmp_path, cross)
    lengths = sorted(
        float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines
    )
    assert lengths[-1] == pytest.approx(255, abs=20)
    assert sum(lengths) == pytest.approx(510, abs=40)


def test_a_centre_line_has_no_stairs(tmp_path):
    ring = (
        '<path fill-rule="evenodd" d="M50 10a40 40 0 1 0 .01 0z'
        'M50 18a32 32 0 1 1-.01 0z"/>'
    )
    [line] = strokes(tmp_path, ring)
    assert line[0] == line[-1]
    away = np.hypot(*(np.array(line) - 127.5).T)
    assert away.max() - away.min() < 9
    bends = np.diff(np.unwrap(np.arctan2(*np.diff(line, axis=0).T)))
    assert (np.sign(bends) == np.sign(bends[0])).all()


CLIP = '<clipPath id="c"><path d="M20 0h60v100h-60z"/></clipPath>'


@pytest.mark.parametrize(
    ("whole", "seen"),
    [
        ('<path d="M0 50h100v4h-100z" {}/>', '<path d="M20 50h60v4h-60z"/>'),
        (
            '<circle cx="80" cy="50" r="30" {}/>',
            '<path d="M80 20a30 30 0 0 0 0 60z"/>',
        ),
    ],
    ids=["line", "area"],
)
def test_of_partly_hidden_fills_the_seen_part_is_drawn(tmp_path, whole, seen):
    other = '<path d="M30 0h40v4h-40z"/>'  # so that the size is the same
    [wanted, _] = strokes(tmp_path, seen + other)
    clipped = CLIP + whole.format('clip-path="url(#c)"')
    moved = whole.format('transform="translate(-20)"')
    for body in (clipped, f'<svg x="20" width="60">{moved}</svg>'):
        [found, _] = strokes(tmp_path, body + other)
        size = np.ptp(wanted, axis=0)
        np.testing.assert_allclose(np.ptp(found, axis=0), size, atol=5)
        low = np.min(wanted, axis=0)
        np.testing.assert_allclose(np.min(found, axis=0), low, atol=5)


def test_fills_like_lines_beside_strokes_are_told(tmp_path):
    lines, report = read(tmp_path, document(LINE + FILL))
    assert len(lines) == 1
    assert "without the fills that look like lines" in report.messages()[0]
    disc = '<circle cx="50" cy="50" r="30"/>'
    _, report = read(tmp_path, document(LINE + disc))
    assert not report.messages()
