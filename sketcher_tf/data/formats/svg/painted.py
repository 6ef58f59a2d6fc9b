"""What a document of SVG has painted: shapes on a canvas."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sketcher_tf.data.formats.svg import shapes
from sketcher_tf.data.formats.svg.paint import INVISIBLE, Paint
from sketcher_tf.data.formats.svg.regions import Region, signed_area
from sketcher_tf.data.formats.svg.shapes import Outline

# A shape more compact than this is an area, no line that a pen has outlined.
COMPACT = 0.22  # its thickness, of its longest side


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


def is_thin(shape: Shape) -> bool:
    """Whether a filled shape looks like the line of a pen."""
    line = shape.lines[0]
    around = np.hypot(*np.diff(line, axis=0, append=line[:1]).T).sum()
    return thickness(abs(signed_area(line)), around) < COMPACT * float(
        np.ptp(line, axis=0).max()
    )


def thickness(area: float, around: float) -> float:
    """Of a line with this area and circumference."""
    return 2 * area / around
