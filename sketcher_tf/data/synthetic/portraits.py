"""The strokes that a kind of face is made of, ready to be varied.

Whatever does not change from one face to the next is computed once per kind: a
`Portrait` holds all its strokes in a few arrays, and to draw a face is to add
and multiply them.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sketcher_tf.data.synthetic.features import (
    EYES,
    Outline,
    Part,
    brow,
    mirrored,
    outline,
)
from sketcher_tf.data.synthetic.looks import FEMALE, FRONTAL, LOOKS, Look
from sketcher_tf.data.synthetic.moods import MOODS, Mood


@dataclass(frozen=True, eq=False)
class Portrait:
    """All strokes of one kind of face, one after the other.

    Attributes:
        look: its style.
        parts: int [n], the `Part` of each knot.
        knots: complex128 [n], in units of their part.
        plays: complex128 [3, n], what is added to the knots by one more such
            expression, by a wider jaw, and by more hair.
        turning: bool [n], which knots turn with the head; the others are as
            the view shows them.
        weights: float64 [m, n], from knots to points.
        lifts: int [strokes], the last point of each stroke.
    """

    look: Look
    parts: np.ndarray
    knots: np.ndarray
    plays: np.ndarray
    turning: np.ndarray
    weights: np.ndarray
    lifts: np.ndarray


@functools.cache
def portrait(
    gender: str, view: str, emotion: str, style: str, hairdo: int
) -> Portrait:
    """The portrait of a combination of factors, with one of its hairdos."""
    look, mood = LOOKS[style], MOODS[emotion]
    head = look.views[view].heads[gender][hairdo]
    outlines = [outline(Part.HEAD, text) for text in head]
    outlines += _features(look, mood, gender, view)
    knots = np.concatenate([line.knots for line in outlines])
    parts = np.concatenate([[o.part] * len(o.knots) for o in outlines])
    in_head = parts == Part.HEAD
    jaw = in_head * knots.real * knots.imag.clip(0, 1)
    # Hair is what is far from the middle, except for the ends of long hair.
    far_out = (abs(knots) > 0.95) & (knots.imag < 0.5)
    strain = np.concatenate([line.strain for line in outlines])
    ends = np.cumsum([len(line.weights) for line in outlines])
    return Portrait(
        look,
        parts,
        knots,
        np.stack([strain, jaw, in_head * far_out * knots]),
        ~in_head & ((parts != Part.NOSE) | (view == FRONTAL)),
        _block_diagonal([line.weights for line in outlines]),
        ends[[line.lifted for line in outlines]] - 1,
    )


def hairdos(gender: str, view: str, style: str) -> int:
    """How many hairdos such a head may have."""
    return len(LOOKS[style].views[view].heads[gender])


def _features(
    look: Look, mood: Mood, gender: str, view: str
) -> Iterator[Outline]:
    """Brows and eyes, nose, mouth.

    In a style of straight lines the brow nearer to the viewer goes on as the
    ridge of the nose.
    """
    frontal = view == FRONTAL
    left = [
        replace(mirrored(line), part=Part.LEFT_EYE)
        for line in _eye(look, mood, gender, far=not frontal)
    ]
    right = list(_eye(look, mood, gender, far=False))
    if mood.tear:
        right.append(outline(Part.RIGHT_EYE, mood.tear))
    nose = [outline(Part.NOSE, text) for text in look.views[view].nose]
    if look.straight:
        joined = left.pop(0) if frontal else right.pop(0)
        ridge = replace(nose[0], weights=nose[0].weights[1:])
        nose[:1] = replace(joined, lifted=False), ridge
    yield from (*left, *right, *nose)
    yield from _mouth(look, mood, gender, frontal)


def _eye(look: Look, mood: Mood, gender: str, far: bool) -> Iterator[Outline]:
    """A right eye with its brow, and the frown beside it."""
    yield brow(look, mood, gender, far)
    yield from EYES[look.eye_shape](mood, gender, far)
    if mood.frown:
        yield outline(Part.RIGHT_EYE, mood.frown)


def _mouth(
    look: Look, mood: Mood, gender: str, frontal: bool
) -> Iterator[Outline]:
    """Lips, teeth and tongue, and the folds beside them that are seen."""
    if look.lips and gender == FEMALE and mood.lip:
        yield outline(Part.MOUTH, mood.lip)
    for text in mood.mouth:
        yield outline(Part.MOUTH, text, straight=look.straight)
    if mood.fold:
        fold = outline(Part.MOUTH, mood.fold)
        yield from (mirrored(fold), fold) if frontal else (fold,)


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    rows, columns = np.sum([block.shape for block in blocks], axis=0)
    whole = np.zeros((rows, columns))
    row = column = 0
    for block in blocks:
        height, width = block.shape
        whole[row : row + height, column : column + width] = block
        row, column = row + height, column + width
    return whole
