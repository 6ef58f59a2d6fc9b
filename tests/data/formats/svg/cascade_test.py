"""Style sheets, transforms and views as programs write them today."""

import numpy as np
import pytest

from tests.data.formats.svg.paint_test import LINE, strokes, style

OTHER = '<path class="o" d="M0 90H90" {}/>'
STROKED = 'stroke="#000"'
DARK = "(prefers-color-scheme: dark)"

HIDING = [
    style("@media screen and (min-width: 9px) { .o { stroke: none } }", "{}"),
    style("@media print, screen { .o { stroke: none } }", "{}"),
    style("@media not print { .o { stroke: none } }", "{}"),
    style("@media (prefers-color-scheme: light) { .o{stroke:none} }", "{}"),
    style("@supports (display: grid) { .o { stroke: none } }", "{}"),
    style("@layer base { .o { stroke: none } }", "{}"),
    style(":root { --ink: none } .o { stroke: var(--ink, red) }", "{}"),
    style(".o { --Ink: none; stroke: var(--Ink) }", "{}"),
    style(".o { stroke: light-dark(rgb(0 0 0 / 0), red) }", "{}"),
]
SHOWING = [
    style(f"@media {DARK} {{ .o {{ stroke: none }} }}", "{}"),
    style(f"@media screen and {DARK} {{ .o {{ stroke:none }} }}", "{}"),
    style("@media (max-width: 9px) { .o { stroke: none } }", "{}"),
    style("@media (width &lt; 9px) { .o { stroke: none } }", "{}"),
    style("@media not all { .o { stroke: none } }", "{}"),
    style("@supports not (display: grid) { .o { stroke: none } }", "{}"),
    style(".o { stroke: some-future-colour(1) }", "{}"),
    style(".o { stroke: light-dark(var(--x, rgb(1, 2, 3)), none) }", "{}"),
    style(".o { stroke-width: -1 }", "{}"),
    style(".o { stroke: color-mix(in srgb, red 50%, blue) }", "{}"),
    style("g { --ink: red } .o { stroke: var(--ink, none) }", "<g>{}</g>"),
]


@pytest.mark.parametrize("sheet", HIDING)
def test_a_sheet_hides_what_it_would_on_a_screen(tmp_path, sheet):
    body = LINE + sheet.replace("{}", OTHER.format(STROKED))
    assert strokes(tmp_path, body) == strokes(tmp_path, LINE)


@pytest.mark.parametrize("sheet", SHOWING)
def test_other_rules_leave_the_attribute(tmp_path, sheet):
    body = LINE + sheet.replace("{}", OTHER.format(STROKED))
    assert strokes(tmp_path, body) == strokes(
        tmp_path, LINE + OTHER.format(STROKED)
    )


TURNED = '<rect x="20" y="20" width="20" height="20" fill="none" {} {}/>'


@pytest.mark.parametrize(
    ("origin", "point"),
    [
        ('style="transform: rotate(45deg); transform-origin: {}"', "9px 60px"),
        ('transform="rotate(45)" transform-origin="{}"', "9 60"),
        ('style="transform-origin: {}" transform="rotate(45)"', "9% 60%"),
        ('transform="rotate(45)" transform-origin="{}"', "left"),
        ('transform="rotate(45)" transform-origin="{}"', "bottom"),
        ('transform="rotate(45)" transform-origin="{}"', "top right"),
    ],
)
def test_a_transform_has_an_origin(tmp_path, origin, point):
    names = {"left": "0 50", "bottom": "50 100", "top right": "100 0"}
    x, y = names.get(point, "9 60").split()
    wanted = TURNED.format(STROKED, f'transform="rotate(45 {x} {y})"')
    given = TURNED.format(STROKED, origin.format(point))
    near(strokes(tmp_path, LINE + given), strokes(tmp_path, LINE + wanted))


def test_an_origin_may_be_of_the_shape_itself(tmp_path):
    css = "transform:rotate(45deg);transform-origin:center;transform-box:{}"
    given = TURNED.format(STROKED, f'style="{css.format("fill-box")}"')
    wanted = TURNED.format(STROKED, 'transform="rotate(45 30 30)"')
    near(strokes(tmp_path, LINE + given), strokes(tmp_path, LINE + wanted))


INNER = '<path d="M-50 10H300" stroke="#000"/>'
CUT = '<path d="M20 50H60" stroke="#000"/>'
UNCUT = '<path d="M0 50H100" stroke="#000"/>'
VIEW = '<svg x="20" y="40" width="40" height="20" {}>' + INNER + "</svg>"
SYMBOL = '<symbol id="s" {}>' + INNER + "</symbol>"
USE = '<use href="#s" x="20" y="40" width="40" height="20"/>'


@pytest.mark.parametrize(
    ("body", "is_cut"),
    [
        (VIEW.format(""), True),
        (VIEW.format('overflow="hidden"'), True),
        (VIEW.format('overflow="visible"'), False),
        (VIEW.format('style="overflow: visible"'), False),
        (SYMBOL.format("") + USE, True),
        (SYMBOL.format('viewBox="0 0 40 20"') + USE, True),
        (SYMBOL.format('overflow="visible"') + USE, False),
        (
            SYMBOL.format('width="40" height="20"')
            + '<use href="#s" x="20" y="40"/>',
            True,
        ),
        (f'<g transform="translate(-20)"><g>{VIEW.format("")}</g></g>', None),
    ],
)
def test_a_view_hides_what_lies_outside(tmp_path, body, is_cut):
    moved = CUT.replace("20 50H60", "0 50H40")
    wanted = {True: CUT, False: UNCUT, None: moved}[is_cut]
    near(strokes(tmp_path, LINE + body), strokes(tmp_path, LINE + wanted))


def near(found, wanted):
    assert list(map(len, found)) == list(map(len, wanted))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=4)


@pytest.mark.parametrize(
    "shape",
    [
        '<circle cx="50" cy="50" r="-9" {}/>',
        '<rect width="-9" height="90" {}/>',
        '<rect width="90" height="-9" {}/>',
    ],
)
def test_a_negative_size_paints_nothing(tmp_path, shape):
    body = LINE + shape.format(STROKED)
    assert strokes(tmp_path, body) == strokes(tmp_path, LINE)


def test_bytes_without_an_encoding_may_be_of_an_older_program(tmp_path):
    path = tmp_path / "drawing.svg"
    text = f'<svg viewBox="0 0 100 100"><title>Käse</title>{LINE}</svg>'
    path.write_bytes(text.encode("latin1"))
    lines = strokes_of(path)
    path.write_bytes(text.encode())
    assert strokes_of(path) == lines


def strokes_of(path):
    from sketcher_tf.data.formats.checks import Intake
    from sketcher_tf.data.formats.svg import read_svg

    [drawing] = read_svg(path, "cat", Intake())
    return drawing.stroke3.tolist()
