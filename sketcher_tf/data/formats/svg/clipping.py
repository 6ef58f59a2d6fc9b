"""The regions of clip paths and masks, by what is painted in them."""

from collections.abc import Iterator, Mapping

from sketcher_tf.data.formats.svg.painted import Shape
from sketcher_tf.data.formats.svg.regions import Layer, Region


def region_of(
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
