"""What a document of SVG paints, element by element, as a renderer walks it.

Groups, references, nested views, switches; properties are inherited or not as
CSS says; opacity, clip paths and masks add up. Text and images paint nothing
here.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from sketcher_tf.data.formats.svg import shapes
from sketcher_tf.data.formats.svg.cascade import Cascade
from sketcher_tf.data.formats.svg.paint import (
    INVISIBLE,
    NONE,
    Paint,
    Paints,
    local_name,
    opacity,
    reference,
    referred,
)
from sketcher_tf.data.formats.svg.regions import Layer, Region
from sketcher_tf.data.formats.svg.shapes import Outline

# A few nested <use> can ask for billions of elements.
_MAX_ELEMENTS = 20_000

_CONTAINERS = ("svg", "g", "a", "switch", "use")
_UNSEEN = ("text", "image", "foreignObject")  # painted, but not by us

# The inherited properties, with their initial values.
_INITIAL = {
    "clip-rule": "nonzero",
    "color": "black",
    "fill": "black",
    "fill-opacity": "1",
    "fill-rule": "nonzero",
    "stroke": "none",
    "stroke-linecap": "butt",
    "stroke-opacity": "1",
    "stroke-width": "1",
    "visibility": "visible",
}


@dataclass(frozen=True, eq=False)
class Shape:
    """A shape as it lies on the canvas.

    Attributes:
        outlines: in units of the canvas.
        fill: what is inside; not visible without any.
        stroke: what is along the outlines.
        stroke_width: in units of the canvas.
        fill_rule: `nonzero` or `evenodd`.
        clip_rule: the same, in a clip path.
        regions: outside of which it cannot be seen.
    """

    outlines: list[Outline]
    fill: Paint
    stroke: Paint
    stroke_width: float
    fill_rule: str
    clip_rule: str
    regions: tuple[Region, ...]

    @property
    def lines(self) -> list[np.ndarray]:
        """The outlines' points, float64 [n, 2] each."""
        return [outline.points for outline in self.outlines]

    @property
    def is_filled(self) -> bool:
        """Whether its inside is seen."""
        return self.fill.alpha >= INVISIBLE and any(
            map(shapes.has_area, self.lines)
        )

    @property
    def is_stroked(self) -> bool:
        """Whether its outlines are seen."""
        return self.stroke.alpha >= INVISIBLE and self.stroke_width > 0

    @property
    def is_seen(self) -> bool:
        """Whether anything of it is, inside all regions."""
        return (self.is_filled or self.is_stroked) and all(
            region.shows(self.lines, self.is_filled, self.fill_rule)
            for region in self.regions
        )


class Scene(NamedTuple):
    """What a document paints.

    Attributes:
        shapes: from the bottom to the top.
        canvas: width and height, if the document says; from the origin on.
        paper: the luminance of what lies below.
    """

    shapes: list[Shape]
    canvas: tuple[float, float] | None
    paper: float


@dataclass(frozen=True)
class _Context:
    """What an element gets from those around it."""

    matrix: np.ndarray
    viewport: tuple[float, float]
    inherited: Mapping[str, str]
    opacity: float = 1.0
    regions: tuple[Region, ...] = ()


def scene_of(root: Element) -> Scene:
    """Walks a document.

    Raises:
        ValueError: the root is no `svg`, or there are too many elements.
        Exception: of any kind, for attributes that make no sense.
    """
    if local_name(root) != "svg":
        raise ValueError("the root must be <svg>")
    return _Walk(root).scene()


class _Walk:
    """One way through a document, from the bottom to the top."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._named = {
            element.get("id", ""): element
            for element in root.iter()
            if element.get("id")
        }
        self._cascade = Cascade(root)
        self._paints = Paints(self._named, self._cascade.style)
        self._visits = 0
        self._open: list[Element] = []  # what is being referred to
        self._painted: list[Shape] = []
        self._regions: dict[tuple[Element, bytes], Region | None] = {}

    def scene(self) -> Scene:
        """The whole document."""
        style = self._cascade.style(self._root)
        view = shapes.root_view({**self._root.attrib, **style})
        paper = self._paints.paint(
            style.get("background-color", style.get("background", "")), ""
        )
        luminance = paper.luminance if paper and paper.alpha else 1.0
        if view is None or view.size[0] <= 0 or view.size[1] <= 0:
            return Scene([], None, luminance)
        known = np.isfinite(view.size).all()
        size = view.size if known else (0.0, 0.0)
        around = _Context(view.by, size, _INITIAL)
        inside = self._enter(self._root, style, around)
        if inside is not None:
            self._visit_all(self._root, inside)
        return Scene(self._painted, view.size if known else None, luminance)

    def _visit_all(self, elements: Iterable[Element], around: _Context) -> None:
        for element in elements:
            self._visit(element, around)

    def _visit(self, element: Element, around: _Context) -> None:
        self._visits += 1
        if self._visits > _MAX_ELEMENTS:
            raise ValueError(f"more than {_MAX_ELEMENTS} elements")
        tag = local_name(element)
        if tag not in _CONTAINERS and tag not in shapes.SHAPES:
            return
        style = self._cascade.style(element)
        context = self._enter(element, style, around)
        if context is None:
            return
        if tag in shapes.SHAPES:
            self._paint(tag, {**element.attrib, **style}, context)
        elif tag == "use":
            self._use(element, style, context)
        elif tag == "switch":
            chosen = next(filter(_applies, element), None)
            self._visit_all([] if chosen is None else [chosen], context)
        elif tag == "svg":
            self._view(element, {**element.attrib, **style}, context)
        else:
            self._visit_all(element, context)

    def _enter(
        self, element: Element, style: Mapping[str, str], around: _Context
    ) -> _Context | None:
        """The context in an element; None if nothing of it is rendered."""
        if style.get("display", "").strip() == "none":
            return None
        by = shapes.compose(
            around.matrix, shapes.matrix(style.get("transform"))
        )
        context = dataclasses.replace(
            around,
            matrix=by,
            inherited=self._inherit(style, around.inherited),
            opacity=around.opacity * opacity(style.get("opacity")),
        )
        regions = [
            self._region(element, style.get(name), context)
            for name in ("clip-path", "mask")
        ]
        return dataclasses.replace(
            context,
            regions=(*around.regions, *(r for r in regions if r is not None)),
        )

    def _inherit(
        self, style: Mapping[str, str], around: Mapping[str, str]
    ) -> Mapping[str, str]:
        own = {}
        for name, initial in _INITIAL.items():
            value = style.get(name, "inherit").strip()
            if value == "initial":
                own[name] = initial
            elif value not in ("inherit", "unset", ""):
                own[name] = value
        color = own.get("color", around["color"])
        for name in ("fill", "stroke"):
            if name in own and self._paints.paint(own[name], color) is None:
                del own[name]  # a value that means nothing declares nothing
        return {**around, **own}

    def _paint(
        self, tag: str, attributes: Mapping[str, str], context: _Context
    ) -> None:
        inherited = context.inherited
        scale = shapes.scale_of(context.matrix)
        if inherited["visibility"] in ("hidden", "collapse") or not scale > 0:
            return
        outlines = [
            Outline(shapes.transformed(points, context.matrix), closed)
            for points, closed in shapes.outlines(
                tag, attributes, context.viewport
            )
        ]
        if inherited["stroke-linecap"] not in ("round", "square"):
            # A line that goes nowhere is nothing but its caps.
            outlines = [
                line for line in outlines if np.ptp(line.points, 0).any()
            ]
        if not outlines:
            return
        diagonal = float(np.hypot(*context.viewport)) / np.sqrt(2)
        width = shapes.length(inherited["stroke-width"], diagonal, 1.0)
        self._painted.append(
            Shape(
                outlines,
                self._painted_with("fill", context),
                self._painted_with("stroke", context),
                width * scale,
                inherited["fill-rule"],
                inherited["clip-rule"],
                context.regions,
            )
        )

    def _painted_with(self, name: str, context: _Context) -> Paint:
        values = context.inherited
        paint = self._paints.paint(values[name], values["color"]) or NONE
        factor = opacity(values[f"{name}-opacity"]) * context.opacity
        return paint._replace(alpha=paint.alpha * factor)

    def _use(
        self, element: Element, style: Mapping[str, str], context: _Context
    ) -> None:
        target = self._named.get(reference(element) or "")
        if target is None or target in self._open:
            return
        own = {**element.attrib, **style}
        x = shapes.length(own.get("x"), context.viewport[0], 0.0)
        y = shapes.length(own.get("y"), context.viewport[1], 0.0)
        moved = shapes.compose(context.matrix, shapes.translation(x, y))
        context = dataclasses.replace(context, matrix=moved)
        self._open.append(target)
        if local_name(target) in ("svg", "symbol"):
            sizes = {k: own[k] for k in ("width", "height") if k in own}
            inner = self._cascade.style(target)
            inside = self._enter(target, inner, context)
            if inside is not None:
                attributes = dict(target.attrib) | dict(inner) | sizes
                self._view(target, attributes, inside)
        else:
            self._visit(target, context)
        self._open.pop()

    def _view(
        self, element: Element, attributes: Mapping[str, str], context: _Context
    ) -> None:
        view = shapes.nested_view(attributes, context.viewport)
        if view is not None:
            by = shapes.compose(context.matrix, view.by)
            self._visit_all(
                element,
                dataclasses.replace(context, matrix=by, viewport=view.size),
            )

    def _region(
        self, element: Element, value: str | None, context: _Context
    ) -> Region | None:
        """Where a clip path or mask lets an element be seen; None: all over."""
        target = self._named.get(referred(value) or "")
        if target is None or target in self._open:
            return None
        if local_name(target) not in ("clipPath", "mask"):
            return None
        key = target, context.matrix.tobytes()
        if key not in self._regions:
            self._regions[key] = self._region_of(target, context)
        return self._regions[key]

    def _region_of(self, target: Element, context: _Context) -> Region | None:
        if any(local_name(child) in _UNSEEN for child in target.iter()):
            return None  # something of it is seen; where, we do not know
        tag = local_name(target)
        painted, self._painted = self._painted, []
        self._open.append(target)
        inside = dataclasses.replace(
            context, inherited=_INITIAL, opacity=1.0, regions=()
        )
        style = self._cascade.style(target)
        entered = self._enter(target, style, inside)
        if entered is not None:
            self._visit_all(target, entered)
        self._open.pop()
        content, self._painted = self._painted, painted
        units = "clipPathUnits" if tag == "clipPath" else "maskContentUnits"
        boxed = target.get(units) == "objectBoundingBox"
        outer = entered.regions if entered is not None else ()
        return _region_of(tag, style, content, boxed, outer)


def _region_of(
    tag: str,
    style: Mapping[str, str],
    content: list[Shape],
    boxed: bool,
    outer: tuple[Region, ...],
) -> Region:
    """The region of a clip path's or a mask's content.

    Args:
        tag: which of them.
        style: of the element.
        content: its shapes.
        boxed: they are in units of what is clipped, whose box is not known
            here; then only a region that lets nothing through counts.
        outer: clip paths of the clip path itself.
    """
    layers = []
    for shape in content:
        if tag == "clipPath":
            layers.append(Layer(shape.lines, shape.clip_rule))
        else:
            layers += _mask_layers(shape, style.get("mask-type") == "alpha")
    return Region(layers, boxed, outer)


def _mask_layers(shape: Shape, by_alpha: bool) -> Iterator[Layer]:
    """What a shape in a mask paints: its inside, then its outlines."""
    for paint, width, is_painted in (
        (shape.fill, None, shape.is_filled),
        (shape.stroke, shape.stroke_width, shape.is_stroked),
    ):
        if is_painted:
            light = 1.0 if by_alpha else paint.luminance
            yield Layer(shape.lines, shape.fill_rule, light, paint.alpha, width)


def _applies(element: Element) -> bool:
    """Whether a `switch` takes this child, the first that applies."""
    language = element.get("systemLanguage")
    return (
        bool(local_name(element))
        and "requiredExtensions" not in element.attrib
        and (language is None or "en" in language.lower())
    )
