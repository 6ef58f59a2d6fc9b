"""Brows, eyes, nose and mouth of a face, as a hand aims at them.

A feature is drawn in units of its own, from its own middle: half widths of an
eye or of a mouth. An eye is the right one of the picture, so that x points
away from the middle of the face; the left one is its mirror image.
"""

import enum
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketcher_tf.data.synthetic.looks import FEMALE, Look
from sketcher_tf.data.synthetic.moods import Mood
from sketcher_tf.data.synthetic.pen import curve, path, rdp

_SHUT = 0.5  # an eye whose lid is lower shows no iris
_WIDE = 1.2  # one whose lid is higher is white all around it
_RING = np.exp(2j * np.pi * (np.arange(7) / 6 - 0.25))
_BALL = np.exp(2j * np.pi * (np.arange(11) / 10 - 0.25))


class Part(enum.IntEnum):
    """What a point moves and grows with."""

    HEAD = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    NOSE = 3
    MOUTH = 4


# How far a curve may be cut short, in units of the part: a pixel or two.
_CUT = {
    Part.HEAD: 0.014,
    Part.RIGHT_EYE: 0.05,
    Part.NOSE: 0.008,
    Part.MOUTH: 0.05,
}


@dataclass(frozen=True, eq=False)
class Outline:
    """A stroke, or one of the pieces that it consists of.

    Attributes:
        part: what it belongs to.
        knots: complex128 [n], where the hand aims, in units of the part.
        weights: float64 [m, n]; times the knots, the points it draws.
        strain: complex128 [n], what a stronger expression adds to the knots.
        lifted: whether the pen leaves the paper after it.
    """

    part: Part
    knots: np.ndarray
    weights: np.ndarray
    strain: np.ndarray
    lifted: bool = True


def outline(part: Part, text: str, *, straight: bool = False) -> Outline:
    """What a text of a table says; `straight` makes corners of its curves."""
    knots = np.array(path(text.lstrip("~")))
    if straight or not text.startswith("~"):
        return _straight(knots, part)
    return _curved(knots, part)


def mirrored(line: Outline) -> Outline:
    """Left and right exchanged."""
    return replace(line, knots=-line.knots.conj(), strain=-line.strain.conj())


def brow(look: Look, mood: Mood, gender: str, far: bool) -> Outline:
    """A line, from the outer end if it is straight; a man's is a wedge.

    Args:
        look: the style.
        mood: the emotion.
        gender: as `looks` names it.
        far: whether this eye is on the side that is turned away.
    """
    height = -1j * (look.brow + 0.3 * max(mood.lid - 1, 0))
    outer, inner = (0.6 if far else 1.2) + height, -1.05 + height
    middle = (inner + outer) / 2 + 0.1 - 1j * mood.arch
    rise_out, rise_in = (
        -1j * rise * (look.lift if rise > 0 else 1)
        for rise in (mood.outer, mood.inner)
    )
    rise = (rise_out + rise_in) / 2
    if look.straight:
        return _straight([outer, inner], strain=[rise_out, rise_in])
    if gender == FEMALE:
        return _curved([inner, middle, outer], strain=[rise_in, rise, rise_out])
    return _straight(
        [outer, middle, inner, inner + look.thick * 1j, outer],
        strain=[rise_out, rise, rise_in, rise_in, rise_out],
    )


def almond(mood: Mood, gender: str, far: bool) -> Iterator[Outline]:
    """An eye with lids, iris and a lash, as people have it."""
    lid, slant = 0.62 * mood.lid, 0.5 * mood.slant
    corner, outer = -1 + 0.12j, 1 - 0.05j
    over_in = -0.4 - 1j * (0.9 * lid - slant)
    over_out = 0.4 - 1j * (lid + 0.4 * slant)
    under = 0.1 + 0.5j * mood.lower
    yield replace(_curved([corner, over_in, over_out, outer]), lifted=False)
    lower = _curved([outer, under, corner])
    yield replace(lower, weights=lower.weights[1:])
    if mood.lid < _SHUT:
        yield _straight([-0.2j * mood.lid, 0.3j * mood.lower])
    else:
        iris = 0.4 * _RING
        edge = np.interp(iris.real, [-0.4, 0.4], [over_in.imag, over_out.imag])
        yield _straight(
            iris.real + 1j * iris.imag.clip(edge, max(under.imag, 0.1))
        )
    if gender == FEMALE and not far:
        yield _straight([outer, outer + 0.45 - 0.4j])


def ball(mood: Mood, gender: str, far: bool) -> Iterator[Outline]:
    """A round eye with a pupil and two lashes; or one pressed shut."""
    if mood.lid < _SHUT:
        yield _curved([-1, 0.12j, 1 - 0.2j])
        yield _curved([-0.7 + 0.3j, 0.42j, 0.6 + 0.25j])
    else:
        yield _eyeball(mood)
        size = 0.22 if mood.lid > _WIDE else 0.36
        below = min(0.12, 1.1 * mood.lower - size)
        yield _straight(1j * below + size * _RING)
    if gender == FEMALE and not far:
        high = min(mood.lid, 1.3)
        yield _straight([0.86 - 0.35j * high, 1.35 - 0.6j * high])
        yield _straight([0.63 - 0.8j * high, 1.04 - 1.25j * high])


def _eyeball(mood: Mood) -> Outline:
    """A circle, cut off by lids: the lower one bulges when it is raised."""
    x, height = _BALL.real, 1.38 if mood.lid > _WIDE else 1.15
    upper = 0.25 * abs(mood.slant) - 0.6 * mood.slant * x
    upper -= height * min(mood.lid, 1.1)
    raised = 1 - min(mood.lower, 1)
    lower = height * (1 - raised * (1 - 0.8 * x**2))
    return _straight(0.92 * x + 1j * (height * _BALL.imag).clip(upper, lower))


def diamond(mood: Mood, gender: str, far: bool) -> Iterator[Outline]:
    """An eye of straight lines with a slit, and a lash."""
    lid, slant = 0.6 * mood.lid, 0.5j * mood.slant
    inner, outer = -1 + slant, 1 - slant
    yield _straight([inner, -1j * lid, outer, 0.55j * mood.lower, inner])
    yield _straight([-0.9j * lid, 0.5j * mood.lower])
    if gender == FEMALE and not far:
        yield _straight([outer, outer + 0.4 - 0.5j])


EYES: dict[str, Callable[[Mood, str, bool], Iterator[Outline]]] = {
    "almond": almond,
    "ball": ball,
    "diamond": diamond,
}


def _straight(
    knots: Sequence[complex] | np.ndarray,
    part: Part = Part.RIGHT_EYE,
    strain: Sequence[complex] | None = None,
) -> Outline:
    return _outline(part, knots, np.eye(len(knots)), strain)


def _curved(
    knots: Sequence[complex] | np.ndarray,
    part: Part = Part.RIGHT_EYE,
    strain: Sequence[complex] | None = None,
) -> Outline:
    """A curve, of as few points as show it."""
    weights = _curve_weights(len(knots))
    points = (weights @ knots).tolist()
    kept = set(rdp(points, _CUT[part]))
    shown = [point in kept for point in points]
    return _outline(part, knots, weights[shown], strain)


def _outline(
    part: Part,
    knots: Sequence[complex] | np.ndarray,
    weights: np.ndarray,
    strain: Sequence[complex] | None,
) -> Outline:
    aims = np.asarray(knots, np.complex128)
    added = np.zeros_like(aims) if strain is None else np.asarray(strain)
    return Outline(part, aims, weights, added)


@functools.cache
def _curve_weights(count: int) -> np.ndarray:
    """What `curve` does to `count` points, as a matrix: it is linear."""
    return np.stack([curve(unit).real for unit in np.eye(count)], axis=1)
