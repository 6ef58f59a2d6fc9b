"""SVG files, one drawing each, flattened to strokes.

Paths, polylines, polygons, lines, rectangles, circles and ellipses with their
transforms; text, images and fills are not strokes and are left out. The result
is simplified as Quick, Draw! is, so its longest side is 255 pixels.
"""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import svgelements

from sketcher_tf.data.formats.checks import (
    Rules,
    check_finite,
    parse_rows,
)
from sketcher_tf.data.formats.drawing import (
    BadDrawingError,
    Drawing,
    SkipReport,
)
from sketcher_tf.data.formats.quickdraw import (
    GZIP_ERRORS,
    open_source,
    simplify,
)
from sketcher_tf.strokes import Polylines, polylines_to_stroke3

# svgelements lets out whatever its own arithmetic meets in a bad file.
_FILE_ERRORS = (
    *GZIP_ERRORS,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# Of a whole circle 255 pixels wide, 64 chords stay within 0.2 pixels.
_CHORDS = 64

# A few nested <use> can ask for billions of elements.
_MAX_ELEMENTS = 20_000


def read_svg(
    path: Path, category: str, rules: Rules, report: SkipReport
) -> Iterator[Drawing]:
    """Reads the drawing of one SVG file.

    Args:
        path: the file.
        category: the file does not say what it shows.
        rules: which drawings are taken.
        report: counts the file if it is not.

    Yields:
        The drawing, if it can be used; its key is a hash of its points.
    """

    def parse(row: Path, where: str) -> Drawing:
        rules.check_category(category, where)
        polylines = simplify(_polylines(row, where))
        stroke3 = polylines_to_stroke3(polylines)
        return rules.drawing(stroke3, {"category": category}, where)

    yield from parse_rows([(f"{path}:1", path)], parse, report)


def _polylines(path: Path, where: str) -> Polylines:
    try:
        with open_source(path) as file:
            root = ET.fromstring(file.read())
        _check_size(root)
        _hide_templates(root)
        _drop_empty_paths(root)
        tree = svgelements.SVG.parse(io.BytesIO(ET.tostring(root)))
        if not isinstance(tree, svgelements.SVG):
            raise ValueError("the root must be <svg>")
        lines = [
            line
            for shape in tree.elements(_is_shape)
            for line in _flatten(shape)
        ]
    except ET.ParseError as error:
        where = f"{path}:{error.position[0]}"
        raise BadDrawingError("malformed SVG", where, str(error)) from None
    except _FILE_ERRORS as error:
        raise BadDrawingError("malformed SVG", where, str(error)) from None
    check_finite(lines, where)
    return lines


def _is_shape(element: object) -> bool:
    if not isinstance(element, svgelements.Shape):
        return False
    return element.values.get("visibility") not in ("hidden", "collapse")


def _flatten(shape: svgelements.Shape) -> Iterator[np.ndarray]:
    """The shape's strokes as points [n, 2], without moves that draw nothing."""
    line: list[np.ndarray] = []
    for segment in shape.segments():
        if isinstance(segment, svgelements.Move):
            if len(line) > 1:
                yield np.concatenate(line)
            line = [_point(segment.end)]
        elif segment.end is not None:
            line = line or [_point(segment.start)]
            line.append(_points(segment))
    if len(line) > 1:
        yield np.concatenate(line)


def _points(segment: svgelements.PathSegment) -> np.ndarray:
    """The points of a segment after its first one."""
    if isinstance(segment, svgelements.Line | svgelements.Close):
        return _point(segment.end)
    at = np.linspace(0, 1, _CHORDS + 1)[1:]
    with np.errstate(all="ignore"):  # what is not finite is refused later
        return np.asarray(segment.npoint(at), np.float64)


def _point(point: svgelements.Point) -> np.ndarray:
    return np.array([[point.x, point.y]], np.float64)


def _hide_templates(root: ET.Element) -> None:
    """Makes groups in <defs> of what is drawn only where it is referred to.

    svgelements knows <defs>, and would draw these others where they stand.
    """
    for parent in list(root.iter()):
        for i, child in enumerate(parent):
            space, _, tag = str(child.tag).rpartition("}")
            if tag in ("marker", "mask", "symbol"):
                child.tag = f"{space}}}g" if space else "g"
                parent[i] = ET.Element(child.tag[:-1] + "defs")
                parent[i].append(child)


def _drop_empty_paths(root: ET.Element) -> None:
    """A path without data draws nothing; svgelements stumbles over it."""
    for parent in root.iter():
        for child in list(parent):
            if str(child.tag).endswith("path") and "d" not in child.attrib:
                parent.remove(child)


def _check_size(root: ET.Element) -> None:
    """Refuses a file that grows beyond measure once its <use> are resolved."""
    named = {
        node.get("id"): node for node in root.iter() if "id" in node.attrib
    }
    sizes: dict[ET.Element, int] = {}

    def size(node: ET.Element) -> int:
        if node not in sizes:
            sizes[node] = _MAX_ELEMENTS + 1  # while open: a cycle is endless
            target = named.get(_reference(node))
            used = 0 if target is None else size(target)
            sizes[node] = 1 + used + sum(map(size, node))
        return sizes[node]

    if size(root) > _MAX_ELEMENTS:
        raise ValueError(f"more than {_MAX_ELEMENTS} elements")


def _reference(node: ET.Element) -> str | None:
    if not str(node.tag).endswith("use"):
        return None
    link = node.get("href", node.get("{http://www.w3.org/1999/xlink}href"))
    return None if link is None else link[1:]
