"""The geometry of one element of SVG, flattened to points.

svgelements parses paths, lengths and transforms; the rest is arithmetic.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import svgelements

# Of a whole circle 255 pixels wide, 64 chords stay within 0.2 pixels.
_CHORDS = 64

_FLAT = 1e-6  # of its length, how wide an area may be and still be a line
_PPI = 96  # of CSS
_SHAPES = {
    "circle": svgelements.Circle,
    "ellipse": svgelements.Ellipse,
    "line": svgelements.SimpleLine,
    "path": svgelements.Path,
    "polygon": svgelements.Polygon,
    "polyline": svgelements.Polyline,
    "rect": svgelements.Rect,
}
SHAPES = frozenset(_SHAPES)

_SIDES = {
    **dict.fromkeys(("left", "top"), "0%"),
    "center": "50%",
    **dict.fromkeys(("right", "bottom"), "100%"),
}

IDENTITY = np.eye(2, 3)  # [[a, c, e], [b, d, f]]


class Outline(NamedTuple):
    """A piece of a shape that is drawn without lifting the pen.

    Attributes:
        points: float64 [n, 2], n at least 2.
        closed: whether it ends where it began because the shape says so.
    """

    points: np.ndarray
    closed: bool


def outlines(
    tag: str, attributes: Mapping[str, str], viewport: tuple[float, float]
) -> list[Outline]:
    """The outlines of a basic shape or a path, in its own coordinates.

    Args:
        tag: one of `SHAPES`.
        attributes: those of its geometry.
        viewport: what percentages are of.

    Raises:
        Exception: of any kind, for attributes that make no sense; svgelements
            lets out what its own arithmetic meets. Of a path with an error,
            what stands before it is drawn.
    """
    if tag == "path":
        shape = svgelements.Path({}, pathd_loaded=True)
        try:
            shape.parse(attributes.get("d", ""))
        except ValueError:
            if not len(shape):
                raise
    else:
        shape = _SHAPES[tag](dict(attributes))
        shape.render(ppi=_PPI, width=viewport[0], height=viewport[1])
        if shape.is_degenerate() or _is_negative(attributes):
            return []
    return list(_flatten(shape))


def _is_negative(attributes: Mapping[str, str]) -> bool:
    """Whether a shape has a negative size, with which none is painted."""
    sizes = (attributes.get(name, "") for name in ("r", "width", "height"))
    return any(size.strip().startswith("-") for size in sizes)


def length(text: str | None, whole: float, default: float) -> float:
    """A length in pixels; percentages are of `whole`."""
    if text is None:
        return default
    value = svgelements.Length(text).value(ppi=_PPI, relative_length=whole)
    return float(value) if isinstance(value, int | float) else default


def matrix(text: str | None) -> np.ndarray:
    """A transform as float64 [2, 3].

    Raises:
        Exception: of any kind, for one that makes no sense.
    """
    if not text or text == "none":
        return IDENTITY
    parsed = svgelements.Matrix(text)
    parsed.render(ppi=_PPI, width=0, height=0)
    a, b, c, d, e, f = map(
        float, (parsed.a, parsed.b, parsed.c, parsed.d, parsed.e, parsed.f)
    )
    return np.array([[a, c, e], [b, d, f]])


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The transform [2, 3] that does `inner` first."""
    with np.errstate(all="ignore"):  # what is not finite is refused later
        product = outer[:, :2] @ inner
    product[:, 2] += outer[:, 2]
    return product


def translation(x: float, y: float) -> np.ndarray:
    """A transform [2, 3] that moves."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def origin(text: str, box: np.ndarray) -> tuple[float, float]:
    """The point that `transform-origin` names.

    Args:
        text: its value: two lengths, percentages or sides, or one.
        box: what percentages are of: two corners, [2, 2].
    """
    words = text.lower().split()[:2]
    if words[0] in ("top", "bottom") or words[1:] in (["left"], ["right"]):
        words = [*words[1:], "center"][:1] + words[:1]
    words = [_SIDES.get(word, word) for word in (*words, "center")][:2]
    x, y = (
        low + length(word, size, 0.0)
        for word, low, size in zip(words, box[0], box[1] - box[0], strict=True)
    )
    return float(x), float(y)


def transformed(points: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Points [n, 2] after a transform [2, 3]."""
    with np.errstate(all="ignore"):
        return points @ by[:, :2].T + by[:, 2]


def has_area(points: np.ndarray) -> bool:
    """Whether points [n, 2] enclose anything, and not just lie on a line."""
    offsets = points - points[0]
    far = offsets[np.abs(offsets).max(axis=1).argmax()]
    aside = offsets @ np.array([-far[1], far[0]])
    return bool(np.abs(aside).max() > _FLAT * (far @ far))


def scale_of(by: np.ndarray) -> float:
    """By how much a transform scales lengths; 0 if it flattens everything."""
    return math.sqrt(abs(by[0, 0] * by[1, 1] - by[0, 1] * by[1, 0]))


class View(NamedTuple):
    """A region that content is scaled into.

    Attributes:
        size: width and height of the content, in its own units.
        by: from these units to those around it, [2, 3].
        window: corners of the region, [4, 2] in the units around it; None if
            its size is not known.
    """

    size: tuple[float, float]
    by: np.ndarray
    window: np.ndarray | None = None


def view_box(text: str | None) -> tuple[float, ...] | None:
    """The four numbers of a `viewBox`; None if there are not."""
    numbers = re.split(r"[\s,]+", (text or "").strip())
    try:
        box = tuple(map(float, numbers))
    except ValueError:
        return None
    return box if len(box) == 4 and np.isfinite(box).all() else None


def root_view(attributes: Mapping[str, str]) -> View | None:
    """The canvas, in units of the view box; infinite if nothing is said.

    Returns:
        None if nothing is rendered.
    """
    width, height = (
        None
        if attributes.get(name, "auto").strip().endswith(("%", "auto"))
        else length(attributes[name], 0.0, np.inf)
        for name in ("width", "height")
    )
    if width is not None and height is not None and min(width, height) <= 0:
        return None
    box = view_box(attributes.get("viewBox"))
    if box is None:
        size = (width or np.inf, height or np.inf)
        return View(size, IDENTITY)
    by = translation(-box[0], -box[1])
    size = box[2], box[3]
    aspect = attributes.get("preserveAspectRatio", "").split()
    if width and height and "none" in aspect and min(size) > 0:
        stretch = np.array([[width / size[0], 0, 0], [0, height / size[1], 0]])
        by, size = compose(stretch, by), (width, height)
    return View(size, by)


def nested_view(
    attributes: Mapping[str, str], around: tuple[float, float]
) -> View | None:
    """The view of an `svg` in another, or of a `symbol`.

    Args:
        attributes: its own, with x, y, width and height as they apply.
        around: width and height of the view it stands in.

    Returns:
        None if nothing of it is shown.
    """
    x = length(attributes.get("x"), around[0], 0.0)
    y = length(attributes.get("y"), around[1], 0.0)
    box = view_box(attributes.get("viewBox"))
    # The size around may be unknown; then the content's own is as good as any.
    known = min(around) > 0
    whole = around if known or not box else box[2:]
    width = length(attributes.get("width"), whole[0], whole[0])
    height = length(attributes.get("height"), whole[1], whole[1])
    if (known and min(width, height) <= 0) or (box and min(box[2:]) <= 0):
        return None
    window = rectangle(x, y, width, height) if known else None
    if box is None:
        return View((width, height), translation(x, y), window)
    text = svgelements.Viewbox.viewbox_transform(
        x, y, width, height, *box, attributes.get("preserveAspectRatio")
    )
    return View((box[2], box[3]), matrix(text), window)


def rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    """The corners of a rectangle, float64 [4, 2]."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return corners * [width, height] + [x, y]


def _flatten(shape: svgelements.Shape) -> Iterator[Outline]:
    """The shape's outlines, without moves that draw nothing."""
    line: list[np.ndarray] = []
    closed = False
    for segment in shape.segments(transformed=False):
        if isinstance(segment, svgelements.Move):
            if len(line) > 1:
                yield Outline(np.concatenate(line), closed)
            line, closed = [_point(segment.end)], False
        elif segment.end is not None:
            line = line or [_point(segment.start)]
            line.append(_points(segment))
            closed = isinstance(segment, svgelements.Close)
    if len(line) > 1:
        yield Outline(np.concatenate(line), closed)


def _points(segment: svgelements.PathSegment) -> np.ndarray:
    """The points of a segment after its first one."""
    if isinstance(segment, svgelements.Line | svgelements.Close):
        return _point(segment.end)
    at = np.linspace(0, 1, _CHORDS + 1)[1:]
    with np.errstate(all="ignore"):  # what is not finite is refused later
        return np.asarray(segment.npoint(at), np.float64)


def _point(point: svgelements.Point) -> np.ndarray:
    return np.array([[point.x, point.y]], np.float64)
