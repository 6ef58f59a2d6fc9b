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
            '<path d="M50 20H200V80H50z" fill="none" stroke="red"/>',
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
