"""Which properties an element has by attributes, style sheets and `style`.

CSS decides, by the selectors of cssselect2 and the parser of tinycss2:
presentation attributes first, then the sheets by specificity and order, then
`style`, and what is important above all.
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from sketcher_tf.data.formats.svg.paint import is_paint, local_name

# Properties that can also be attributes of an element, as far as they matter.
_PRESENTATION = frozenset(
    {
        "clip-path",
        "clip-rule",
        "color",
        "cx",
        "cy",
        "d",
        "display",
        "fill",
        "fill-opacity",
        "fill-rule",
        "height",
        "mask",
        "mask-type",
        "opacity",
        "overflow",
        "r",
        "rx",
        "ry",
        "stop-color",
        "stop-opacity",
        "stroke",
        "stroke-linecap",
        "stroke-opacity",
        "stroke-width",
        "transform",
        "transform-origin",
        "visibility",
        "width",
        "x",
        "y",
    }
)

# What a media query can ask for and a large, light screen has not.
_UNMET = re.compile(
    r"\(\s*(max-|prefers-color-scheme\s*:\s*dark|prefers-contrast|"
    r"prefers-reduced-\w+\s*:\s*reduce|forced-colors\s*:\s*active|"
    r"inverted-colors\s*:\s*inverted|monochrome|[\w-]+\s*<)"
)


class Cascade:
    """The declared properties of every element of a document."""

    def __init__(self, root: Element) -> None:
        self._matcher = cssselect2.Matcher()
        self._wrappers: dict[Element, cssselect2.ElementWrapper] = {}
        self._styles: dict[Element, dict[str, str]] = {}
        sheets = [
            "".join(element.itertext())
            for element in root.iter()
            if local_name(element) == "style"
        ]
        rules = [rule for sheet in sheets for rule in _rules(sheet)]
        for selectors, declarations in rules:
            for selector in selectors:
                self._matcher.add_selector(selector, declarations)
        if rules:
            wrapper = cssselect2.ElementWrapper.from_xml_root(root)
            self._wrappers = {
                one.etree_element: one for one in wrapper.iter_subtree()
            }

    def style(self, element: Element) -> dict[str, str]:
        """Property -> value; nothing is inherited yet."""
        if element not in self._styles:
            self._styles[element] = self._declared(element)
        return self._styles[element]

    def _declared(self, element: Element) -> dict[str, str]:
        attributes = {
            name: value
            for name, value in element.attrib.items()
            if name in _PRESENTATION
        }
        sheet = [
            declaration
            for match in self._matches(element)
            for declaration in match[-1]
        ]
        own = list(_declarations(element.get("style", "")))
        ordered = sorted([*sheet, *own], key=lambda one: one[2])
        return {**attributes, **{name: value for name, value, _ in ordered}}

    def _matches(self, element: Element) -> list[Any]:
        wrapper = self._wrappers.get(element)
        if wrapper is None:
            return []
        # (specificity, order, pseudo element, declarations), sorted
        return [one for one in self._matcher.match(wrapper) if one[2] is None]


# (property, value, whether it is important)
_Declaration = tuple[str, str, bool]


def _rules(sheet: str) -> Iterator[tuple[list[Any], list[_Declaration]]]:
    """The selectors and declarations of a style sheet, for a screen."""
    nodes = tinycss2.parse_stylesheet(
        sheet, skip_comments=True, skip_whitespace=True
    )
    yield from _rules_of(nodes)


def _rules_of(
    nodes: list[Any],
) -> Iterator[tuple[list[Any], list[_Declaration]]]:
    for node in nodes:
        if node.type == "at-rule" and node.content is not None:
            condition = tinycss2.serialize(node.prelude).strip().lower()
            if _applies(node.lower_at_keyword, condition):
                yield from _rules_of(
                    tinycss2.parse_rule_list(
                        node.content, skip_comments=True, skip_whitespace=True
                    )
                )
        elif node.type == "qualified-rule":
            try:
                selectors = cssselect2.compile_selector_list(node.prelude)
            except cssselect2.SelectorError:
                continue  # as CSS asks for
            yield selectors, list(_declarations(node.content))


def _applies(keyword: str, condition: str) -> bool:
    """Whether what a rule `@keyword condition` holds is for our screen."""
    if keyword == "media":
        return any(map(_is_our_screen, condition.split(",")))
    if keyword == "supports":
        return not condition.startswith("not")
    return keyword == "layer"


def _is_our_screen(query: str) -> bool:
    kind, _, rest = query.strip().removeprefix("only ").partition(" ")
    if kind == "not":
        return not _is_our_screen(rest)
    is_screen = kind.startswith("(") or kind in ("", "all", "screen")
    return is_screen and not _UNMET.search(query)


def _declarations(content: Any) -> Iterator[_Declaration]:
    for node in tinycss2.parse_blocks_contents(
        content, skip_comments=True, skip_whitespace=True
    ):
        if node.type == "declaration":
            value = tinycss2.serialize(node.value).strip()
            if node.lower_name in ("fill", "stroke") and not is_paint(value):
                continue  # so that what was declared before it stands
            yield node.lower_name, value, node.important
