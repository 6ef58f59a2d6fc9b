import gzip
import itertools
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sketcher_tf.data.formats.checks import Intake, Rules
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.data.formats.svg import read_svg
from sketcher_tf.strokes import stroke3_to_polylines

LINE = '<line x1="0" y1="0" x2="10" y2="4"/>'
DIAGONAL = [[0, 0], [255, 102]]


def document(body, **attributes):
    named = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'fill="none" stroke="black"{named}>{body}</svg>'
    )


def read(folder, text, rules=None, strict=False):
    path = folder / "drawing.svg"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    intake = Intake(rules or Rules(), SkipReport(strict))
    return list(read_svg(path, "cat", intake)), intake.report.causes


def strokes(folder, body, **attributes):
    (drawing,), causes = read(folder, document(body, **attributes))
    assert not causes
    lines = stroke3_to_polylines(drawing.stroke3)
    return [line.astype(int).tolist() for line in lines]


def test_a_drawing_has_the_category_and_a_key_of_its_points(tmp_path):
    (first,), _ = read(tmp_path, document(LINE))
    (second,), _ = read(tmp_path, document(f"<g>{LINE}</g>"))
    (third,), _ = read(tmp_path, document(LINE * 2))
    assert first.labels == {"category": "cat"}
    assert first.key == second.key != third.key


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (LINE, [DIAGONAL]),
        (
            '<polyline points="0,0 10,0 10,4"/>',
            [[[0, 0], [255, 0], [255, 102]]],
        ),
        (
            '<polygon points="0,0 10,0 10,4"/>',
            [[[0, 0], [255, 0], [255, 102], [0, 0]]],
        ),
        (
            '<rect x="3" y="4" width="10" height="4"/>',
            [[[0, 0], [255, 0], [255, 102], [0, 102], [0, 0]]],
        ),
        ('<path d="M0 0 L 10 4"/>', [DIAGONAL]),
        ('<path d="m5 5 h10 v4 z"/>', [[[0, 0], [255, 0], [255, 102], [0, 0]]]),
        (
            '<path d="M0 0 H10 M0 4 H5"/>',
            [[[0, 0], [255, 0]], [[0, 102], [128, 102]]],
        ),
        (
            '<path d="M0 0 H10 V4 z L5 4"/>',
            [[[0, 0], [255, 0], [255, 102], [0, 0], [128, 102]]],
        ),
        ('<path d="M7 7 M0 0 L10 4 M9 9"/>', [DIAGONAL]),
        (
            '<path stroke-linecap="round" d="M5 9h0M0 0L10 4"/>',
            [[[128, 230], [128, 230]], DIAGONAL],
        ),
    ],
)
def test_straight_shapes(tmp_path, body, expected):
    assert strokes(tmp_path, body) == expected


@pytest.mark.parametrize(
    ("body", "curve"),
    [
        (
            '<circle cx="7" cy="9" r="5"/>',
            lambda x, y: np.hypot(x - 127.5, y - 127.5) - 127.5,
        ),
        (
            '<ellipse rx="10" ry="5"/>',
            lambda x, y: 64 * (np.hypot(x / 127.5 - 1, y / 63.75 - 1) - 1),
        ),
        (
            '<path d="M0 0 A5 5 0 0 1 10 0"/>',
            lambda x, y: np.hypot(x - 127.5, y - 127.5) - 127.5,
        ),
        (
            '<path d="M0 0 Q5 10 10 0"/>',
            lambda x, y: y - 127.5 * (1 - (x / 127.5 - 1) ** 2),
        ),
        (
            '<path d="M0 0 C3.3333333 6.6666667 6.6666667 6.6666667 10 0"/>',
            lambda x, y: y - 127.5 * (1 - (x / 127.5 - 1) ** 2),
        ),
    ],
)
def test_curves_are_followed(tmp_path, body, curve):
    (line,) = strokes(tmp_path, body)
    x, y = np.array(line).T
    assert 5 < len(line) < 40
    assert np.ptp(x) == 255
    assert np.abs(curve(x, y)).max() < 2  # rounding, on a slope of up to 2


def test_a_small_part_of_a_big_arc_is_not_lost(tmp_path):
    (line,) = strokes(tmp_path, '<path d="M0 0 A50 50 0 1 1 0 0.001"/>')
    corners = np.array(line)
    middles = (corners[1:] + corners[:-1]) / 2
    center = (corners.max(axis=0) + corners.min(axis=0)) / 2
    for points_on in (corners, middles):
        away = np.hypot(*(points_on - center).T) - 127.5
        assert np.abs(away).max() < 4  # 2 of them for the simplification


@pytest.mark.parametrize(
    "body",
    [
        '<line x2="4" y2="10" transform="rotate(-90) scale(-1 1)"/>',
        f'<g transform="scale(3)"><g transform="translate(4)">{LINE}</g></g>',
        f'<g transform="matrix(2 0 0 2 9 9)">{LINE}</g>',
        '<line x2="10" y2="10" transform="scale(1 .4)"/>',
        f'<svg x="3" width="50" height="50" viewBox="0 0 5 5">{LINE}</svg>',
        f'<defs><g id="a">{LINE}</g></defs><use xlink:href="#a" x="9"/>',
        f'<defs><g id="a">{LINE}</g></defs><use href="#a" x="9"/>',
        f'<symbol id="a">{LINE}</symbol><use href="#a"/>',
    ],
)
def test_transforms_and_references_are_honoured(tmp_path, body):
    assert strokes(tmp_path, body) == [DIAGONAL]


def test_transforms_place_shapes_against_each_other(tmp_path):
    body = f'{LINE}<g transform="translate(10 0) scale(2)">{LINE}</g>'
    assert strokes(tmp_path, body, viewBox="0 0 30 9") == [
        [[0, 0], [85, 34]],
        [[85, 0], [255, 68]],
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "<defs>{}</defs>",
        "<symbol>{}</symbol>",
        "<marker>{}</marker>",
        "<mask>{}</mask>",
        "<clipPath>{}</clipPath>",
        '<g display="none">{}</g>',
        '<g visibility="hidden">{}</g>',
        '<g style="visibility: collapse">{}</g>',
        "<path/>",
        "<text>words</text>",
        '<image href="file:///etc/hostname" width="500" height="500"/>',
    ],
)
def test_what_is_not_drawn_is_left_out(tmp_path, hidden):
    other = hidden.format('<path d="M-9 -9 L50 60"/>')
    assert strokes(tmp_path, other + LINE) == [DIAGONAL]


def test_a_path_is_drawn_up_to_its_error(tmp_path):
    assert strokes(tmp_path, '<path d="M0 0 L10 4 what 7"/>') == [DIAGONAL]


def test_a_file_without_namespace_or_packed_is_read(tmp_path):
    plain = f'<svg stroke="red">{LINE}</svg>'
    assert len(read(tmp_path, plain)[0]) == 1
    assert len(read(tmp_path, gzip.compress(plain.encode(), mtime=0))[0]) == 1


def entities(count):
    """The billion laughs: each entity is the one before, ten times."""
    lines = ['<!ENTITY e0 "ha">']
    for i in range(count):
        lines.append(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">')
    return f"<!DOCTYPE svg [{''.join(lines)}]>"


def nested_uses(count, href="href"):
    groups = [f'<g id="g0">{LINE}</g>']
    for i in range(count):
        uses = f'<use {href}="#g{i}"/>' * 10
        groups.append(f'<g id="g{i + 1}">{uses}</g>')
    return f"<defs>{''.join(groups)}</defs><use {href}='#g{count}'/>"


@pytest.mark.parametrize(
    ("text", "cause", "line"),
    [
        ("", "malformed SVG", 1),
        ("\n\n<svg", "malformed SVG", 3),
        ("<svg>\n<g>\n</svg>", "malformed SVG", 3),
        ("<svg>&what;</svg>", "malformed SVG", 1),
        ("<html><body/></html>", "malformed SVG: the root must be <svg>", 1),
        (gzip.compress(b"<svg></svg>", mtime=0)[:-9], "malformed SVG", 1),
        (document('<g transform="skewX(a)"/>'), "malformed SVG", 1),
        (document('<rect transform="matrix(1 2)"/>'), "malformed SVG", 1),
        (document('<path d="L5 5"/>'), "malformed SVG", 1),
        (document('<path d="M0 0 h()4"/>'), "malformed SVG", 1),
        (document('<g transform="rotate(1e400)"/>'), "malformed SVG", 1),
        (document('<path d="M0 0 A1e-300 1 0 0 1 5 5"/>'), "malformed SVG", 1),
        (f"{entities(12)}<svg>&e12;</svg>", "malformed SVG", 1),
        (f"{entities(12)}<svg><path d='&e12;'/></svg>", "malformed SVG", 1),
        (document(nested_uses(12)), "malformed SVG", 1),
        (document(nested_uses(12, "xlink:href")), "malformed SVG", 1),
        (document('<g id="a"><use href="#a"/></g>'), "no points", 1),
        (document("<g>" * 50_000 + "</g>" * 50_000), "malformed SVG", 1),
        (document(""), "no points", 1),
        (document("<text>words</text>"), "no points", 1),
        (
            document('<path d="M5 5 h0" stroke-linecap="round"/>'),
            "one point",
            1,
        ),
        (document('<path d="M5 5 h0"/>'), "no points", 1),
        (document('<path d="M0 0 L1e39 5"/>'), "not finite", 1),
        (document('<path d="M0 0 L1e999 5"/>'), "not finite", 1),
        (document(LINE * 6), "too long", 1),
    ],
)
def test_a_bad_file_is_counted_or_raised(tmp_path, text, cause, line):
    start = time.monotonic()
    found, causes = read(tmp_path, text, Rules(max_seq_len=10))
    assert time.monotonic() - start < 60  # a bomb would never end
    assert not found
    assert causes == {cause.partition(":")[0]: 1}
    with pytest.raises(BadDrawingError, match=rf"drawing\.svg:{line}: {cause}"):
        read(tmp_path, text, Rules(max_seq_len=10), strict=True)


def test_other_categories_are_counted_unread(tmp_path):
    rules = Rules(categories=frozenset({"dog"}))
    assert read(tmp_path, "broken", rules) == ([], {"unknown category": 1})


def test_uses_within_reason_are_drawn(tmp_path):
    assert strokes(tmp_path, nested_uses(1)) == [DIAGONAL] * 10


points = st.tuples(st.integers(0, 255), st.integers(0, 255))


@settings(deadline=None)
@given(st.lists(st.tuples(points, points), min_size=1, max_size=5))
def test_lines_round_trip(tmp_path_factory, lines):
    # With the box's corners given, no scaling is left to do.
    lines = [((0, 0), (255, 255)), *lines]
    assume(all(a[1] != b[0] for a, b in itertools.pairwise(lines)))
    body = "".join(
        f'<line x1="{a[0]}" y1="{a[1]}" x2="{b[0]}" y2="{b[1]}"/>'
        for a, b in lines
    )
    body = f'<g stroke-linecap="round">{body}</g>'
    found = strokes(tmp_path_factory.mktemp("svg"), body)
    assert found == [[list(a), list(b)] for a, b in lines]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("declared", ["", "utf-8", "UTF-16"])
def test_encodings_are_told_from_the_bytes(tmp_path, encoding, declared):
    text = document(f"<title>Ä</title>{LINE}")
    if declared:
        if declared == "UTF-16" and encoding != "utf-16":
            return
        text = f'<?xml version="1.0" encoding="{declared}"?>\n{text}'
    assert len(read(tmp_path, text.encode(encoding), strict=True)[0]) == 1
    assert len(read(tmp_path, b"\n " + text.encode("utf-8"))[0]) == (
        declared != "UTF-16"
    )
