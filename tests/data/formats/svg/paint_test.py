"""An SVG is read as a viewer shows it: paint, style sheets, clips and masks."""

import numpy as np
import pytest

from sketcher_tf.data.formats.checks import Intake
from sketcher_tf.data.formats.drawing import BadDrawingError, SkipReport
from sketcher_tf.data.formats.svg import read_svg
from sketcher_tf.strokes import stroke3_to_polylines

LINE = '<line x1="10" y1="10" x2="60" y2="30" stroke="#000"/>'
BOX = '<rect width="100" height="100" {}/>'  # what would be seen of a page
RED = BOX.format('stroke="red"')
BLACK = BOX.format("")


def document(body, attributes='viewBox="0 0 100 100"'):
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.'
        f'org/1999/xlink" {attributes}>{body}</svg>'
    )


def read(folder, text):
    path = folder / "drawing.svg"
    path.write_text(text)
    intake = Intake(report=SkipReport(strict=True))
    [drawing] = read_svg(path, "cat", intake)
    lines = stroke3_to_polylines(drawing.stroke3)
    return [line.astype(int).tolist() for line in lines], intake.report


def strokes(folder, body, *attributes):
    return read(folder, document(body, *attributes))[0]


def style(css, body):
    return f"<defs><style>{css}</style></defs>{body}"


HIDDEN = [
    # no paint
    BLACK,  # filled black, no stroke
    BOX.format('fill="white"'),
    BOX.format('fill="none"'),
    BOX.format('fill="none" stroke="none"'),
    BOX.format('stroke="transparent"'),
    BOX.format('stroke="rgba(0, 0, 0, 0)"'),
    BOX.format('stroke="#0000"'),
    BOX.format('stroke="#12345600"'),
    BOX.format('stroke="rgb(0 0 0 / 0%)"'),
    BOX.format('stroke="hsla(0, 0%, 0%, 0)"'),
    BOX.format('stroke="url(#nothing)"'),
    BOX.format('stroke="url(#nothing) none"'),
    BOX.format('stroke="no colour"'),
    BOX.format('stroke="currentColor" color="transparent"'),
    '<g color="#0000">' + BOX.format('stroke="currentColor"') + "</g>",
    # opacity and width
    BOX.format('stroke="red" opacity="0"'),
    BOX.format('stroke="red" opacity="0.0001"'),
    BOX.format('stroke="red" opacity="0%"'),
    BOX.format('stroke="red" stroke-opacity="0"'),
    BOX.format('stroke="red" style="stroke-opacity: 0"'),
    BOX.format('stroke="red" stroke-width="0"'),
    BOX.format('stroke="red" style="stroke-width:0px"'),
    '<g opacity="0">' + BOX.format('stroke="red" opacity="1"') + "</g>",
    '<g opacity=".03"><g opacity=".03">' + RED + "</g></g>",
    '<g stroke-opacity="0">' + RED + "</g>",
    '<g stroke-width="0">' + RED + "</g>",
    # display and visibility
    BOX.format('stroke="red" display="none"'),
    BOX.format('stroke="red" style="display:none"'),
    '<g style="display: none">' + BOX.format('style="display:inline"') + "</g>",
    '<g style="display:none">'
    + BOX.format('stroke="red" style="display:inline"')
    + "</g>",
    BOX.format('stroke="red" visibility="hidden"'),
    BOX.format('stroke="red" visibility="collapse"'),
    '<g visibility="hidden">' + RED + "</g>",
    # style sheets
    style(".a { stroke: none }", BOX.format('class="a" stroke="red"')),
    style("rect { display: none }", RED),
    style("#r { opacity: 0 }", BOX.format('id="r" stroke="red"')),
    style("g > rect { stroke: none }", f"<g>{RED}</g>"),
    style(".b.a, .c { stroke:none }", BOX.format('class="a b" stroke="red"')),
    style(
        ".a { stroke: none !important }",
        BOX.format('class="a" style="stroke: red"'),
    ),
    style(".a { stroke: red } .a { stroke: none }", BOX.format('class="a"')),
    style(
        "#i { stroke: none } .a { stroke: red }", BOX.format('id="i" class="a"')
    ),
    style("rect:not(.x) { visibility: hidden }", RED),
    style("@media print { rect { stroke: red } }", BLACK),
    style(
        "<![CDATA[ .a { display: none } ]]>",
        BOX.format('class="a" stroke="red"'),
    ),
    style(
        "/* .a {} */ @import 'x'; .a{display:none}",
        BOX.format('class="a" stroke="red"'),
    ),
    style(
        "@font-face { src: url(data:,} } .a{display:none}",
        BOX.format('class="b"'),
    ),
    # never rendered
    f"<defs>{RED}</defs>",
    f"<symbol>{RED}</symbol>",
    f"<clipPath>{RED}</clipPath>",
    f"<mask>{RED}</mask>",
    f"<marker>{RED}</marker>",
    f"<pattern>{RED}</pattern>",
    f"<metadata>{RED}</metadata>",
    f"<foreignObject>{RED}</foreignObject>",
    f'<i:grid xmlns:i="urn:other">{BLACK}</i:grid>',
    '<i:rect xmlns:i="urn:other" width="9" height="90" stroke="red"/>',
    '<font><glyph d="M0 0 L90 90" stroke="red"/></font>',
    # nothing left
    BOX.format('stroke="red" transform="scale(0)"'),
    BOX.format('stroke="red" transform="scale(1 0)"'),
    '<rect width="0" height="90" stroke="red"/>',
    '<circle r="0" stroke="red"/>',
    '<svg width="0" height="50">' + RED + "</svg>",
    '<svg viewBox="0 0 0 5">' + RED + "</svg>",
    # another child of a switch applies
    '<switch><rect width="9" height="9" requiredExtensions="x" stroke="red"/>'
    f"<g/>{RED}</switch>",
    # outside the canvas
    '<line x1="-50" y1="200" x2="90" y2="300" stroke="red"/>',
    # clips
    '<clipPath id="c"/>' + BOX.format('stroke="red" clip-path="url(#c)"'),
    '<clipPath id="c"><rect x="900" width="9" height="9"/></clipPath>'
    + BOX.format('stroke="red" clip-path="url(#c)"'),
    '<clipPath id="c"><rect x="900" width="9" height="9"/></clipPath>'
    + f'<g clip-path="url(#c)"><g>{RED}</g></g>',
    # the circle lies in the box of the line, and not on it
    '<clipPath id="c"><circle cx="80" cy="20" r="15"/></clipPath>'
    '<path d="M0 0L100 100" stroke="red" style="clip-path: url(#c)"/>',
    '<clipPath id="c"><rect width="9" height="9" display="none"/></clipPath>'
    + BOX.format('stroke="red" clip-path="url(#c)"'),
    '<clipPath id="c" transform="translate(500)"><rect width="99" height="99"/>'
    "</clipPath>" + BOX.format('stroke="red" clip-path="url(#c)"'),
    '<clipPath id="c" clipPathUnits="objectBoundingBox"/>'
    + BOX.format('stroke="red" clip-path="url(#c)"'),
    # the hole of an even-odd clip
    '<clipPath id="c"><path clip-rule="evenodd" d="M-9-9H200V200H-9z'
    'M-5-5H150V150H-5z"/></clipPath><path d="M0 0L99 50" stroke="red" '
    'clip-path="url(#c)"/>',
    # masks
    '<mask id="m"/>' + BOX.format('stroke="red" mask="url(#m)"'),
    '<mask id="m"><rect width="100" height="100" fill="black"/></mask>'
    + BOX.format('stroke="red" mask="url(#m)"'),
    '<mask id="m"><rect width="200" height="200" fill="#fff" opacity="0"/>'
    "</mask>" + BOX.format('stroke="red" mask="url(#m)"'),
    '<mask id="m"><rect x="300" width="9" height="9" fill="#fff"/></mask>'
    + BOX.format('stroke="red" mask="url(#m)"'),
    '<mask id="m"><rect x="-9" y="-9" width="200" height="200" fill="white"/>'
    '<rect x="-9" y="-9" width="200" height="200"/></mask>'
    + BOX.format('stroke="red" mask="url(#m)"'),
    # references that lead nowhere
    '<use href="#nothing"/>',
    '<use href="other.svg#a"/>',
    '<g id="loop"><use href="#loop"/></g>',
    # an eraser's line, in the colour of bare paper
    '<path d="M0 0L90 90" stroke="white" stroke-width="20"/>',
    '<path d="M0 0L90 90" stroke="#ffffff"/>',
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_nobody_sees_is_left_out(tmp_path, hidden):
    for body in (hidden + LINE, LINE + hidden):
        assert strokes(tmp_path, body) == [[[0, 0], [255, 102]]]


# ~ begins a path.
SEEN = [
    f'~ stroke="{paint}"/>'
    for paint in (
        "red",
        "#F00F",
        "currentColor",
        "rgb(1, 2, 3)",
        "hsl(120 50% 50%)",
        "RED",
        "url(#nothing) red",
        "var(--ink, red)",
        "var(--ink)",
        "context-stroke",
        "lab(50% 40 59)",
    )
] + [
    '<g stroke="red">~/></g>',
    '<g stroke="red" style="opacity:.5">~ stroke="inherit"/></g>',
    '<g visibility="hidden">~ visibility="visible" stroke="red"/></g>',
    '<g stroke="red">~ stroke="no colour"/></g>',
    '~ stroke="none" style="stroke: red"/>',
    '~ stroke="red" stroke-width=".01"/>',
    '~ stroke="red" stroke-width="1%" stroke-opacity="40%"/>',
    style(".a{stroke:red}", '~ class="b a"/>'),
    style(".a{stroke:red} .b{}", '<g class="a">~/></g>'),
    style("@media screen {.a{stroke:red}}", '~ class="a"/>'),
    style("a:::b{} .a{stroke:red}", '~ class="a"/>'),
    '<linearGradient id="g"><stop stop-color="red"/></linearGradient>'
    '~ stroke="url(#g)"/>',
    '<linearGradient id="h"><stop offset="0" stop-opacity="0"/><stop offset="1"'
    ' style="stop-color:red"/></linearGradient><radialGradient id="g" '
    'xlink:href="#h"/>~ stroke="url(\'#g\')"/>',
    '<defs><path id="p" d="M0 0L90 80"/></defs><use href="#p" stroke="red"/>',
    '<defs><g id="p">~/></g></defs>'
    '<g style="stroke:red"><use xlink:href="#p"/></g>',
    '<symbol id="p" viewBox="0 0 9 8"><path d="M0 0L9 8" stroke="red"/>'
    "</symbol>"
    '<use href="#p" width="90" height="80"/>',
    '<switch><g requiredExtensions="x"/>~ stroke="red"/></switch>',
    '<a>~ stroke="red"/></a>',
    '<svg width="90" height="80" viewBox="0 0 9 8">'
    '<path d="M0 0L9 8" stroke="red"/></svg>',
    '<clipPath id="c"><rect width="30" height="9"/></clipPath>'
    '~ stroke="red" clip-path="url(#c)"/>',
    '<clipPath id="c" clipPathUnits="objectBoundingBox">'
    '<rect width="1" height="1"/>'
    '</clipPath>~ stroke="red" clip-path="url(#c)"/>',
    '<clipPath id="c"><text>word</text></clipPath>'
    '~ stroke="red" clip-path="url(#c)"/>',
    '<mask id="m"><rect width="50" height="50" fill="#444"/></mask>'
    '~ stroke="red" mask="url(#m)"/>',
    '<mask id="m"><rect width="99" height="99"/>'
    '<circle r="40" fill="white"/></mask>'
    '~ stroke="red" mask="url(#m)"/>',
    '<mask id="m" mask-type="alpha"><rect width="50" height="50"/></mask>'
    '~ stroke="red" mask="url(#m)"/>',
    '~ stroke="red" clip-path="url(#nothing)" mask="none"/>',
]


@pytest.mark.parametrize("seen", SEEN)
def test_what_a_viewer_shows_is_a_stroke(tmp_path, seen):
    seen = seen.replace("~", '<path d="M0 0L90 80"')
    assert strokes(tmp_path, BOX.format('fill="#fff"') + seen) == [
        [[0, 0], [255, 227]]
    ]


# From corner to corner of the canvas.
DIAGONAL = '<path d="M0 0L100 100" stroke="red"/>'
MASK = '<mask id="r"><rect width="100" height="100" fill="#fff"/>{}</mask>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (  # a clip path
            '<clipPath id="r"><rect width="40" height="99"/></clipPath>'
            '<path d="M10 50H90" stroke="red" clip-path="url(#r)"/>',
            [[(10, 50), (40.5, 50)]],
        ),
        (  # in another one
            '<clipPath id="r"><rect width="40" height="99"/></clipPath>'
            '<clipPath id="s" clip-path="url(#r)"><rect x="20" width="80" '
            'height="99"/></clipPath>'
            '<path d="M10 50H90" stroke="red" clip-path="url(#s)"/>',
            [[(19.5, 50), (40.5, 50)]],
        ),
        (  # an eraser's line in a mask, as react-sketch-canvas writes it
            MASK.format(
                '<path d="M50 0V100" fill="none" stroke="#000" '
                'stroke-width="20"/>'
            )
            + '<g mask="url(#r)"><path d="M10 50H90" stroke="red"/></g>',
            [[(10, 50), (40.5, 50)], [(59.5, 50), (90, 50)]],
        ),
        (  # an eraser that goes around a line does not hide it
            MASK.format('<path d="M5 40V60H95V40z" fill="none" stroke="#000"/>')
            + '<path d="M10 50H90" stroke="red" mask="url(#r)"/>',
            [[(10, 50), (90, 50)]],
        ),
        (  # the canvas
            '<path d="M50 50H990" stroke="red"/>',
            [[(50, 50), (100.5, 50)]],
        ),
        (  # out of it and in again
            '<path d="M50 50H200V80H50" stroke="red"/>',
            [[(50, 50), (100.5, 50)], [(100.5, 80), (50, 80)]],
        ),
        (  # a closed line that begins inside
            '<path d="M50 20H200V80H50z" stroke="red"/>',
            [[(100.5, 80), (50, 80), (50, 20), (100.5, 20)]],
        ),
        (  # the middle of a border's line is just outside
            '<path d="M-2 20V50H50" stroke="red" stroke-width="5"/>',
            [[(-2, 20), (-2, 50), (50, 50)]],
        ),
    ],
)
def test_of_partly_hidden_lines_the_seen_part_is_drawn(
    tmp_path, body, expected
):
    diagonal, *lines = strokes(tmp_path, DIAGONAL + body)
    unit = max(np.ptp(diagonal, axis=0)) / 100
    for line, points in zip(lines, expected, strict=True):
        np.testing.assert_allclose(
            np.subtract(line, diagonal[0]),
            np.array(points) * unit,
            atol=1.2 * unit,
        )


def test_an_eraser_over_a_fill_is_seen(tmp_path):
    body = (
        '<rect width="60" height="60" fill="gray"/>'
        '<path d="M0 0L50 50" stroke="white"/><path d="M0 50H50" stroke="red"/>'
    )
    assert len(strokes(tmp_path, body)) == 2


def test_white_lines_on_a_dark_page_are_the_drawing(tmp_path):
    lines = (
        '<path d="M0 0L50 50" stroke="white"/><path d="M0 50H50" stroke="red"/>'
    )
    page = BOX.format('fill="#000"')
    assert len(strokes(tmp_path, page + lines)) == 2
    dark = 'viewBox="0 0 100 100" style="background: #123"'
    assert len(strokes(tmp_path, lines, dark)) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "nothing in it is a line or a shape"),
        ("<text>words</text>", "nothing in it is a line or a shape"),
        ('<path d="M0 0L9 9"/>', "nothing of it can be seen"),
        (BOX.format('fill="none"'), "nothing of it can be seen"),
        ('<g opacity="0">' + LINE + "</g>", "nothing of it can be seen"),
    ],
)
def test_an_empty_drawing_has_a_reason(tmp_path, body, why):
    with pytest.raises(BadDrawingError, match=f"no points: {why}"):
        read(tmp_path, document(body))


# ----- pens, dots and outlines


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
