"""Movements of a pen, and the hand that makes them: for drawing programs.

A point is a complex number, x + iy with y downwards, so that moving is a sum
and turning a product. A stroke is complex128 [n]. Angles are counted in turns:
0 points right, 0.25 down, 0.5 left, 0.75 up; a positive sweep is clockwise.
A drawing program works in units of about half the size of the drawing.
"""

import functools
from collections.abc import Sequence

import numpy as np

from sketcher_tf.data.formats.simplify import EPSILON_PX, SIDE_PX
from sketcher_tf.strokes import polylines_to_stroke3

Stroke = np.ndarray

_SLIP = 0.012  # how far a hand misses the point it aims at, in drawing units
_HALVES = np.arange(2) / 2  # lines are split so that a tremor can bend them
_PIECES = np.arange(3) / 3
_SPLINE = np.stack(  # Catmull-Rom weights of four neighbours, [pieces, 4]
    [
        (-_PIECES + 2 * _PIECES**2 - _PIECES**3) / 2,
        (2 - 5 * _PIECES**2 + 3 * _PIECES**3) / 2,
        (_PIECES + 4 * _PIECES**2 - 3 * _PIECES**3) / 2,
        (-(_PIECES**2) + _PIECES**3) / 2,
    ],
    axis=1,
)


@functools.cache
def path(text: str) -> tuple[complex, ...]:
    """The points of a text like `-62,-60 0,-125`, in hundredths."""
    pairs = (pair.split(",") for pair in text.split())
    return tuple(complex(int(x), int(y)) / 100 for x, y in pairs)


def line(corners: Sequence[complex] | np.ndarray) -> Stroke:
    """Straight from corner to corner."""
    ends = np.asarray(corners, np.complex128)
    steps = (ends[1:] - ends[:-1])[:, None] * _HALVES
    return np.append((ends[:-1, None] + steps).ravel(), ends[-1])


def curve(points: Sequence[complex] | np.ndarray) -> Stroke:
    """Smoothly through all points (a Catmull-Rom spline)."""
    p = np.asarray(points, np.complex128)
    padded = np.concatenate(([2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]))
    count = len(p) - 1
    windows = np.stack([padded[k : k + count] for k in range(4)], axis=1)
    return np.append((windows @ _SPLINE.T).ravel(), p[-1])


def arc(
    center: complex,
    width: float,
    height: float,
    start: float = 0.0,
    sweep: float = 1.0,
) -> Stroke:
    """Part of an ellipse with half axes `width` and `height`, in turns."""
    size = max(abs(width), abs(height))
    count = 3 + int(15 * size**0.5 * abs(sweep))
    angle = 2 * np.pi * np.linspace(start, start + sweep, count)
    return center + width * np.cos(angle) + 1j * height * np.sin(angle)


def scalloped(
    stroke: Stroke, bumps: int, depth: float, pieces: int = 4
) -> Stroke:
    """The stroke with this many bumps to the left of the way it goes.

    The edge of a cloud, of petals, of an umbrella, of waves. Each bump is
    half an ellipse of `pieces` pieces; a negative `depth` is to the right.
    """
    angle = np.pi * np.arange(pieces * bumps + 1) / pieces
    bump = angle // np.pi
    t = bump + (1 - np.cos(angle - np.pi * bump)) / 2
    at = np.linspace(0, bumps, len(stroke))
    base = np.interp(t, at, stroke)
    way = np.gradient(base)
    return base - 1j * depth * np.abs(np.sin(angle)) * way / np.abs(way)


def mirrored(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Left and right exchanged."""
    return [-stroke.conj() for stroke in strokes]


def slanted(points: Stroke, slant: float, aspect: float) -> Stroke:
    """Widened by `aspect` and leaning to the right by `slant`."""
    return points.real * aspect - points.imag * slant + 1j * points.imag


def trembling(points: Stroke, phases: np.ndarray, amount: float) -> Stroke:
    """Displaced by a smooth field, so that parts that touch stay together.

    Args:
        points: complex [n].
        phases: [2, 3], in radians; which field it is.
        amount: the largest displacement per wave, in drawing units.
    """
    x, y = points.real, points.imag
    waves = np.stack([2.1 * x + 1.3 * y, 3.7 * y - 2.6 * x, 6.1 * x + 5.3 * y])
    weights = amount * np.array([1.0, 0.6, 0.25])
    right, down = weights @ np.sin(waves + phases[:, :, None])
    return points + right + 1j * down


class Hand:
    """One person's hand on one day: its habits hold for a whole drawing.

    Attributes:
        turn: +1 if it draws circles clockwise, else -1.
        start: where its circles start, in turns; near the top.
        closing: the part of a circle it draws twice, or leaves open if
            negative.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.turn = -1 if self.chance(0.85) else 1
        self.start = self.between(0.66, 0.84)
        self.closing = self.between(-0.02, 0.04)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._rng.random() < probability

    def between(self, low: float, high: float) -> float:
        """A number between two, all equally likely."""
        return low + (high - low) * self._rng.random()

    def vary(self, value: float, spread: float = 0.15) -> float:
        """A number within `spread` (a share) of `value`, the middle likely."""
        swing = self._rng.random() + self._rng.random() - 1
        return value * (1 + spread * swing)

    def count(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int((high - low + 1) * self._rng.random())

    def aim(self, points: Sequence[complex], slip: float = _SLIP) -> np.ndarray:
        """The points this hand hits when it aims at `points`.

        Args:
            points: where it should go.
            slip: standard deviation of what it misses them by.
        """
        miss = self._rng.normal(0.0, slip, 2 * len(points))
        return np.asarray(points, np.complex128) + miss.view(np.complex128)

    def line(self, *corners: complex) -> Stroke:
        """Straight from corner to corner, nearly."""
        return line(self.aim(corners))

    def curve(self, *points: complex) -> Stroke:
        """Smoothly through all points, nearly."""
        return curve(self.aim(points))

    def polygon(self, *corners: complex) -> Stroke:
        """A closed line, mostly from the first corner, round as circles."""
        last = len(corners) - 1
        first = 0 if self.chance(0.75) else self.count(0, last)
        order = corners[first:] + corners[: first + 1]
        return line(self.aim(order[:: self.turn]))

    def loop(
        self, center: complex, width: float, height: float | None = None
    ) -> Stroke:
        """A closed ellipse with half axes `width` and `height`."""
        height = width if height is None else height
        tilt = self.between(-0.06, 0.06)
        stroke = arc(
            center,
            width * (1 + tilt),
            height * (1 - tilt),
            self.start,
            self.turn * (1 + self.closing),
        )
        drift = np.linspace(-0.5, 0.5, len(stroke)) * self.between(-0.1, 0.1)
        return stroke + (stroke - center) * drift

    def outline(self, *parts: Stroke) -> Stroke:
        """The parts as one stroke, drawn either way round."""
        return np.concatenate(parts)[:: self.turn]

    def dot(self, center: complex, size: float = 0.05) -> Stroke:
        """A short tick."""
        return np.array([center - 0.5j * size, center + 0.5j * size])

    def finish(self, strokes: Sequence[Stroke]) -> list[Stroke]:
        """The strokes with this hand's tremor, slant and aspect."""
        ends = np.cumsum([len(stroke) for stroke in strokes])[:-1]
        return np.split(self.drawn(np.concatenate(strokes)), ends)

    def drawn(self, points: Stroke, aspect: float = 0.2) -> Stroke:
        """All points of a drawing as this hand draws them.

        Args:
            points: where it means to go.
            aspect: the largest share by which it widens or narrows.
        """
        phases = self._rng.uniform(0, 2 * np.pi, (2, 3))
        points = trembling(points, phases, self.between(0.005, 0.03))
        slant = self.between(-0.08, 0.08)
        points = slanted(points, slant, self.vary(1.0, aspect))
        return points * np.exp(1j * self.between(-0.06, 0.06))


def paper(points: Stroke) -> tuple[complex, float]:
    """Where the paper begins, and pixels per unit: as in Quick, Draw!.

    The paper is as large as the drawing; its longest side is 255 pixels.
    """
    x, y = points.real, points.imag
    corner = complex(x.min(), y.min())
    return corner, SIDE_PX / max(np.ptp(x), np.ptp(y))


def to_stroke3(strokes: Sequence[Stroke]) -> np.ndarray:
    """The strokes as Quick, Draw! simplifies them, float32 [N, 3].

    The longest side is 255, offsets are whole pixels. The strokes are points
    enough as they are, so they are not resampled first.
    """
    corner, scale = paper(np.concatenate(strokes))
    lines = [rdp(((s - corner) * scale).tolist(), EPSILON_PX) for s in strokes]
    return polylines_to_stroke3(
        [np.array(line).round().view(float).reshape(-1, 2) for line in lines]
    )


def rdp(points: list[complex], epsilon: float) -> list[complex]:
    """Ramer-Douglas-Peucker, as `quickdraw.rdp`.

    Without NumPy: strokes have about eight points here, and this is five times
    as fast for them.
    """
    if len(points) < 3:
        return points
    first, chord = points[0], points[-1] - points[0]
    if chord:
        across = chord.conjugate() / abs(chord)
        gaps = [abs((across * (p - first)).imag) for p in points[1:-1]]
    else:
        gaps = [abs(p - first) for p in points[1:-1]]
    largest = max(gaps)
    if largest <= epsilon:
        return [points[0], points[-1]]
    middle = gaps.index(largest) + 1
    left = rdp(points[: middle + 1], epsilon)
    return left[:-1] + rdp(points[middle:], epsilon)
