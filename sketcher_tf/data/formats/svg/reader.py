"""Reads one file of SVG as one drawing."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sketcher_tf.data.formats.checks import Intake, check_finite
from sketcher_tf.data.formats.drawing import BadDrawingError, Drawing
from sketcher_tf.data.formats.packed import encoding_of, open_source
from sketcher_tf.data.formats.svg.ink import ink_of
from sketcher_tf.data.formats.svg.outlines import centre_lines
from sketcher_tf.data.formats.svg.painted import Scene, Shape
from sketcher_tf.data.formats.svg.scene import scene_of
from sketcher_tf.strokes import Lines, Polylines

_DECLARED = re.compile(rb"\s*<\?xml[^>]*encoding")


def read_svg(path: Path, category: str, intake: Intake) -> Iterator[Drawing]:
    """Reads the drawing of one SVG file, as a viewer shows it.

    Args:
        path: the file.
        category: the file does not say what it shows.
        intake: makes drawings of rows.

    Yields:
        The drawing, if it can be used; its key is a hash of its points.
    """

    def parse(row: Path, where: str) -> Drawing:
        intake.check_category(category, where)
        with np.errstate(all="ignore"):  # what is not finite is refused
            scene = _scene(row, where)
            ink = ink_of(scene)
            outlines = [line for s in ink.shapes for line in s.lines]
            check_finite(Lines.join(outlines).points, where)
            lines = ink.lines or _fills(ink.shapes, where, intake)
        if not lines:
            raise BadDrawingError("no points", where, _why_empty(scene))
        if ink.left_out:
            intake.report.note(
                "drawn by strokes, without the fills that look like lines",
                where,
                f"{ink.left_out} fill{'s' * (ink.left_out > 1)}",
            )
        return intake.polylines(
            Lines.join(lines),
            {"category": category},
            where,
            canvas=scene.canvas,
            recorded=True,
        )

    yield from intake.each([(f"{path}:1", path)], parse)


def _scene(path: Path, where: str) -> Scene:
    try:
        with open_source(path) as file:
            return scene_of(ET.fromstring(_text(file.read())))
    except ET.ParseError as error:
        where = f"{path}:{error.position[0]}"
        raise BadDrawingError("malformed SVG", where, str(error)) from None
    # A bad attribute makes svgelements raise nearly anything.
    except Exception as error:
        raise BadDrawingError("malformed SVG", where, str(error)) from None


def _text(data: bytes) -> bytes:
    """What expat takes: its own way with encodings, but for two mistakes."""
    encoding = _encoding(data)
    if encoding != "utf-8":  # whatever its declaration says
        data = data.decode(encoding, errors="replace").lstrip("\ufeff").encode()
        data = re.sub(rb"^\s*<\?xml.*?\?>", b"", data, flags=re.DOTALL)
    # The declaration has to be the very beginning.
    return data.lstrip() if data.lstrip().startswith(b"<?xml") else data


def _encoding(data: bytes) -> str:
    """That of a mark or declaration, else what older programs wrote."""
    encoding = encoding_of(data[:4])
    if encoding != "utf-8" or _DECLARED.match(data):
        return encoding
    try:
        data.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return encoding


def _fills(shapes: list[Shape], where: str, intake: Intake) -> Polylines:
    """The lines of a drawing without strokes; says so."""
    if not shapes:
        return []
    try:
        lines = centre_lines(shapes)
    except ImportError:
        intake.report.note(
            "without strokes, the outlines of the fills are taken; with "
            "scikit-image it would be their centre lines",
            where,
        )
        return [line for shape in shapes for line in shape.lines]
    intake.report.note(
        "without strokes, the centre lines of the fills are taken", where
    )
    return lines


def _why_empty(scene: Scene) -> str:
    if not scene.shapes:
        return "nothing in it is a line or a shape"
    return "nothing of it can be seen"
