"""Colours, gradients and whether anything of them can be seen."""

import itertools
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

import tinycss2
import tinycss2.color4

# A paint that a byte per colour would round to nothing.
INVISIBLE = 1 / 510

_URL = re.compile(r"""url\(\s*['"]?#([^'")]*)['"]?\s*\)\s*(.*)""", re.DOTALL)
_VAR = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,(.*))?\)", re.DOTALL)


class Paint(NamedTuple):
    """What lies on the canvas, as far as seeing it goes.

    Attributes:
        luminance: 0 black to 1 white.
        alpha: 0 transparent to 1 opaque.
    """

    luminance: float
    alpha: float


NONE = Paint(0.0, 0.0)
BLACK = Paint(0.0, 1.0)

# Declared values of an element -> the same, by name
Style = Mapping[str, str]


class Paints:
    """The paints of a document.

    Args:
        named: its elements by id.
        style: the declared properties of an element.
    """

    def __init__(
        self, named: Mapping[str, Element], style: Callable[[Element], Style]
    ) -> None:
        self._named = named
        self._style = style

    def paint(self, text: str, color: str) -> Paint | None:
        """The paint that a value of `fill` or `stroke` stands for.

        Args:
            text: the value.
            color: the value of the property `color`.

        Returns:
            None if it is no paint, so that the declaration is void.
        """
        text = with_variables(text)
        if text == "none":
            return NONE
        if text in ("context-fill", "context-stroke"):
            return BLACK
        url = _URL.match(text)
        if url:
            server = self._named.get(url[1])
            if server is not None:
                return self._server(server)
            return self.paint(url[2], color) if url[2] else NONE
        return _color(text, color)

    def _server(self, element: Element, depth: int = 0) -> Paint:
        """A gradient as its most visible stop, a pattern as half there.

        Neither hides anything, unless all of a gradient does.
        """
        tag = local_name(element)
        if tag not in ("linearGradient", "radialGradient"):
            return Paint(0.5, 0.5) if tag == "pattern" else NONE
        stops = [child for child in element if local_name(child) == "stop"]
        if not stops:
            target = self._named.get(reference(element) or "")
            if target is None or depth > 9:
                return NONE
            return self._server(target, depth + 1)
        paints = sorted(map(self._stop, stops), key=lambda paint: paint.alpha)
        alpha = (paints[0].alpha + paints[-1].alpha) / 2
        return paints[-1]._replace(alpha=alpha)

    def _stop(self, element: Element) -> Paint:
        style = self._style(element)
        color = _color(style.get("stop-color", "black"), style.get("color", ""))
        paint = color or BLACK
        return paint._replace(
            alpha=paint.alpha * opacity(style.get("stop-opacity"))
        )


def opacity(text: str | None) -> float:
    """A value of `opacity` as 0 to 1; what is none is 1."""
    match = re.fullmatch(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)(%?)\s*", text or "")
    try:
        number = float(match[1]) if match else 1.0
    except ValueError:
        return 1.0
    return min(max(number / (100 if match and match[2] else 1), 0.0), 1.0)


def local_name(element: Element) -> str:
    """The name of an element of SVG; of another namespace, ""."""
    space, brace, name = str(element.tag).rpartition("}")
    return name if not brace or space == "{http://www.w3.org/2000/svg" else ""


def reference(element: Element) -> str | None:
    """The id that an element refers to, within its document."""
    link = element.get("href", element.get(_XLINK))
    return link[1:] if link and link.startswith("#") else None


def referred(value: str | None) -> str | None:
    """The id in `url(#id)`, the value of a property."""
    match = _URL.match((value or "").strip())
    return match[1] if match else None


_XLINK = "{http://www.w3.org/1999/xlink}href"


def is_paint(value: str) -> bool:
    """Whether a style sheet may declare this value of `fill` or `stroke`."""
    text = value.lower()
    return (
        text in ("none", "inherit", "initial", "unset", "revert")
        or text.startswith(("url(", "var(", "context-"))
        or _color(value, "") is not None
    )


def _color(text: str, color: str) -> Paint | None:
    if text.lower().startswith("color-mix("):
        return Paint(0.5, 1.0)
    parsed = tinycss2.color4.parse_color(_in_light(text))
    if parsed == "currentcolor":
        parsed = tinycss2.color4.parse_color(color or "black")
    if parsed is None or isinstance(parsed, str):
        return None
    try:
        parsed = parsed.to("srgb")
    except NotImplementedError:  # of a colour space beyond the screen's
        return Paint(0.5, parsed.alpha)
    red, green, blue = parsed.coordinates
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return Paint(min(max(luminance, 0.0), 1.0), parsed.alpha)


def _in_light(text: str) -> str:
    """The first colour of `light-dark(one, other)`; any other text itself."""
    node = tinycss2.parse_one_component_value(text)
    if node.type != "function" or node.lower_name != "light-dark":
        return text
    first = itertools.takewhile(lambda one: one != ",", node.arguments)
    return tinycss2.serialize(list(first)).strip()


def with_variables(text: str, variables: Style | None = None) -> str:
    """With what each `var()` stands for, or its fallback.

    What the page around a document defines is not known; there it is black.
    """
    match = _VAR.search(text)
    if match is None:
        return text.strip()
    value = (variables or {}).get(match[1].lower(), match[2] or "black")
    return _VAR.sub(lambda _: value.strip(), text).strip()
