"""Faces with the four factors of FaceX, drawn by small programs.

A data set for factored conditions: every combination of gender, view, emotion
and style has drawings, and every factor changes what is seen. A face is drawn
as people do it: its outline, ears, neck and hair, then one eye with its brow,
the other, nose and mouth. Its features sit on a head that is turned, so that
those on the far side of a mid-profile are narrower and none is off the face.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from sketcher_tf.data.formats.arrays.npz import FACEX_FACTORS
from sketcher_tf.data.formats.drawing import Drawing
from sketcher_tf.data.synthetic.looks import FRONTAL, MID_PROFILE, Look
from sketcher_tf.data.synthetic.pen import Hand, paper
from sketcher_tf.data.synthetic.portraits import Portrait, hairdos, portrait

FACTORS = {factor.name: factor.values for factor in FACEX_FACTORS}

# By view, how far a head is turned to the left of the picture, in radians.
_TURNS = {FRONTAL: (-0.09, 0.09), MID_PROFILE: (0.58, 0.72)}
_SLIP = 0.004  # a hand is more careful with an eye than with an outline


def face(
    gender: str,
    view: str,
    emotion: str,
    style: str,
    index: int,
    seed: int = 0,
) -> Drawing:
    """Drawing `index` of a combination of `FACTORS`.

    Raises:
        ValueError: a word that its factor does not have.
    """
    labels = dict(zip(FACTORS, (gender, view, emotion, style), strict=True))
    numbers = [_number(name, value) for name, value in labels.items()]
    hand = Hand(np.random.default_rng([seed, *numbers, index]))
    hairdo = hand.count(0, hairdos(gender, view, style) - 1)
    sitter = portrait(**labels, hairdo=hairdo)
    points = _points(hand, sitter, hand.between(*_TURNS[view]))
    return Drawing(
        _stroke3(hand.drawn(points, aspect=0.1), sitter.lifts),
        labels,
        key=f"face/{'/'.join(labels.values())}/{seed}/{index}",
    )


def _points(hand: Hand, sitter: Portrait, turn: float) -> np.ndarray:
    """Where this hand means to go, complex128 [m]."""
    plays = hand.vary(1.0, 0.2), hand.between(-0.06, 0.06), hand.vary(1.0) - 1
    knots = sitter.knots + plays @ sitter.plays
    middles, wide, high = _proportions(hand, sitter.look)
    parts, turning = sitter.parts, sitter.turning
    middle = middles[parts]
    shape = wide[parts] * knots.real + 1j * high[parts] * knots.imag
    on_head = _turned(middle + turning * shape, turn, sitter.look)
    knots = np.where(parts, on_head, middle) + ~turning * shape
    features = parts.searchsorted(1)
    aimed = np.append(
        hand.aim(knots[:features]), hand.aim(knots[features:], _SLIP)
    )
    points = sitter.weights @ aimed.view(float).reshape(-1, 2)
    return points.view(complex)[:, 0]


def _stroke3(points: np.ndarray, lifts: np.ndarray) -> np.ndarray:
    """As `to_stroke3`, without leaving out points: each one is needed."""
    corner, scale = paper(points)
    pixels = ((points - corner) * scale).round()
    stroke3 = np.zeros((len(points), 3), np.float32)
    stroke3[0, :2] = pixels[0].real, pixels[0].imag
    stroke3[1:, :2] = np.diff(pixels).view(float).reshape(-1, 2)
    stroke3[lifts, 2] = 1
    return stroke3


def _proportions(
    hand: Hand, look: Look
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of one person: the parts' middles, widths and heights, [5] each."""
    down = 1j * hand.between(-0.04, 0.04)
    right = hand.vary(look.eye.real, 0.08) + 1j * look.eye.imag + down
    eye, nose = hand.vary(look.eye_size, 0.1), hand.vary(1.0)
    mouth = hand.vary(look.mouth_size, 0.12)
    left, lips = -right.conjugate(), look.mouth + 0.6 * down
    middles = np.array([0, left, right, look.nose + down, lips])
    wide = np.array([1, eye, eye, nose, mouth])
    open_, spoken = hand.vary(eye, 0.1), hand.vary(mouth, 0.1)
    return middles, wide, np.array([1, open_, open_, nose, spoken])


def _turned(points: np.ndarray, turn: float, look: Look) -> np.ndarray:
    """Points on the front of a head that is turned to the left."""
    across = (points.real / look.width) ** 2
    before = look.depth * np.sqrt((1 - across).clip(0.05))
    return points - points.real * (1 - np.cos(turn)) - before * np.sin(turn)


def _number(factor: str, value: str) -> int:
    values = FACTORS[factor]
    if value not in values:
        raise ValueError(
            f"the {factor} of a face must be one of {', '.join(values)}; "
            f"received {value!r}."
        )
    return values.index(value)


def faces(count_per_combination: int = 600, seed: int = 0) -> Iterator[Drawing]:
    """The data set, so many drawings of each combination, interleaved."""
    for index in range(count_per_combination):
        for gender, view, emotion, style in itertools.product(
            *FACTORS.values()
        ):
            yield face(gender, view, emotion, style, index, seed)
