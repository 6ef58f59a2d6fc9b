"""Which properties an element has by attributes, style sheets and `style`.

CSS decides, by the selectors of cssselect2 and the parser of tinycss2:
presentation attributes first, then the sheets by specificity and order, then
`style`, and what is important above all.
"""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from sketcher_tf.data.formats.svg.paint import local_name

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
        "visibility",
        "width",
        "x",
        "y",
    }
)

_MEDIA = ("", "all", "screen", "only screen")


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
            media = tinycss2.serialize(node.prelude).strip().lower()
            if node.lower_at_keyword == "media" and media in _MEDIA:
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


def _declarations(content: Any) -> Iterator[_Declaration]:
    for node in tinycss2.parse_blocks_contents(
        content, skip_comments=True, skip_whitespace=True
    ):
        if node.type == "declaration":
            value = tinycss2.serialize(node.value).strip()
            yield node.lower_name, value, node.important
