"""What a document of SVG paints, element by element, as a renderer walks it.

Groups, references, nested views, switches; properties are inherited or not as
CSS says; opacity, clip paths and masks add up. Text and images paint nothing
here.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from sketcher_tf.data.formats.svg import shapes
from sketcher_tf.data.formats.svg.cascade import Cascade
from sketcher_tf.data.formats.svg.clipping import region_of
from sketcher_tf.data.formats.svg.paint import (
    NONE,
    Paint,
    Paints,
    local_name,
    opacity,
    reference,
    referred,
    with_variables,
)
from sketcher_tf.data.formats.svg.painted import Scene, Shape
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
        by = self._transform(element, style, around)
        context = dataclasses.replace(
            around,
            matrix=shapes.compose(around.matrix, by),
            inherited=self._inherit(style, around.inherited),
            opacity=around.opacity * _opacity(style),
        )
        regions = [
            self._region(element, style.get(name), context)
            for name in ("clip-path", "mask")
        ]
        return dataclasses.replace(
            context,
            regions=(*around.regions, *(r for r in regions if r is not None)),
        )

    def _transform(
        self, element: Element, style: Mapping[str, str], around: _Context
    ) -> np.ndarray:
        """An element's own transform, around its origin."""
        by = shapes.matrix(style.get("transform"))
        text = style.get("transform-origin")
        if not text or by is shapes.IDENTITY:
            return by
        tag = local_name(element)
        box = np.array([(0.0, 0.0), around.viewport])
        if style.get("transform-box") == "fill-box" and tag in shapes.SHAPES:
            attributes = {**element.attrib, **style}
            lines = shapes.outlines(tag, attributes, around.viewport)
            if lines:
                points = np.concatenate([line.points for line in lines])
                box = np.stack([points.min(axis=0), points.max(axis=0)])
        x, y = shapes.origin(text, box)
        moved = shapes.compose(by, shapes.translation(-x, -y))
        return shapes.compose(shapes.translation(x, y), moved)

    def _inherit(
        self, style: Mapping[str, str], around: Mapping[str, str]
    ) -> Mapping[str, str]:
        own = {n: v for n, v in style.items() if n.startswith("--")}
        variables = {**around, **own}
        for name, initial in _INITIAL.items():
            value = with_variables(style.get(name, "inherit"), variables)
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
        width = width if width >= 0 else 1.0  # a negative one says nothing
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
        if view is None:
            return
        regions = context.regions
        overflow = attributes.get("overflow", "hidden").strip()
        if view.window is not None and overflow not in ("visible", "auto"):
            window = shapes.transformed(view.window, context.matrix)
            regions = (*regions, Region([Layer([window])]))
        inside = dataclasses.replace(
            context,
            matrix=shapes.compose(context.matrix, view.by),
            viewport=view.size,
            regions=regions,
        )
        self._visit_all(element, inside)

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
        return region_of(tag, style, content, boxed, outer)


def _opacity(style: Mapping[str, str]) -> float:
    """What is blended with what lies below lets it be seen."""
    blended = style.get("mix-blend-mode", "normal") != "normal"
    return opacity(style.get("opacity")) * (0.5 if blended else 1.0)


def _applies(element: Element) -> bool:
    """Whether a `switch` takes this child, the first that applies."""
    language = element.get("systemLanguage")
    return (
        bool(local_name(element))
        and "requiredExtensions" not in element.attrib
        and (language is None or "en" in language.lower())
    )
